import type { ErrorCode, ErrorDetails } from '@securestore/core-format';
import { adviceAbout, SecureStoreError } from '@securestore/core-format';
import type { CallOptions } from './types.ts';
import { shownValue } from '../util/shown-value.ts';
import { invalid } from '../util/invalid.ts';

/** Wraps what a caller's own source of data threw, so that it isn't taken for a fault of the store. */
export class SourceError extends Error {}

/** What a timer takes, in milliseconds. */
export const MAX_TIMEOUT = 0x7fff_ffff;

const COMMON: ReadonlySet<string> = new Set(['signal', 'timeout']);

/** Refuses options that the call doesn't know, so that a misspelt condition is never ignored. */
export function checkOptions(options: object | undefined, known: ReadonlySet<string>): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    invalid('the options must be an object');
  for (const name of Object.keys(options)) {
    if (known.has(name) || COMMON.has(name)) continue;
    invalid(`unknown option "${name}" (known: ${[...known, ...COMMON].toSorted().join(', ')})`, name);
  }
  const { signal, timeout } = options as CallOptions;
  if (signal !== undefined && !(signal instanceof AbortSignal))
    invalid('the option "signal" must be an AbortSignal', 'signal');
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout > 0 && timeout <= MAX_TIMEOUT)) {
    invalid(`the option "timeout" must be over 0 and at most ${MAX_TIMEOUT} ms, got ${shownValue(timeout)}`, 'timeout');
  }
}

/** What an error is about. */
interface Subject {
  readonly operation: string;
  readonly key?: string | undefined;
  /** The key as the message names it after the operation. */
  readonly shownKey?: string | undefined;
  /** The store URL that the message names after the operation. No other field of an error has it. */
  readonly url?: string | undefined;
}

/** A message without the path that it begins with, if the store URL before it ends with that path. */
function joined(what: string, message: string): string {
  const [begin = ''] = message.split(': ', 1);
  return `${what}: ${what.endsWith(`:${begin}`) ? message.slice(begin.length + 2) : message}`;
}

/** The error as the caller sees it: with the call, the object or store, and the right code. */
function describe(error: unknown, subject: Subject, signal: AbortSignal | undefined): Error {
  const { operation, key, url } = subject;
  const named = subject.shownKey ?? url;
  const what = named === undefined ? operation : `${operation} ${named}`;
  const inPlace = (sentence: string): string => (url === undefined ? sentence : joined(url, sentence));
  const made = (code: ErrorCode, sentence: string, details: ErrorDetails): SecureStoreError =>
    new SecureStoreError(code, `${what}: ${sentence}`, { operation, key, detail: inPlace(sentence), ...details });
  if (error instanceof SourceError && signal?.aborted !== true) {
    return made('INVALID_ARGUMENT', 'the data to store could not be read', { cause: error.cause });
  }
  const known = SecureStoreError.is(error);
  const outcome = known ? error.outcome : undefined;
  if (signal?.aborted === true && (!known || error.code === 'ABORTED')) {
    const timedOut = (signal.reason as { name?: unknown } | undefined)?.name === 'TimeoutError';
    // Why it ended is the caller's own reason, or that of the timeout; the place in the code would say nothing.
    const details = { outcome, cause: signal.reason };
    return timedOut ? made('TIMEOUT', 'took longer than its timeout', details) : made('ABORTED', 'aborted', details);
  }
  if (!known) return made('INTERNAL', 'unexpected error', { cause: error });
  // What a backend names is none of the keys that callers know.
  const about = key ?? (error.backend === undefined ? error.key : undefined);
  const message = joined(what, error.message);
  const advice = key === undefined ? error.advice : error.advice && adviceAbout(error.advice, key);
  return SecureStoreError.from(error, { message, detail: inPlace(error.detail), operation, key: about, advice });
}

/** As {@link signalOf}. @throws SecureStoreError `ABORTED` if it has ended already */
export function callSignal(options: CallOptions | undefined): AbortSignal | undefined {
  const signal = signalOf(options);
  if (signal?.aborted === true) throw new SecureStoreError('ABORTED', 'aborted', { cause: signal.reason });
  return signal;
}

/** The signal that ends a call: the caller's, its timeout (which begins now), or both; `undefined` for neither. */
export function signalOf(options: CallOptions | undefined): AbortSignal | undefined {
  if (options?.timeout === undefined) return options?.signal;
  const timeout = AbortSignal.timeout(options.timeout);
  return options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]);
}

/** An error of a call, as its caller sees it. @param key shown unless it is what is wrong and can't be printed */
export function inContext(error: unknown, operation: string, key: unknown, signal: AbortSignal | undefined): Error {
  const shown = typeof key === 'string' && !(SecureStoreError.is(error, 'INVALID_KEY') && error.key === undefined);
  // Escaped, since a refused key may hold line breaks.
  return describe(error, shown ? { operation, key, shownKey: JSON.stringify(key) } : { operation }, signal);
}

/** An error of a call about a whole store, as its caller sees it. @param url without credentials */
export function atStoreUrl(error: unknown, operation: string, url: string, signal: AbortSignal | undefined): Error {
  return describe(error, { operation, url }, signal);
}

/** Runs one call of the surface, so that all its errors say which call and which object they are about. */
export async function inCall<T>(
  operation: string,
  key: unknown,
  getSignal: () => AbortSignal | undefined,
  body: () => Promise<T>,
): Promise<T> {
  try {
    return await body();
  } catch (error) {
    throw inContext(error, operation, key, getSignal());
  }
}
