import { timingSafeEqual } from 'node:crypto';
import type { SlotMethod } from '@securestore/core-format';
import {
  copySecret,
  encodeBase32,
  KEY_LENGTH,
  MAX_WRAPPED_SEED_BYTES,
  MAX_WRAPPER_ID_BYTES,
  SecureStoreError,
} from '@securestore/core-format';
import type { RandomSource } from '../primitives/random.ts';

/**
 * What a wrapped key is for. It goes to the key management service with the key, as its encryption context or associated
 * data, so that what was wrapped for one slot of one store is unwrapped for no other. The properties are always in this
 * order: `JSON.stringify` gives one text for one context.
 */
export interface WrapContext {
  /** The lineage of the store, in base32hex. */
  readonly lineage: string;
  readonly fingerprint: string;
  /** The id of the slot, as {@link SlotInfo.id} has it. */
  readonly slot: string;
}

export interface WrapOptions {
  /** Aborts when the result is not needed any more: the caller has given up, or the call took too long. */
  readonly signal: AbortSignal;
}

/**
 * A key that never leaves its place, such as a key management service, and wraps other keys. `describeKeyWrapper` of
 * `@securestore/crypto/testing` tests whether a wrapper meets this contract.
 *
 * Both calls throw a `SecureStoreError`: `UNLOCK_FAILED` if the service refuses, for good, `UNAVAILABLE`, `TIMEOUT` or
 * `THROTTLED` if trying again may help. Its message is shown and must hold nothing of the key. Any other error is
 * reported by its name alone.
 */
export interface KeyWrapper {
  /**
   * Names the key, such as its ARN: 1 to 255 bytes of UTF-8 without control characters. It is kept in the store, readable for
   * everyone who can read the backend, and only a wrapper with the same id opens the slot.
   */
  readonly id: string;
  /**
   * Wraps 32 bytes, with authentication, for `context`.
   *
   * @param key filled with zeros when the call has ended; it must not be kept
   * @returns 1 to 2048 bytes
   */
  readonly wrap: (key: Uint8Array, context: WrapContext, options: WrapOptions) => Promise<Uint8Array>;
  /**
   * Gives the bytes that were wrapped, and fails with `UNLOCK_FAILED` for another context and for other bytes than `wrap` gave.
   *
   * @returns an array of the caller's own, which is filled with zeros after use
   */
  readonly unwrap: (wrapped: Uint8Array, context: WrapContext, options: WrapOptions) => Promise<Uint8Array>;
}

/** Unlocks by a {@link KeyWrapper}; made by {@link keyWrapper}. */
export interface KeyWrapperMethod {
  readonly type: 'keyWrapper';
  readonly wrapper: KeyWrapper;
  /** How long a call of the wrapper may take, in milliseconds. */
  readonly timeout: number;
}

export interface KeyWrapperOptions {
  /** How long a call of the wrapper may take, in milliseconds, before it fails with `TIMEOUT`; by default 30,000. */
  readonly timeout?: number | undefined;
}

const DEFAULT_TIMEOUT = 30_000;
const MAX_TIMEOUT = 0x7fff_ffff;
const CONTROL = /\p{Cc}/u;
/** The form of the name of an error class; any other text may contain secrets. */
const ERROR_NAME = /^[A-Za-z]\w{0,63}$/;

function invalid(reason: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', reason);
}

function checkId(id: unknown): void {
  const known = typeof id === 'string' && id !== '' && id.isWellFormed() && !CONTROL.test(id);
  if (known && Buffer.byteLength(id) <= MAX_WRAPPER_ID_BYTES) return;
  invalid(`the id of a key wrapper must be 1 to ${MAX_WRAPPER_ID_BYTES} bytes of text without control characters`);
}

/**
 * Unlocks by a key that stays in its place, such as a key management service: it wraps 32 random bytes, to which the slot
 * belongs. Adding the slot takes a `wrap` and an `unwrap`, opening the store an `unwrap`; nothing else does, rotating keys neither.
 * Every holder of the right to wrap with that key could have made such a slot: so pin the fingerprint of the store when you open it.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`
 */
export function keyWrapper(
  wrapper: KeyWrapper,
  { timeout = DEFAULT_TIMEOUT }: KeyWrapperOptions = {},
): KeyWrapperMethod {
  const { id, wrap, unwrap } = (wrapper ?? {}) as Partial<KeyWrapper>;
  if (typeof wrap !== 'function' || typeof unwrap !== 'function')
    invalid('a key wrapper must have an id, and the functions wrap and unwrap');
  checkId(id);
  if (!(typeof timeout === 'number' && timeout > 0 && timeout <= MAX_TIMEOUT)) {
    const message = `the option "timeout" of a key wrapper must be a number of milliseconds over 0, at most ${MAX_TIMEOUT}`;
    throw new SecureStoreError('INVALID_ARGUMENT', message, { option: 'timeout' });
  }
  return { type: 'keyWrapper', wrapper, timeout };
}

