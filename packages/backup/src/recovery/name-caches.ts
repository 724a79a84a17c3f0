import { byBytes } from '@securestore/core-format';
import { RecentCache } from '@securestore/crypto';
import { lowerBound } from '../repository/index-set.ts';
import type { Source } from './source.ts';
import { yieldTurn } from './source.ts';

/** Puts a value into a cache that keeps the `most` values used last. @returns the value */
export function keepRecent<T>(kept: Map<unknown, T>, id: unknown, value: T, most: number): T {
  kept.delete(id);
  kept.set(id, value);
  for (const key of kept.keys()) {
    if (kept.size <= most) break;
    kept.delete(key);
  }
  return value;
}

/** How many names are kept; and up to as many again of those that were used before. */
const MAX_KNOWN = 100_000;

/** Names by their tokens: opening one takes longer than looking for it. They are the same at each moment. */
export class NameCache {
  readonly #names = new RecentCache<string, string>(MAX_KNOWN);

  /** @param open asked if a name is not known; `undefined` if nothing tells it any more */
  async of(token: string, open: () => string | undefined | Promise<string | undefined>): Promise<string | undefined> {
    const known = this.#names.get(token);
    if (known !== undefined) return known;
    const name = await open();
    if (name !== undefined) this.#names.set(token, name);
    return name;
  }

  clear(): void {
    this.#names.clear();
  }
}

/** Of a folder with more names in it, and in the folders in it, none is kept; nor if they are longer together, in characters. */
const MAX_NAMES = 200_000;
const MAX_LENGTH: number = 16 * 1024 * 1024;
/** How many listings of a folder go on where they were; others are listed anew. */
const MAX_LISTINGS = 8;

/** What a point has under a name, as its index tells it. */
export interface NamedThen {
  readonly key: string;
  readonly version: string;
  readonly modified: Date;
}

/**
 * All names in a large folder of a point, and in the folders in it, to be put in order once. They are read some at a time, by whoever asks
 * for a page. What somebody may see of it is found out once for all pages of a listing, and asked again for each entry of a page.
 */
export class DirectoryCache {
  readonly #within: string;
  #names: NamedThen[] = [];
  #length = 0;
  #next: string;
  #state: 'reading' | 'whole' | 'too large' = 'reading';
  #turn: Promise<void> = Promise.resolve();
  readonly #listings = new Map<number, Children>();

  /** @param within the token of the folder */
  constructor(within: string) {
    this.#within = within;
    this.#next = within;
  }

  get isWhole(): boolean {
    return this.#state === 'whole';
  }

  /** Whether there are too many to be kept. */
  get isTooLarge(): boolean {
    return this.#state === 'too large';
  }

  /** The token up to which they are read. */
  get next(): string {
    return this.#next;
  }

  /** Reads up to so many more, where it is not whole yet. */
  async read(source: Source, most: number, signal: AbortSignal | undefined): Promise<void> {
    const turn = this.#turn.then(() => this.#read(source, most, signal));
    this.#turn = turn.catch(() => undefined);
    await turn;
  }

  async #read(source: Source, most: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#state !== 'reading') return;
    let left = most;
    for await (const item of source.items(this.#next, signal)) {
      if (!item.token.startsWith(this.#within)) break;
      if (left-- <= 0) return;
      await yieldTurn(left);
      const key = item.isThere ? await item.name(signal) : undefined;
      const current = key === undefined ? undefined : await item.current(signal);
      // After what may fail, so that nothing is passed over by whoever reads on.
      this.#next = item.token;
      if (key === undefined || current === undefined) continue;
      this.#length += key.length;
      if (this.#names.length >= MAX_NAMES || this.#length > MAX_LENGTH) return this.#giveUp();
      this.#names.push({ key, version: current.version, modified: current.modified });
    }
    this.#names.sort((a, b) => byBytes(a.key, b.key));
    this.#state = 'whole';
  }

  #giveUp(): void {
    this.#names = [];
    this.#state = 'too large';
  }

  /**
   * What somebody may see of it, as it was listed under a number, or anew: each name is looked at, wherever it comes, so that how long it
   * takes tells nothing of what those are called that may not be seen.
   *
   * @param number gives one that no other listing has
   */
  async list(
    listing: number,
    prefix: string,
    sees: (key: string) => boolean,
    number: () => number,
  ): Promise<{ readonly listing: number; readonly children: Children }> {
    const known = this.#listings.get(listing);
    if (known !== undefined) return { listing, children: known };
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    const positions: number[] = [];
    let within: string | undefined;
    for (const [at, { key }] of this.#names.entries()) {
      await yieldTurn(at);
      if (!sees(key) || !key.startsWith(prefix) || (within !== undefined && key.startsWith(within))) continue;
      positions.push(at);
      const shown = childOf(key, folder);
      within = shown === key ? undefined : shown;
    }
    const children = childrenAt(this.#names, Uint32Array.from(positions), folder);
    const made = number();
    return { listing: made, children: keepRecent(this.#listings, made, children, MAX_LISTINGS) };
  }
}

/** What is directly in a folder: the name, or with `/` at its end the folder that it is in. */
function childOf(key: string, folder: string): string {
  const slash = key.indexOf('/', folder.length);
  return slash === -1 ? key : key.slice(0, slash + 1);
}

/** What somebody may see in a folder, each by the first name that shows it. */
interface Children {
  readonly length: number;
  /** What is shown, and the name that shows it. @throws RangeError if there is none */
  at(position: number): { readonly shown: string; readonly named: NamedThen };
  /** The first one after a name. */
  after(name: string): number;
}

function childrenAt(names: readonly NamedThen[], positions: Uint32Array, folder: string): Children {
  const { length } = positions;
  const at: Children['at'] = (position) => {
    const named = names[positions[position] ?? names.length];
    if (named === undefined) throw new RangeError('there is no such child');
    return { shown: childOf(named.key, folder), named };
  };
  return { length, at, after: (name) => lowerBound(length, (position) => byBytes(at(position).shown, name) <= 0) };
}
