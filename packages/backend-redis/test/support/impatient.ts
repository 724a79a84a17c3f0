import { SecureStoreError } from '@securestore/core-format';

/** Nobody who is busy with other tests takes so long, in milliseconds. */
const MOST = 60_000;

/**
 * Opens a backend that gives up soon, for what is never answered. On a busy machine that may be too soon to open it at all: then it is
 * given twice the time.
 *
 * @param open is given the time, in milliseconds, and does all that is to be answered
 */
export async function impatient<T>(open: (timeout: number) => Promise<T>, shortest = 2000): Promise<T> {
  for (let timeout = shortest; ; timeout *= 2) {
    try {
      return await open(timeout);
    } catch (error) {
      if (!SecureStoreError.is(error) || !error.retryable || timeout > MOST) throw error;
    }
  }
}