/** The error of a wrapper as ours. */
function described(error: unknown, what: string): SecureStoreError {
  if (SecureStoreError.is(error)) {
    // A caller that may not use the key may not open the store either.
    const code = error.code === 'ACCESS_DENIED' || error.code === 'UNAUTHENTICATED' ? 'UNLOCK_FAILED' : error.code;
    const { retryable, advice, cause } = error;
    return new SecureStoreError(code, `${what}: ${error.message}`, { retryable, advice, cause });
  }
  const name = error instanceof Error && ERROR_NAME.test(error.name) ? ` (${error.name})` : '';
  return new SecureStoreError('UNAVAILABLE', `${what}: unknown error${name}`, { retryable: false });
}

/** One call of a wrapper, which may neither hang for ever nor be waited for after an abort. */
async function call(
  { wrapper, timeout }: KeyWrapperMethod,
  kind: 'wrap' | 'unwrap',
  bytes: Uint8Array,
  context: WrapContext,
  outer: AbortSignal | undefined,
): Promise<Buffer> {
  const what = `the key wrapper "${wrapper.id}" did not ${kind} the key of a slot`;
  const limit = AbortSignal.timeout(timeout);
  const signal = outer === undefined ? limit : AbortSignal.any([outer, limit]);
  const given = copySecret(bytes);
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => {
    const aborted = new SecureStoreError('ABORTED', `${what}: the call was aborted`, { cause: outer?.reason });
    const late = new SecureStoreError('TIMEOUT', `${what} within ${timeout} ms`);
    reject(outer?.aborted === true ? aborted : late);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  const calling = async (): Promise<Buffer> => {
    let result: unknown;
    try {
      result = await wrapper[kind](given, context, { signal });
    } catch (error) {
      // The signal has ended the call: the error of the wrapper says less.
      if (signal.aborted) onAbort();
      throw described(error, what);
    }
    if (!(result instanceof Uint8Array)) {
      throw new SecureStoreError('UNLOCK_FAILED', `${what}: the result must be a Uint8Array`);
    }
    const own = copySecret(result);
    if (kind === 'unwrap') result.fill(0);
    // A result that comes too late is not used.
    if (signal.aborted) own.fill(0);
    return own;
  };
  try {
    if (signal.aborted) onAbort();
    return await Promise.race([ended, calling()]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    given.fill(0);
  }
}

type Wrapped = Extract<SlotMethod, { type: 'keyWrapper' }>;

/** The seed of a slot. To be wiped. @throws SecureStoreError `UNLOCK_FAILED`, and what the wrapper throws */
export async function unwrapSeed(
  method: KeyWrapperMethod,
  wrapped: Uint8Array,
  context: WrapContext,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const seed = await call(method, 'unwrap', wrapped, context, signal);
  if (seed.length === KEY_LENGTH) return seed;
  seed.fill(0);
  throw new SecureStoreError(
    'UNLOCK_FAILED',
    `the key wrapper "${method.wrapper.id}" did not give a key of ${KEY_LENGTH} bytes`,
  );
}

/**
 * A new seed, and what the slot keeps of it. The seed is unwrapped once, so that no slot is ever useless.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if the wrapper is broken, and what it throws
 */
export async function wrapNewSeed(
  method: KeyWrapperMethod,
  context: WrapContext,
  random: RandomSource,
  signal: AbortSignal | undefined,
): Promise<{ readonly seed: Buffer; readonly slotMethod: Wrapped }> {
  const { id } = method.wrapper;
  const broken = (reason: string): never => invalid(`the key wrapper "${id}" is broken: ${reason}. No slot was added.`);
  const seed = random(KEY_LENGTH);
  try {
    const wrapped = await call(method, 'wrap', seed, context, signal);
    if (wrapped.length === 0 || wrapped.length > MAX_WRAPPED_SEED_BYTES) {
      broken(`a wrapped key must have 1 to ${MAX_WRAPPED_SEED_BYTES} bytes, got ${wrapped.length}`);
    }
    if (wrapped.includes(seed)) broken('a wrapped key has the key in plain');
    const again = await unwrapSeed(method, wrapped, context, signal);
    const same = timingSafeEqual(again, seed);
    again.fill(0);
    if (!same) broken('unwrapping gives another key than was wrapped');
    return { seed, slotMethod: { type: 'keyWrapper', wrapperId: id, wrappedSeed: wrapped } };
  } catch (error) {
    seed.fill(0);
    throw error;
  }
}

export function wrapContext(lineage: Uint8Array, fingerprint: Uint8Array, slotId: Uint8Array): WrapContext {
  const context = {
    lineage: encodeBase32(lineage),
    fingerprint: encodeBase32(fingerprint),
    slot: encodeBase32(slotId),
  };
  return Object.freeze(context);
}
