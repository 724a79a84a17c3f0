import { SecureStoreError } from '@securestore/core-format';
import { shownValue } from './shown-value.ts';

function invalid(option: string, message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message, { option });
}

/** Whole numbers from 0 to `most` by their names. @throws SecureStoreError `INVALID_ARGUMENT` */
export function parseNumbers<N extends string>(
  option: string,
  given: Readonly<Partial<Record<N, number>>> | undefined,
  defaults: Readonly<Record<N, number>>,
  most: number,
): Record<N, number> {
  if (given !== undefined && (typeof given !== 'object' || given === null))
    invalid(option, `the option "${option}" must be an object, got ${shownValue(given)}`);
  const known = Object.keys(defaults);
  const unknown = Object.keys(given ?? {}).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const name = `${option}.${unknown}`;
    invalid(name, `unknown option "${name}" (known: ${known.toSorted().join(', ')})`);
  }
  const numbers: Record<N, number> = { ...defaults };
  for (const name in defaults) {
    const value: unknown = given?.[name] ?? defaults[name];
    if (!(typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most)) {
      invalid(
        `${option}.${name}`,
        `the option "${option}.${name}" must be an integer from 0 to ${most}, got ${shownValue(value)}`,
      );
    }
    numbers[name] = value;
  }
  return numbers;
}
