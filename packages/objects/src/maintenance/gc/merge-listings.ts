import type { ListEntry, StorageBackend } from '@securestore/backend-api';
import { afterToken, AREAS, splitUnderToken } from '@securestore/core-format';
import { entriesUnder } from '../../util/listing.ts';

/** The areas whose names begin with the token of an object. */
export type ObjectArea = 'objects' | 'history' | 'blobs' | 'markers';

const OBJECT_AREAS: readonly ObjectArea[] = ['objects', 'history', 'blobs', 'markers'];

/** A name of one object: what follows the token, and what the listing says. */
export interface TokenEntry {
  readonly rest: string;
  readonly entry: ListEntry;
}

/** One area in the order of its tokens, with a look at what comes next. */
class Listing {
  readonly #area: string;
  readonly #entries: AsyncGenerator<ListEntry>;
  readonly #onForeign: (entry: ListEntry) => void;
  #next: (TokenEntry & { readonly token: string }) | undefined;
  #done = false;

  constructor(
    backend: StorageBackend,
    area: ObjectArea,
    after: string | undefined,
    onForeign: (entry: ListEntry) => void,
    signal: AbortSignal | undefined,
  ) {
    this.#area = AREAS[area];
    const from = after === undefined ? undefined : afterToken(this.#area, after);
    this.#entries = entriesUnder(backend, this.#area, { after: from, signal });
    this.#onForeign = onForeign;
  }

  /** What comes next, which stays there until it is taken. */
  async peek(): Promise<(TokenEntry & { readonly token: string }) | undefined> {
    while (this.#next === undefined && !this.#done) {
      const step = await this.#entries.next();
      if (step.done === true) this.#done = true;
      else this.#next = this.#parse(step.value);
    }
    return this.#next;
  }

  take(): void {
    this.#next = undefined;
  }

  #parse(entry: ListEntry): (TokenEntry & { readonly token: string }) | undefined {
    if (this.#area === AREAS.objects) return { token: entry.key.slice(this.#area.length), rest: '', entry };
    const split = splitUnderToken(this.#area, entry.key);
    if (split === undefined) this.#onForeign(entry);
    return split && { ...split, entry };
  }
}

/**
 * All that lies under the tokens of objects, object by object, from listings side by side: they are in one order.
 * In memory are two pages of each at most, however many objects there are and however much one of them has.
 */
export class TokenMerge {
  readonly #listings: ReadonlyMap<ObjectArea, Listing>;
  #token: string | undefined;

  /**
   * @param after the token after which to begin
   * @param onForeign called with what has no token
   * @param areas which of them; by default all
   */
  constructor(
    backend: StorageBackend,
    after: string | undefined,
    onForeign: (entry: ListEntry) => void,
    signal?: AbortSignal,
    areas: readonly ObjectArea[] = OBJECT_AREAS,
  ) {
    this.#listings = new Map(
      areas.map((area) => [area, new Listing(backend, area, after, onForeign, signal)] as const),
    );
  }

  /** Goes on to the next object, past what was not asked for of the one before. */
  async next(): Promise<string | undefined> {
    for (const area of this.#listings.keys()) for await (const _ of this.of(area));
    let least: string | undefined;
    for (const listing of this.#listings.values()) {
      const token = (await listing.peek())?.token;
      if (token !== undefined && (least === undefined || token < least)) least = token;
    }
    this.#token = least;
    return least;
  }

  /** Whether there is more of the present object in an area. */
  async has(area: ObjectArea): Promise<boolean> {
    return this.#token !== undefined && (await this.#listings.get(area)?.peek())?.token === this.#token;
  }

  /** What an area has of the present object. */
  async *of(area: ObjectArea): AsyncGenerator<TokenEntry> {
    const listing = this.#listings.get(area);
    for (let next = await listing?.peek(); next !== undefined; next = await listing?.peek()) {
      if (this.#token === undefined || next.token !== this.#token) return;
      listing?.take();
      yield next;
    }
  }
}
