import { createHash } from 'node:crypto';

/** So many outcomes may be waited for: what comes after them is held in memory. */
const MAX_WAITING = 1000;

/**
 * SHA-256 of what was done with each object, one line of JSON for each, in the order in which they were begun: that of the point. They end in any
 * order.
 */
export class RestoredDigest {
  readonly #hash = createHash('sha256');
  #chain: Promise<void> = Promise.resolve();
  #waiting = 0;

  /** Adds what is, or will have been, done with the next object. Resolves when another one may be added. */
  async add(line: Promise<readonly unknown[]>): Promise<void> {
    this.#waiting += 1;
    this.#chain = this.#added(this.#chain, line);
    if (this.#waiting > MAX_WAITING) await this.#chain;
  }

  async #added(before: Promise<void>, line: Promise<readonly unknown[]>): Promise<void> {
    // What fails as a whole fails by itself, and then there is no digest. Listened to at once: it may fail before those before it end.
    const told = line.catch(() => []);
    await before;
    this.#hash.update(`${JSON.stringify(await told)}\n`);
    this.#waiting -= 1;
  }

  /** In hexadecimal; to be asked for once. */
  async end(): Promise<string> {
    await this.#chain;
    return this.#hash.digest('hex');
  }
}
