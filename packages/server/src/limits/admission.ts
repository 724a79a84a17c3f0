import type { ServerResponse } from 'node:http';
import { SecureStoreError } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';
import { MAX_LISTINGS } from '@securestore/acl';
import type { Counts, Place } from './counts.ts';
import type { ServerLimits } from './limits.ts';
import { RateLimiter } from './rate-limiter.ts';

/** Attempts to sign in a second of one address, on average, and at once. */
export const GUESTS_PER_ADDRESS = 1;
export const GUESTS_AT_ONCE = 20;

/** Why a request is not admitted. */
function refusal(message: string): SecureStoreError {
  return new SecureStoreError('THROTTLED', message, { advice: [{ id: 'try-again' }] });
}

/** Keeps one caller from taking everything. */
export class Admission {
  readonly #limits: Pick<ServerLimits, 'concurrencyPerCaller'>;
  readonly #counts: Counts;
  readonly #guests: RateLimiter;
  /** The places of each request that is not answered yet. */
  readonly #held = new WeakMap<ServerResponse, [Place, string][]>();

  constructor(limits: ServerLimits, counts: Counts, clock: Clock) {
    this.#limits = limits;
    this.#counts = counts;
    this.#guests = new RateLimiter(GUESTS_PER_ADDRESS, GUESTS_AT_ONCE, clock);
  }

  /** Counts a request until its answer is closed. `undefined` if it is admitted at once. @throws SecureStoreError `THROTTLED` */
  admitRequest(answer: ServerResponse): Promise<void> | undefined {
    return this.#enter('requests', '', answer, 'the server has as many requests as it takes at once');
  }

  /** Counts what a caller has under way, until its answer is closed. `undefined` if it is admitted at once. @throws SecureStoreError `THROTTLED` */
  admit(principal: string, answer: ServerResponse): Promise<void> | undefined {
    const isSpent = this.#counts.spend(principal);
    if (typeof isSpent === 'boolean') return this.#admitSpent(isSpent, principal, answer);
    return isSpent.then((isThere) => this.#admitSpent(isThere, principal, answer));
  }

  #admitSpent(isSpent: boolean, principal: string, answer: ServerResponse): Promise<void> | undefined {
    if (!isSpent) throw refusal('the caller has sent more requests a second than one may');
    const { concurrencyPerCaller } = this.#limits;
    return this.#enter('caller', principal, answer, `one caller may have ${concurrencyPerCaller} requests at once`);
  }

  /** Counts a listing of a caller until its answer is closed. `undefined` if it is admitted at once. @throws SecureStoreError `THROTTLED` */
  admitListing(principal: string, answer: ServerResponse): Promise<void> | undefined {
    return this.#enter('listings', principal, answer, `one principal may have ${MAX_LISTINGS} listings at once`);
  }

  #enter(place: Place, name: string, answer: ServerResponse, refused: string): Promise<void> | undefined {
    const isIn = this.#counts.enter(place, name);
    if (typeof isIn !== 'boolean') {
      return isIn.then((isThere) => this.#entered(isThere, place, name, answer, refused));
    }
    this.#entered(isIn, place, name, answer, refused);
    return undefined;
  }

  #entered(isIn: boolean, place: Place, name: string, answer: ServerResponse, refused: string): void {
    if (!isIn) throw refusal(refused);
    // The connection may have ended while another process was asked.
    if (answer.closed) return this.#counts.leave(place, name);
    const held = this.#held.get(answer);
    if (held !== undefined) {
      held.push([place, name]);
      return;
    }
    const places: [Place, string][] = [[place, name]];
    this.#held.set(answer, places);
    answer.once('close', () => {
      for (const [one, of] of places) this.#counts.leave(one, of);
    });
  }

  /** Counts the requests of a caller without valid credentials. @throws SecureStoreError `THROTTLED` */
  admitGuest(address: string): void {
    if (!this.#guests.take(address)) throw refusal('too many attempts to sign in from this address');
  }
}
