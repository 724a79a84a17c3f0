import type { StorageBackend } from '@securestore/backend-api';
import { MAX_CLOCK_DIFFERENCE } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { Instant } from '@securestore/jobs';

/** How far this machine's clock and the backend's are apart. */
export class ClockDifference {
  readonly #backend: Pick<StorageBackend, 'resetClock'>;
  /** By how much the backend's clock is ahead, in milliseconds. */
  #difference: number | undefined;

  constructor(backend: Pick<StorageBackend, 'resetClock'>) {
    this.#backend = backend;
  }

  /**
   * @param backend what the backend said that it was, in milliseconds since 1970; `undefined` where it doesn't tell
   * @param asked when it was asked
   */
  note(backend: number | undefined, asked: Instant): void {
    this.#difference = backend === undefined ? undefined : backend - asked.now;
  }

  /** @throws SecureStoreError `UNAVAILABLE` where they are too far apart for writes */
  check(): void {
    if (this.#difference === undefined || !(Math.abs(this.#difference) > MAX_CLOCK_DIFFERENCE)) return;
    const seconds = Math.round(Math.abs(this.#difference) / 1000);
    // Such a backend shows this machine's own clock, unless its record is ahead.
    const isRecord = this.#backend.resetClock !== undefined && this.#difference > 0;
    const message = isRecord
      ? `the clock of the store is ${seconds} s ahead of this machine's, so writes are refused: it was written to with a clock that was ahead. ` +
        "If this machine's clock is right, set the store's back with resetClock; else set this machine's"
      : `this machine's clock and the backend's are ${seconds} s apart; writes are refused until they agree to within 10 minutes. Set the clock`;
    throw new SecureStoreError('UNAVAILABLE', message, { retryable: false });
  }
}
