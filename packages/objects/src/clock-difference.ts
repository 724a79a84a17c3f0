import { SecureStoreError } from '@securestore/core-format';
import type { Instant } from '@securestore/jobs';

/** Clocks further apart than this, in milliseconds, would order versions wrongly: writes are refused. */
export const MAX_CLOCK_DIFFERENCE: number = 10 * 60 * 1000;

/** How far this machine's clock and the backend's are apart. */
export class ClockDifference {
  #difference: number | undefined;

  /**
   * @param backend what the backend said that it was, in milliseconds since 1970; `undefined` where it doesn't tell
   * @param asked when it was asked
   */
  note(backend: number | undefined, asked: Instant): void {
    this.#difference = backend === undefined ? undefined : Math.abs(backend - asked.now);
  }

  /** @throws SecureStoreError `UNAVAILABLE` where they are too far apart for writes */
  check(): void {
    if (this.#difference === undefined || !(this.#difference > MAX_CLOCK_DIFFERENCE)) return;
    throw new SecureStoreError(
      'UNAVAILABLE',
      `this machine's clock and the backend's are ${Math.round(this.#difference / 1000)} s apart; writes are refused ` +
        'until they agree to within 10 minutes. Set the clock',
      { retryable: false },
    );
  }
}
