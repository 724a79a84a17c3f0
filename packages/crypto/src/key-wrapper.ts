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
import type { RandomSource } from './random.ts';

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
  /** Aborts when nobody waits for the call any more: its caller has given up, or it took too long. */
  readonly signal: AbortSignal;
}

/**
 * A key that never leaves where it is, such as in a key management service, and wraps other keys. `describeKeyWrapper` of
 * `@securestore/crypto/testing` tests whether one keeps what is asked of it here.
 *
 * Both calls throw a `SecureStoreError`: `UNLOCK_FAILED` where the service refuses, for good, `UNAVAILABLE`, `TIMEOUT` or
 * `THROTTLED` where trying again may help. Its message is shown and must hold nothing of the key. Any other error is
 * reported by its name alone.
 */
export interface KeyWrapper {
  /**
   * Names the key, such as its ARN: 1 to 255 bytes of UTF-8 without control characters. It is kept in the store, where
   * anybody can read it, and the slot is opened by a wrapper with the same id alone.
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
/** What the name of an error class looks like; anything else may hold anything. */
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
 * Unlocks by a key that stays where it is, such as in a key management service: it wraps 32 random bytes, to which the slot
 * belongs. Adding the slot takes a `wrap` and an `unwrap`, opening the store an `unwrap`; nothing else does, rotating keys neither.
 * Whoever may wrap with that key could have made such a slot: so pin the fingerprint of the store when you open it.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`
 */
export function keyWrapper(
  wrapper: KeyWrapper,
  { timeout = DEFAULT_TIMEOUT }: KeyWrapperOptions = {},
): KeyWrapperMethod {
  const { id, wrap, unwrap } = (wrapper ?? {}) as Partial<KeyWrapper>;
  if (typeof wrap !== 'function' || typeof unwrap !== 'function') invalid('a key wrapper has an id, wrap and unwrap');
  checkId(id);
  if (!(typeof timeout === 'number' && timeout > 0 && timeout <= MAX_TIMEOUT)) {
    invalid('the option "timeout" of a key wrapper must be a number of milliseconds over 0');
  }
  return { type: 'keyWrapper', wrapper, timeout };
}

/** The error of a wrapper as ours. */
function described(error: unknown, what: string): SecureStoreError {
  if (SecureStoreError.is(error)) {
    // Whoever has no right to use the key has none to the store.
    const code = error.code === 'ACCESS_DENIED' || error.code === 'UNAUTHENTICATED' ? 'UNLOCK_FAILED' : error.code;
    return new SecureStoreError(code, `${what}: ${error.message}`, { retryable: error.retryable, cause: error.cause });
  }
  const name = error instanceof Error && ERROR_NAME.test(error.name) ? ` (${error.name})` : '';
  const message = `${what} for a reason that it did not give as a SecureStoreError${name}`;
  return new SecureStoreError('UNAVAILABLE', message, { retryable: false });
}

/** One call of a wrapper, which may neither hang for ever nor go on being waited for. */
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
    const aborted = new SecureStoreError('ABORTED', 'aborted', { cause: outer?.reason });
    const late = new SecureStoreError('TIMEOUT', `${what} within ${timeout} ms`);
    reject(outer?.aborted === true ? aborted : late);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  const calling = async (): Promise<Buffer> => {
    let result: unknown;
    try {
      result = await wrapper[kind](given, context, { signal });
    } catch (error) {
      // Its signal has ended the call, and what it makes of that says less.
      if (signal.aborted) onAbort();
      throw described(error, what);
    }
    if (!(result instanceof Uint8Array)) {
      throw new SecureStoreError('UNLOCK_FAILED', `${what}: it gave something other than a Uint8Array`);
    }
    const own = copySecret(result);
    if (kind === 'unwrap') result.fill(0);
    // Nobody takes what comes too late.
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
    `the key wrapper "${method.wrapper.id}" gave no key of ${KEY_LENGTH} bytes`,
  );
}

/**
 * A new seed, and what the slot says of it. It is unwrapped once, so that there is never a slot that opens nothing.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` where the wrapper is broken, and what it throws
 */
export async function wrapNewSeed(
  method: KeyWrapperMethod,
  context: WrapContext,
  random: RandomSource,
  signal: AbortSignal | undefined,
): Promise<{ readonly seed: Buffer; readonly slotMethod: Wrapped }> {
  const { id } = method.wrapper;
  const broken = (reason: string): never => invalid(`the key wrapper "${id}" is broken: ${reason}. No slot was made`);
  const seed = random(KEY_LENGTH);
  try {
    const wrapped = await call(method, 'wrap', seed, context, signal);
    if (wrapped.length === 0 || wrapped.length > MAX_WRAPPED_SEED_BYTES) {
      broken(`it gave ${wrapped.length} bytes for a key; it must give 1 to ${MAX_WRAPPED_SEED_BYTES}`);
    }
    if (wrapped.includes(seed)) broken('what it wrapped holds the key as it is');
    const again = await unwrapSeed(method, wrapped, context, signal);
    const same = timingSafeEqual(again, seed);
    again.fill(0);
    if (!same) broken('it unwraps another key than it wrapped');
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
