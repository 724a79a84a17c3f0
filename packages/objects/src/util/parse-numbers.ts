import { shownValue } from './shown-value.ts';
import { invalid } from './invalid.ts';

/** Whole numbers from 0 to `most` by their names. @throws SecureStoreError `INVALID_ARGUMENT` */
export function parseNumbers<N extends string>(
  option: string,
  given: Readonly<Partial<Record<N, number>>> | undefined,
  defaults: Readonly<Record<N, number>>,
  most: number,
): Record<N, number> {
  if (given !== undefined && (typeof given !== 'object' || given === null))
    invalid(`the option "${option}" must be an object, got ${shownValue(given)}`, option);
  const known = Object.keys(defaults);
  const unknown = Object.keys(given ?? {}).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const name = `${option}.${unknown}`;
    invalid(`unknown option "${name}" (known: ${known.toSorted().join(', ')})`, name);
  }
  const numbers: Record<N, number> = { ...defaults };
  for (const name in defaults) {
    const value: unknown = given?.[name] ?? defaults[name];
    if (!(typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most)) {
      invalid(
        `the option "${option}.${name}" must be an integer from 0 to ${most}, got ${shownValue(value)}`,
        `${option}.${name}`,
      );
    }
    numbers[name] = value;
  }
  return numbers;
}
