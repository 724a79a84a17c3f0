import type { ErrorCode } from '../../../../packages/core-format/src/index.ts';

/** A parser that is given anything. */
export interface Target {
  readonly name: string;
  /** Valid inputs, at least one. */
  readonly seeds: readonly Buffer[];
  /** How it may refuse: by a `SecureStoreError` of one of these, and in no other way. */
  readonly codes: readonly ErrorCode[];
  /** Parses. @returns what the parsed serialises to, which must be the input; nothing where there is no such function */
  readonly parse: (input: Buffer) => Uint8Array | undefined;
}

/** A parser of text, given the bytes as UTF-8. */
export function ofText(
  name: string,
  seeds: readonly string[],
  codes: readonly ErrorCode[],
  parse: (text: string) => string | undefined,
): Target {
  return {
    name,
    seeds: seeds.map((seed) => Buffer.from(seed)),
    codes,
    parse(input) {
      const text = input.toString('utf8');
      const again = parse(text);
      if (again !== undefined && again !== text)
        throw new Error(`${JSON.stringify(text)} became ${JSON.stringify(again)}`);
      return undefined;
    },
  };
}

/** How parsers of bytes refuse. */
export const DAMAGED = ['INTEGRITY', 'FORMAT_VERSION'] as const;

/** A parser of bytes of which there is exactly one encoding. */
export function codec<T>(
  name: string,
  seeds: readonly Buffer[],
  decode: (bytes: Buffer) => T,
  encode: (value: T) => Uint8Array,
): Target {
  return { name, seeds, codes: DAMAGED, parse: (input) => encode(decode(input)) };
}
