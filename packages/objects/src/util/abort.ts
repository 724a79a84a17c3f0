import { SecureStoreError } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';

/** `promise`, or `ABORTED` as soon as `signal` aborts. What `promise` stands for goes on. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(new SecureStoreError('ABORTED', 'aborted'));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    if (signal.aborted) onAbort();
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** How long a call may go on once its signal has aborted, in milliseconds, so that it can say what became of it. */
const GRACE = 1000;

/**
 * `promise`; or `ABORTED` where `signal` aborts and it does not settle soon after: a backend or a source that never
 * answers must not hold its caller for ever.
 *
 * @param outcome of what is then left to itself
 */
export async function settledSoon<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  clock: Clock,
  outcome?: 'unknown',
): Promise<T> {
  if (signal === undefined) return promise;
  const { promise: abandoned, reject } = Promise.withResolvers<never>();
  // Made where it is needed: a controller, and the error of its abort, cost more than a small object does.
  let grace: AbortController | undefined;
  const onAbort = (): void => {
    grace = new AbortController();
    clock.sleep(GRACE, grace.signal).then(
      () => reject(new SecureStoreError('ABORTED', 'aborted', { outcome })),
      () => undefined,
    );
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    if (signal.aborted) onAbort();
    return await Promise.race([promise, abandoned]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    grace?.abort();
  }
}
