import { abortable } from './abort.ts';

/** Lets callers with the same key in one at a time, in the order in which they came. */
export class KeyedMutex {
  /** Those who wait behind the one who is in, by key. */
  readonly #waiting = new Map<string, (() => void)[]>();

  /** Waits for its turn, at most until `signal` aborts, then runs `body`. */
  async run<T>(key: string, signal: AbortSignal | undefined, body: () => Promise<T>): Promise<T> {
    const queue = this.#waiting.get(key);
    if (queue === undefined) this.#waiting.set(key, []);
    else await this.#turn(key, queue, signal);
    try {
      return await body();
    } finally {
      this.#leave(key);
    }
  }

  async #turn(key: string, queue: (() => void)[], signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    queue.push(resolve);
    try {
      await abortable(promise, signal);
    } catch (error) {
      const at = queue.indexOf(resolve);
      if (at !== -1) queue.splice(at, 1);
      // Its turn had come already, in the same moment: the next one takes it.
      else this.#leave(key);
      throw error;
    }
  }

  #leave(key: string): void {
    const queue = this.#waiting.get(key);
    const next = queue?.shift();
    if (next === undefined) this.#waiting.delete(key);
    else next();
  }
}
