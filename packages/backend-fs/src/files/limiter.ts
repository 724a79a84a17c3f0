/** Lets a bounded number of tasks run at a time; the others wait in order. */
export class Limiter {
  readonly #most: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  #whenIdle: (() => void)[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running === this.#most) await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    else this.#running++;
    try {
      return await task();
    } finally {
      this.#done();
    }
  }

  /** Resolves once nothing runs or waits. */
  async idle(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => void this.#whenIdle.push(resolve));
  }

  #done(): void {
    const next = this.#waiting.shift();
    // The place of the finished task passes straight on, so that no newcomer can take it.
    if (next !== undefined) return next();
    this.#running--;
    if (this.#running > 0) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }
}
