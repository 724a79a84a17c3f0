import type { StorageBackend } from '@securestore/backend-api';
import { MAX_CLOCK_DIFFERENCE } from '@securestore/backend-api';

/**
 * Why writes are refused while this machine's clock and the backend's are too far apart; `undefined` if they are not.
 *
 * @param ahead by how much the backend's clock is ahead, in milliseconds; `undefined` if it doesn't tell
 */
export function clockRefusal(backend: StorageBackend, ahead: number | undefined): string | undefined {
  if (ahead === undefined || !(Math.abs(ahead) > MAX_CLOCK_DIFFERENCE)) return undefined;
  const seconds = Math.round(Math.abs(ahead) / 1000);
  // Such a backend shows this machine's own clock, unless its record is ahead.
  const isRecord = backend.resetClock !== undefined && ahead > 0;
  return isRecord
    ? `the clock of the store is ${seconds} s ahead of this machine's, so writes are refused: it was written to with a clock that was ahead. ` +
        "If this machine's clock is right, set the store's back with resetClock; else set this machine's"
    : `this machine's clock and the backend's are ${seconds} s apart; writes are refused until they agree to within 10 minutes. Set the clock`;
}
