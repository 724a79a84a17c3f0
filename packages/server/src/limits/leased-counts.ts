import type { Clock } from '@securestore/jobs';
import type { Counts, Place } from './counts.ts';
import { PLACES, placesOf } from './counts.ts';
import type { ServerLimits } from './limits.ts';

/** A worker holds back at most this part of a limit, divided among all workers, so that it need not ask for each request. */
const RESERVED_PART = 16;
/** How long requests that a caller may send stay with a worker, in milliseconds. */
const TOKENS_LAST = 1000;
/** How often what is not used is given back, in milliseconds. */
const SWEEP_EVERY = 1000;

/** The process that keeps the counts of all workers. */
export interface CountsOwner {
  grant(place: Place, name: string, wanted: number): Promise<number>;
  free(place: Place, name: string, count: number): void;
  grantRequests(name: string, wanted: number): Promise<number>;
}

/** Places of one caller that this worker holds. */
interface Lease {
  held: number;
  used: number;
  /** Requests that wait for an answer about it. */
  waiting: number;
  /** Whether it was used since the last sweep. */
  isUsed: boolean;
  asking: Promise<number> | undefined;
}

interface Tokens {
  left: number;
  until: number;
  asking: Promise<number> | undefined;
}

/**
 * The counts of a worker. It asks for several places at once and keeps a few that are free, so that most requests are counted without a
 * message. All workers together never hold more than a limit allows.
 */
export class LeasedCounts implements Counts {
  readonly #owner: CountsOwner;
  readonly #clock: Clock;
  readonly #chunks: Readonly<Record<Place, number>>;
  readonly #tokenChunk: number;
  readonly #leases: Readonly<Record<Place, Map<string, Lease>>> = {
    requests: new Map(),
    caller: new Map(),
    listings: new Map(),
  };
  readonly #tokens = new Map<string, Tokens>();
  readonly #ended = new AbortController();

  /** @param workers how many there are */
  constructor(owner: CountsOwner, limits: ServerLimits, workers: number, clock: Clock) {
    this.#owner = owner;
    this.#clock = clock;
    const part = (limit: number): number => Math.max(1, Math.floor(limit / (RESERVED_PART * workers)));
    const places = placesOf(limits);
    this.#chunks = {
      requests: part(places.requests),
      caller: part(places.caller),
      listings: part(places.listings),
    };
    this.#tokenChunk = part(limits.ratePerCaller);
    void this.#run();
  }

  enter(place: Place, name: string): boolean | Promise<boolean> {
    const leases = this.#leases[place];
    let lease = leases.get(name);
    if (lease === undefined)
      leases.set(name, (lease = { held: 0, used: 0, waiting: 0, isUsed: true, asking: undefined }));
    lease.isUsed = true;
    return this.#take(lease) || this.#enterLater(place, name, lease);
  }

  #take(lease: Lease): boolean {
    if (lease.used >= lease.held) return false;
    lease.used += 1;
    return true;
  }

  async #enterLater(place: Place, name: string, lease: Lease): Promise<boolean> {
    lease.waiting += 1;
    try {
      for (;;) {
        lease.asking ??= this.#ask(place, name, lease);
        const granted = await lease.asking;
        if (this.#take(lease)) return true;
        if (granted === 0) return false;
      }
    } finally {
      lease.waiting -= 1;
      this.#forgetIfEmpty(place, name, lease);
    }
  }

  async #ask(place: Place, name: string, lease: Lease): Promise<number> {
    try {
      const granted = await this.#owner.grant(place, name, this.#chunks[place]);
      lease.held += granted;
      return granted;
    } finally {
      lease.asking = undefined;
    }
  }

  leave(place: Place, name: string): void {
    const lease = this.#leases[place].get(name);
    if (lease === undefined) return;
    lease.used -= 1;
    const chunk = this.#chunks[place];
    // Of a low limit nothing is kept: another worker may need it now.
    if (chunk === 1) this.#giveBack(place, name, lease, Infinity);
    else if (lease.held - lease.used >= 2 * chunk) this.#giveBack(place, name, lease, chunk);
  }

  /** Gives back so many places at most, and none that a request waits for. */
  #giveBack(place: Place, name: string, lease: Lease, most: number): void {
    const count = Math.min(most, lease.held - lease.used - lease.waiting);
    if (count > 0) {
      lease.held -= count;
      this.#owner.free(place, name, count);
    }
    this.#forgetIfEmpty(place, name, lease);
  }

  #forgetIfEmpty(place: Place, name: string, { held, waiting }: Lease): void {
    if (held === 0 && waiting === 0) this.#leases[place].delete(name);
  }

  spend(name: string): boolean | Promise<boolean> {
    const tokens = this.#tokens.get(name);
    if (tokens !== undefined && this.#takeToken(tokens)) return true;
    return this.#spendLater(name, tokens);
  }

  #takeToken(tokens: Tokens): boolean {
    if (tokens.left < 1 || tokens.until <= this.#clock.uptime()) return false;
    tokens.left -= 1;
    return true;
  }

  async #spendLater(name: string, known: Tokens | undefined): Promise<boolean> {
    const tokens = known ?? { left: 0, until: 0, asking: undefined };
    this.#tokens.set(name, tokens);
    for (;;) {
      tokens.asking ??= this.#askTokens(name, tokens);
      const granted = await tokens.asking;
      if (this.#takeToken(tokens)) return true;
      if (granted === 0) return false;
    }
  }

  async #askTokens(name: string, tokens: Tokens): Promise<number> {
    try {
      tokens.left = await this.#owner.grantRequests(name, this.#tokenChunk);
      tokens.until = this.#clock.uptime() + TOKENS_LAST;
      return tokens.left;
    } finally {
      tokens.asking = undefined;
    }
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        await this.#clock.sleep(SWEEP_EVERY, this.#ended.signal, { ref: false });
        this.#sweep();
      }
    } catch {
      // It was ended.
    }
  }

  /** Gives back what was not used for a while. */
  #sweep(): void {
    for (const place of PLACES) {
      for (const [name, lease] of this.#leases[place]) {
        if (!lease.isUsed) this.#giveBack(place, name, lease, Infinity);
        lease.isUsed = lease.used > 0;
      }
    }
    const now = this.#clock.uptime();
    for (const [name, { until, asking }] of this.#tokens)
      if (until <= now && asking === undefined) this.#tokens.delete(name);
  }

  end(): void {
    this.#ended.abort();
  }
}
