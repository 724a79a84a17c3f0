import type { ServerResponse } from 'node:http';
import { SecureStoreError } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';
import type { ServerLimits } from './limits.ts';
import { RateLimiter } from './rate-limiter.ts';

/** Attempts to sign in a second of one address, on average, and at once. */
export const GUESTS_PER_ADDRESS = 1;
export const GUESTS_AT_ONCE = 20;

/** Keeps one caller from taking everything. */
export class Admission {
  readonly #concurrency: number;
  readonly #rate: RateLimiter;
  readonly #guests: RateLimiter;
  readonly #running = new Map<string, number>();

  constructor({ ratePerCaller, concurrencyPerCaller }: ServerLimits, clock: Clock) {
    this.#concurrency = concurrencyPerCaller;
    this.#rate = new RateLimiter(ratePerCaller, ratePerCaller * 2, clock);
    this.#guests = new RateLimiter(GUESTS_PER_ADDRESS, GUESTS_AT_ONCE, clock);
  }

  /** Counts what a caller has under way, until its answer is closed. @throws SecureStoreError `THROTTLED` */
  admit(principal: string, answer: ServerResponse): void {
    if (!this.#rate.take(principal)) {
      throw new SecureStoreError('THROTTLED', 'the caller has sent more requests a second than one may', {
        advice: [{ id: 'try-again' }],
      });
    }
    const running = this.#running.get(principal) ?? 0;
    if (running >= this.#concurrency) {
      throw new SecureStoreError('THROTTLED', `one caller may have ${this.#concurrency} requests at once`, {
        advice: [{ id: 'try-again' }],
      });
    }
    this.#running.set(principal, running + 1);
    answer.once('close', () => {
      const left = (this.#running.get(principal) ?? 1) - 1;
      if (left > 0) this.#running.set(principal, left);
      else this.#running.delete(principal);
    });
  }

  /** Counts what somebody asks who has proved nothing. @throws SecureStoreError `THROTTLED` */
  admitGuest(address: string): void {
    if (this.#guests.take(address)) return;
    throw new SecureStoreError('THROTTLED', 'too many attempts to sign in from this address', {
      advice: [{ id: 'try-again' }],
    });
  }
}
