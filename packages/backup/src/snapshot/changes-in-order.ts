import type { Change } from '@securestore/objects/internal';

const MAX_CHANGES = 16_384;
const MAX_BYTES: number = 16 * 1024 * 1024;

/**
 * Visits changes in the order of their tokens, many at a time. The journal has them in the order of time, in which each would need
 * another page of a large index; in this order, one page serves all its objects.
 */
export class ChangesInOrder {
  readonly #visit: (change: Change) => Promise<void>;
  #held: Change[] = [];
  #bytes = 0;

  constructor(visit: (change: Change) => Promise<void>) {
    this.#visit = visit;
  }

  /** Holds a change, and visits all that are held once they are many. */
  async add(change: Change): Promise<void> {
    this.#held.push(change);
    this.#bytes += change.record.length;
    if (this.#held.length >= MAX_CHANGES || this.#bytes >= MAX_BYTES) await this.finish();
  }

  /** Visits what is held. The changes of one object keep their order. */
  async finish(): Promise<void> {
    const ordered = this.#held.toSorted((one, other) =>
      one.token < other.token ? -1 : one.token > other.token ? 1 : 0,
    );
    this.#held = [];
    this.#bytes = 0;
    for (const change of ordered) await this.#visit(change);
  }
}
