import { SecureStoreError } from '@securestore/core-format';

function invalid(message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message);
}

/** Whole numbers from 0 to `most` by their names. @throws SecureStoreError `INVALID_ARGUMENT` */
export function parseNumbers<N extends string>(
  option: string,
  given: Readonly<Partial<Record<N, number>>> | undefined,
  defaults: Readonly<Record<N, number>>,
  most: number,
): Record<N, number> {
  if (given !== undefined && (typeof given !== 'object' || given === null))
    invalid(`the option "${option}" must be an object`);
  const known = Object.keys(defaults);
  const unknown = Object.keys(given ?? {}).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    invalid(`unknown option "${option}.${unknown}". Known here: ${known.toSorted().join(', ')}`);
  }
  const numbers: Record<N, number> = { ...defaults };
  for (const name in defaults) {
    const value: unknown = given?.[name] ?? defaults[name];
    if (!(typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most)) {
      invalid(`the option "${option}.${name}" must be an integer from 0 to ${most}`);
    }
    numbers[name] = value;
  }
  return numbers;
}
