import type { Clock } from '@securestore/jobs';
import { MAX_LISTINGS } from '@securestore/acl';
import type { ServerLimits } from './limits.ts';
import { RateLimiter } from './rate-limiter.ts';

/** Places that last: those of requests of all callers, requests of one caller, and listings of one caller. */
export type Place = 'requests' | 'caller' | 'listings';

/** Every {@link Place}. */
export const PLACES: readonly Place[] = ['requests', 'caller', 'listings'];

/** Counts the requests of callers, in all processes of a server together. A promise is given only if another process has to be asked. */
export interface Counts {
  /** Takes a place. @param name of the caller; '' for {@link Place} `requests` @returns whether there was one */
  enter(place: Place, name: string): boolean | Promise<boolean>;
  /** Gives a place back that was taken. */
  leave(place: Place, name: string): void;
  /** Takes one request of what a caller may send a second. @returns whether there was one */
  spend(name: string): boolean | Promise<boolean>;
}

/** How many places there are of each kind. */
export function placesOf({ concurrency, concurrencyPerCaller }: ServerLimits): Readonly<Record<Place, number>> {
  return { requests: concurrency, caller: concurrencyPerCaller, listings: MAX_LISTINGS };
}

/** The counts of a server, which are kept in one process. */
export class LocalCounts implements Counts {
  readonly #places: Readonly<Record<Place, number>>;
  readonly #rate: RateLimiter;
  readonly #taken: Readonly<Record<Place, Map<string, number>>> = {
    requests: new Map(),
    caller: new Map(),
    listings: new Map(),
  };

  constructor(limits: ServerLimits, clock: Pick<Clock, 'uptime'>) {
    this.#places = placesOf(limits);
    this.#rate = new RateLimiter(limits.ratePerCaller, limits.ratePerCaller * 2, clock);
  }

  enter(place: Place, name: string): boolean {
    return this.grant(place, name, 1) === 1;
  }

  leave(place: Place, name: string): void {
    this.free(place, name, 1);
  }

  spend(name: string): boolean {
    return this.#rate.take(name);
  }

  /** Takes several places. @returns how many of `wanted` there were */
  grant(place: Place, name: string, wanted: number): number {
    const taken = this.#taken[place].get(name) ?? 0;
    const granted = Math.max(0, Math.min(wanted, this.#places[place] - taken));
    if (granted > 0) this.#taken[place].set(name, taken + granted);
    return granted;
  }

  /** Gives several places back. */
  free(place: Place, name: string, count: number): void {
    const left = (this.#taken[place].get(name) ?? 0) - count;
    if (left > 0) this.#taken[place].set(name, left);
    else this.#taken[place].delete(name);
  }

  /** Takes several requests of what a caller may send a second. @returns how many of `wanted` there were */
  grantRequests(name: string, wanted: number): number {
    return this.#rate.takeUpTo(name, wanted);
  }
}
