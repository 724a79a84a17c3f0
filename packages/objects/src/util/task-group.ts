/** Work that is done side by side. What fails shows when somebody asks next, and the first failure is the one that does. */
export class WorkGroup {
  readonly #running = new Set<Promise<void>>();
  readonly #signal: AbortSignal | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  /** How much is under way. */
  get size(): number {
    return this.#running.size;
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** Takes in work that has begun. */
  add(work: Promise<unknown>): void {
    const running: Promise<void> = this.#ended(work).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #ended(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  /** Waits until less than `most` is under way. Failures do not show here. */
  async below(most: number): Promise<void> {
    while (this.#running.size >= most) await Promise.race(this.#running);
  }

  /** @throws what something has failed of; the reason of the signal */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#signal?.throwIfAborted();
  }

  /** Waits for all that is under way. @throws as {@link check} does */
  async finish(): Promise<void> {
    await Promise.all(this.#running);
    this.check();
  }
}
