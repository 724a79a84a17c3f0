/** What something is now, for readers who may be slow: each gets the newest value, and what came in between is left out. */
export class Latest<T> implements AsyncIterable<T> {
  #value: { readonly value: T; readonly number: number } | undefined;
  #ended = false;
  #next = Promise.withResolvers<void>();

  #wake(): void {
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }

  set(value: T): void {
    if (this.#ended) return;
    this.#value = { value, number: (this.#value?.number ?? 0) + 1 };
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (let seen = 0; ;) {
      const found = this.#value;
      if (found !== undefined && found.number > seen) {
        seen = found.number;
        yield found.value;
      } else if (this.#ended) return;
      else await this.#next.promise;
    }
  }
}
