import { SecureStoreError } from '@securestore/core-format';
import type { Clock, SleepOptions } from './clock.ts';

/**
 * Whether a conditional write failed in a way that only reading can explain: another writer was first, or the write took effect and its
 * answer was lost.
 */
export function isUndecided(error: unknown): error is SecureStoreError {
  return SecureStoreError.is(error) && (error.code === 'CONFLICT' || error.outcome === 'unknown');
}

/** How long an answer may take, in milliseconds, and of what it is, for messages. */
interface Awaited extends SleepOptions {
  readonly within: number;
  readonly what: string;
}

/** @throws SecureStoreError `TIMEOUT` if there is no answer in time: a change may have been made, or not */
export async function answerWithin<T>(clock: Clock, { within, what, ref }: Awaited, answer: Promise<T>): Promise<T> {
  const answered = new AbortController();
  const late = clock.sleep(within, answered.signal, { ref }).then(() => {
    const message = `the storage did not answer within ${within / 1000} s for ${what}`;
    throw new SecureStoreError('TIMEOUT', message, { outcome: 'unknown', advice: [{ id: 'try-again' }] });
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    answered.abort();
    late.catch(() => undefined);
  }
}
