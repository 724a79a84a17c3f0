interface Waiting<T> {
  readonly item: T;
  readonly admitted: PromiseWithResolvers<void>;
}

/** Items that wait, in their order, until there is room for them. */
export class Held<T> {
  readonly #hasRoom: () => boolean;
  readonly #admit: (item: T) => void;
  #waiting: Waiting<T>[] = [];
  #isReleasing = false;

  /** @param admit takes an item; there may be less room afterwards */
  constructor(hasRoom: () => boolean, admit: (item: T) => void) {
    this.#hasRoom = hasRoom;
    this.#admit = admit;
  }

  /** @returns `undefined` where it is admitted at once; else a promise that resolves when it is */
  enter(item: T): Promise<void> | undefined {
    if (this.#waiting.length === 0 && this.#hasRoom()) {
      this.#admit(item);
      return undefined;
    }
    const admitted = Promise.withResolvers<void>();
    this.#waiting.push({ item, admitted });
    return admitted.promise;
  }

  /** Resolves when none waits. */
  async emptied(): Promise<void> {
    for (let last = this.#waiting.at(-1); last !== undefined; last = this.#waiting.at(-1)) await last.admitted.promise;
  }

  /** To be called when there may be more room. */
  release(): void {
    // What is admitted may make room itself.
    if (this.#isReleasing) return;
    this.#isReleasing = true;
    let count = 0;
    for (const { item, admitted } of this.#waiting) {
      if (!this.#hasRoom()) break;
      count++;
      this.#admit(item);
      admitted.resolve();
    }
    this.#waiting.splice(0, count);
    this.#isReleasing = false;
  }
}
