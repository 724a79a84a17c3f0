import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { SecureStoreError } from '@securestore/core-format';

/** Far beyond all timeouts of the calls that are made here, also on a machine that has much else to do. */
const HANG_MS = 100_000;
/** The codes of what may work later, as it is. */
const PASSING: ReadonlySet<string> = new Set(['UNAVAILABLE', 'TIMEOUT', 'THROTTLED']);

/** What a call is, as far as it decides how it may fail. */
export interface Kind {
  readonly mutates: boolean;
  readonly conditional: boolean;
  readonly signal: AbortSignal | undefined;
}

export type Settled<T> = { readonly result: T } | { readonly error: SecureStoreError };

/** Waits for a call. @throws AssertionError where it hangs, or fails with anything but an error of ours */
export async function settled<T>(what: string, call: Promise<T>): Promise<Settled<T>> {
  const hang = Promise.withResolvers<never>();
  const timer = setTimeout(() => hang.reject(new assert.AssertionError({ message: `${what} hangs` })), HANG_MS);
  try {
    return { result: await Promise.race([call, hang.promise]) };
  } catch (error) {
    // Who calls again at once must leave the connections their turn.
    await setImmediate();
    if (SecureStoreError.is(error)) return { error };
    if (error instanceof assert.AssertionError) throw error;
    throw new assert.AssertionError({ message: `${what} failed with no error of ours: ${String(error)}` });
  } finally {
    clearTimeout(timer);
  }
}

/** Checks that an error is one of those that broken connections may cause, and says of itself what is right. */
export function checkFailure(what: string, error: SecureStoreError, { mutates, conditional, signal }: Kind): void {
  const { code, retryable, outcome } = error;
  const shown = `${what}: ${error.message} (${code}, caused by ${String(error.cause)})`;
  const allowed =
    PASSING.has(code) || (code === 'CONFLICT' && conditional) || (code === 'ABORTED' && signal?.aborted === true);
  assert.ok(allowed, `no such failure was caused; ${shown}`);
  assert.equal(retryable, PASSING.has(code), `retryable is wrong; ${shown}`);
  assert.ok(outcome === undefined || (mutates && code !== 'CONFLICT'), `the outcome is known; ${shown}`);
}
