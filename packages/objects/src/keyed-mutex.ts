import { abortable } from './abortable.ts';

/** Lets callers with the same key in one at a time, in the order in which they came. */
export class KeyedMutex {
  readonly #tails = new Map<string, Promise<void>>();

  /** Waits for its turn, at most until `signal` aborts, then runs `body`. */
  async run<T>(key: string, signal: AbortSignal | undefined, body: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key);
    const { promise: left, resolve: leave } = Promise.withResolvers<void>();
    this.#tails.set(key, left);
    let mayLeave: Promise<void> | undefined = before;
    try {
      if (before !== undefined) await abortable(before, signal);
      mayLeave = undefined;
      return await body();
    } finally {
      if (this.#tails.get(key) === left) this.#tails.delete(key);
      // One that gave up waiting still stands in the queue: those behind it wait for those before it.
      if (mayLeave === undefined) leave();
      else void mayLeave.then(leave);
    }
  }
}
