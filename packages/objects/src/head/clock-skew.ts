import type { StorageBackend } from '@securestore/backend-api';
import { MAX_CLOCK_DIFFERENCE } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';

/**
 * The error of writes while this machine's clock and the backend's are too far apart; `undefined` if they are not.
 *
 * @param ahead by how much the backend's clock is ahead, in milliseconds; `undefined` if it doesn't tell
 */
export function clockRefusal(backend: StorageBackend, ahead: number | undefined): SecureStoreError | undefined {
  if (ahead === undefined || !(Math.abs(ahead) > MAX_CLOCK_DIFFERENCE)) return undefined;
  const seconds = Math.round(Math.abs(ahead) / 1000);
  // Such a backend shows this machine's own clock, unless its record is ahead.
  const isRecord = backend.resetClock !== undefined && ahead > 0;
  const limit = `the limit for writes is ${MAX_CLOCK_DIFFERENCE / 1000} s`;
  return isRecord
    ? new SecureStoreError('UNAVAILABLE', `the clock of the store is ${seconds} s ahead of this machine's: ${limit}`, {
        retryable: false,
        // It was written to with a clock that was ahead.
        advice: [{ id: 'reset-clock' }, { id: 'set-clock' }],
      })
    : new SecureStoreError(
        'UNAVAILABLE',
        `the clocks of this machine and the backend are ${seconds} s apart: ${limit}`,
        {
          retryable: false,
          advice: [{ id: 'set-clock' }],
        },
      );
}
