import assert from 'node:assert/strict';
import type { ReadResult, WriteOptions } from '@securestore/backend-api';

/** A change of one key: another body, or `undefined` for a deletion. No two changes have the same body. */
export interface Change {
  readonly body: Uint8Array | undefined;
  readonly condition: Pick<WriteOptions, 'ifAbsent' | 'ifMatch'>;
}

/** What one key held when that was last known for sure. */
interface Known {
  readonly body: Uint8Array | undefined;
  /** That of the body, where it was told. */
  readonly etag: string | undefined;
}

function isSame(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  return one === undefined || other === undefined ? one === other : Buffer.compare(one, other) === 0;
}

/**
 * What one key may hold, as far as the only one who changes it was told. A change of unknown outcome may have taken
 * place, or may yet, also after later ones. One that failed for sure may not: its body is never among the possible ones.
 */
export class KeyStory {
  readonly key: string;
  #known: Known = { body: undefined, etag: undefined };
  /** Changes of unknown outcome that nothing was heard of since. */
  #open: Change[] = [];

  constructor(key: string) {
    this.key = key;
  }

  /** The etag that the key has, or had before a change of unknown outcome. */
  get etag(): string | undefined {
    return this.#known.etag;
  }

  /** What it may hold. */
  get possible(): readonly (Uint8Array | undefined)[] {
    return [this.#known.body, ...this.#open.map(({ body }) => body)];
  }

  /** Whether it is certain what it holds. */
  get certain(): boolean {
    return this.#open.length === 0;
  }

  /** A change took place. */
  acknowledged({ body, condition }: Change, etag: string | undefined): void {
    const absent = this.possible.includes(undefined);
    assert.ok(condition.ifAbsent !== true || absent, `${this.key} was made, and is there already`);
    const matches = condition.ifMatch === undefined || condition.ifMatch === this.etag;
    assert.ok(matches, `${this.key} was changed under a condition that can't hold`);
    this.#settle({ body, etag });
  }

  /** The condition of a change did not hold. */
  refused({ condition }: Change): void {
    const present = this.possible.some((body) => body !== undefined);
    const { ifAbsent, ifMatch } = condition;
    const may = ifAbsent === true ? present : ifMatch !== undefined && (ifMatch !== this.etag || !this.certain);
    assert.ok(may, `${this.key} is in conflict with nothing: ${JSON.stringify(condition)}`);
  }

  /** Nobody knows whether a change took place. */
  uncertain(change: Change): void {
    this.#open.push(change);
  }

  /** A read of the whole found this. */
  found(result: ReadResult | undefined): void {
    const body = result?.body;
    assert.ok(
      this.allows((possible) => isSame(possible, body)),
      `${this.key} holds what it can't hold`,
    );
    this.#settle({ body, etag: result?.etag });
  }

  /** Whether what was seen fits to something that it may hold. */
  allows(fits: (body: Uint8Array | undefined) => boolean): boolean {
    return this.possible.some(fits);
  }

  /** What took place can't do so again, and what depends on another etag can't any more: none comes back. */
  #settle(known: Known): void {
    this.#known = known;
    this.#open = this.#open.filter(({ body, condition }) => {
      const landed = body !== undefined && isSame(body, known.body);
      return !landed && (condition.ifMatch === undefined || condition.ifMatch === known.etag);
    });
  }
}
