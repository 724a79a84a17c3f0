/**
 * Everything that is left to chance in a schedule, from one seed. Not for anything secret: it only makes schedules
 * replayable. Source: sfc32 by Chris Doty-Humphrey (PractRand).
 */
export class Dice {
  readonly #words: Uint32Array;

  /** @param seed whole numbers that together tell this source from every other */
  constructor(...seed: readonly number[]) {
    this.#words = new Uint32Array([seed[0] ?? 0, seed[1] ?? 0, seed[2] ?? 0, 1]);
    for (let round = 0; round < 15; round++) this.#next();
  }

  #next(): number {
    const [a = 0, b = 0, c = 0, counter = 0] = this.#words;
    const mixed = (a + b + counter) >>> 0;
    this.#words[0] = b ^ (b >>> 9);
    this.#words[1] = c + (c << 3);
    this.#words[2] = ((c << 21) | (c >>> 11)) + mixed;
    this.#words[3] = counter + 1;
    return mixed;
  }

  /** From 0 to below 1. */
  float(): number {
    return this.#next() / 2 ** 32;
  }

  /** A whole number from 0 to below `bound`. */
  below(bound: number): number {
    return Math.floor(this.float() * bound);
  }

  between(low: number, high: number): number {
    return low + this.float() * (high - low);
  }

  /** Between two positive numbers, each order of magnitude as likely as the next. */
  magnitude(low: number, high: number): number {
    return low * (high / low) ** this.float();
  }

  chance(probability: number): boolean {
    return this.float() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.alloc(count);
    for (let at = 0; at < count; at++) bytes[at] = this.#next() >>> 24;
    return bytes;
  }

  /** A source of its own, so that what is drawn from one leaves the other as it is. */
  fork(): Dice {
    return new Dice(this.#next(), this.#next(), this.#next());
  }
}
