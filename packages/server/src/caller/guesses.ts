import type { Clock } from '@securestore/jobs';
import type { ServerLimits } from '../limits/limits.ts';
import { RateLimiter } from '../limits/rate-limiter.ts';

/** The most credentials that are remembered to be valid. */
const MAX_PROVEN = 10_000;

/** Bounds how many credentials one address may try, at all processes of a server together. */
export interface Guesses {
  /** Whether an address may try credentials. @param name of the credentials, a digest */
  mayTry(address: string, name: string): boolean | Promise<boolean>;
  /** Counts credentials that were wrong, or are valid no more. */
  failed(address: string, name: string): void;
  /** Remembers that credentials are valid. */
  proven(name: string): void;
}

/** The guesses of a server, which are counted in one process. */
export class LocalGuesses implements Guesses {
  readonly #failures: RateLimiter;
  /** The oldest first. */
  readonly #proven = new Set<string>();

  constructor({ failuresPerAddress }: ServerLimits, clock: Pick<Clock, 'uptime'>) {
    this.#failures = new RateLimiter(failuresPerAddress, failuresPerAddress * 10, clock);
  }

  mayTry(address: string, name: string): boolean {
    // A known caller is not refused for what others on the address do: behind a proxy that may be all callers.
    return !this.#failures.isEmpty(address) || this.#proven.has(name);
  }

  failed(address: string, name: string): void {
    this.#failures.take(address);
    this.#proven.delete(name);
  }

  proven(name: string): void {
    this.#proven.delete(name);
    this.#proven.add(name);
    const [oldest] = this.#proven;
    if (this.#proven.size > MAX_PROVEN && oldest !== undefined) this.#proven.delete(oldest);
  }
}
