import { SecureStoreError } from '@securestore/core-format';
import type { BackendConfig } from './contract.ts';
import { optionError } from './errors.ts';

/** Checks one setting and gives it its type; `undefined` means that it was left out. */
export type OptionParser<T> = (value: unknown) => T;

/** What an {@link OptionParser} throws; {@link parseOptions} adds which backend and which option. */
class OptionError extends Error {}

/**
 * The settings of a backend, checked. Unknown ones are refused, so that a misspelt option is not silently left at its default.
 * Messages name options and never show values, which may be credentials.
 *
 * @throws `INVALID_ARGUMENT`
 */
export function parseOptions<T extends object>(
  backend: string,
  options: BackendConfig['options'],
  parsers: { readonly [K in keyof T]: OptionParser<T[K]> },
): T {
  if (typeof options !== 'object' || options === null) {
    throw invalid(`the options of ${backend} must be an object`, backend);
  }
  const known = Object.keys(parsers);
  const first = Object.keys(options).find((name) => !known.includes(name));
  if (first !== undefined) {
    const rest = known.length === 0 ? 'no options' : `the options ${known.join(', ')}`;
    throw invalid(`unknown option ${JSON.stringify(first)} of ${backend}, which has ${rest}`, backend, first);
  }
  const parsed = known.map((name) => {
    const parse: OptionParser<unknown> = parsers[name as keyof T];
    return [name, parseOption(backend, name, options[name], parse)] as const;
  });
  // Each value came out of the parser of its own name.
  return Object.fromEntries(parsed) as T;
}

/** A whole number within limits, both inclusive. */
export function wholeNumber(limits: { min: number; max: number; fallback: number }): OptionParser<number> {
  const { min, max, fallback } = limits;
  return (value) => {
    if (value === undefined) return fallback;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
    throw new OptionError(`be a whole number from ${min} to ${max}`);
  };
}

/** A boolean. */
export function flag(fallback: boolean): OptionParser<boolean> {
  return (value) => {
    if (value === undefined) return fallback;
    if (typeof value === 'boolean') return value;
    throw new OptionError('be true or false');
  };
}

/** A string that is not empty, at most 4,096 characters; `fallback` if it is left out. */
export function text<F extends string | undefined>(fallback: F): OptionParser<string | F> {
  return (value) => {
    if (value === undefined) return fallback;
    if (typeof value === 'string' && value !== '' && value.length <= 4096) return value;
    throw new OptionError('be a string of 1 to 4,096 characters');
  };
}

/** One of several words. */
export function oneOf<const W extends string>(words: readonly W[], fallback: NoInfer<W>): OptionParser<W> {
  return (value) => {
    if (value === undefined) return fallback;
    const found = words.find((word) => word === value);
    if (found !== undefined) return found;
    throw new OptionError(`be one of ${words.join(', ')}`);
  };
}

function parseOption<T>(backend: string, name: string, value: unknown, parse: OptionParser<T>): T {
  try {
    return parse(value);
  } catch (error) {
    if (error instanceof OptionError) throw optionError(backend, name, error.message);
    throw error;
  }
}

function invalid(message: string, backend: string, option?: string): SecureStoreError {
  return new SecureStoreError('INVALID_ARGUMENT', message, { backend, operation: 'init', option });
}
