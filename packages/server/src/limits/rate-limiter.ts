import type { Clock } from '@securestore/jobs';

/** A bucket that holds tokens, one for each request, and is filled at a rate. */
interface Bucket {
  tokens: number;
  /** When it was looked at last, in milliseconds since the machine started. */
  at: number;
}

/** The most names that are remembered. Whose bucket is full again need not be remembered. */
const MAX_BUCKETS = 20_000;

/** How often each of many may do something: so often a second on average, and some more at once. */
export class RateLimiter {
  readonly #rate: number;
  readonly #burst: number;
  readonly #clock: Pick<Clock, 'uptime'>;
  readonly #buckets = new Map<string, Bucket>();

  /** @param rate a second @param burst how many at once */
  constructor(rate: number, burst: number, clock: Pick<Clock, 'uptime'>) {
    this.#rate = rate;
    this.#burst = Math.max(1, burst);
    this.#clock = clock;
  }

  #bucketOf(name: string): Bucket {
    const now = this.#clock.uptime();
    const found = this.#buckets.get(name);
    if (found === undefined) return { tokens: this.#burst, at: now };
    const gained = (Math.max(0, now - found.at) * this.#rate) / 1000;
    return { tokens: Math.min(this.#burst, found.tokens + gained), at: now };
  }

  /** Whether somebody has none left. */
  isEmpty(name: string): boolean {
    return this.#bucketOf(name).tokens < 1;
  }

  /** Takes one. @returns whether there was one */
  take(name: string): boolean {
    return this.takeUpTo(name, 1) === 1;
  }

  /** Takes several. @returns how many of `wanted` there were */
  takeUpTo(name: string, wanted: number): number {
    const bucket = this.#bucketOf(name);
    const taken = Math.min(wanted, Math.floor(bucket.tokens));
    bucket.tokens -= taken;
    this.#buckets.delete(name);
    this.#buckets.set(name, bucket);
    if (this.#buckets.size > MAX_BUCKETS) this.#forget();
    return taken;
  }

  /** Forgets half of them, the ones that nobody has asked about for the longest time. */
  #forget(): void {
    let left = MAX_BUCKETS / 2;
    for (const name of this.#buckets.keys()) {
      if (left-- <= 0) return;
      this.#buckets.delete(name);
    }
  }
}
