import { SecureStoreError } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';

/** How often an alert is tried, and the first pause after a failure, in milliseconds; each next one is twice as long. */
const TRIES = 3;
const RETRY_AFTER = 1000;

/**
 * Does something that may hang.
 *
 * @param work to end, one way or another, soon after its signal aborts
 * @throws SecureStoreError `TIMEOUT`; whatever `work` throws
 */
export async function limited<T>(
  clock: Clock,
  milliseconds: number,
  what: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const late = new AbortController();
  const timer = clock.sleep(milliseconds, over.signal).then(
    () => late.abort(new SecureStoreError('TIMEOUT', `${what} took longer than ${milliseconds / 1000} s`)),
    () => undefined,
  );
  try {
    return await work(AbortSignal.any([signal, late.signal]));
  } finally {
    over.abort();
    await timer;
  }
}

/**
 * Tries to send something. Never throws.
 *
 * @returns why it could not be sent; `undefined` if it was
 */
export async function deliver(
  clock: Clock,
  signal: AbortSignal,
  what: string,
  send: () => Promise<void>,
): Promise<SecureStoreError | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      await send();
      return undefined;
    } catch (error) {
      // A foreign error may have an address in it, and the address a secret.
      const failure = SecureStoreError.is(error)
        ? error
        : new SecureStoreError('INTERNAL', `${what} failed unexpectedly`);
      if (tries === TRIES || !failure.retryable || signal.aborted) return failure;
    }
    await clock.sleep(RETRY_AFTER * 2 ** (tries - 1), signal).catch(() => undefined);
  }
}
