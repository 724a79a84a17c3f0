import { release } from '@securestore/crypto';

/** A pack in memory, whose bytes belong to it alone. */
export interface CachedPack {
  readonly bytes: Uint8Array;
  readonly items: { readonly length: number };
}

interface Entry<T extends CachedPack> {
  readonly loading: Promise<T>;
  loaded: T | undefined;
  /** How often it was used since it was loaded. */
  uses: number;
  /** How many callers still use it, or wait for it. */
  users: number;
}

/**
 * Remembers the packs that were used last, up to a number of bytes together, each until it was used as often as it has items: a
 * restore then has read all of it. The memory of others is freed at once, since the garbage collector would let many of them pile up.
 */
export class PackCache<T extends CachedPack> {
  readonly #limit: number;
  /** The one that was used last is the last one. */
  readonly #entries = new Map<string, Entry<T>>();
  #bytes = 0;

  /** @param limit bytes of all that are kept. One that is larger is kept as long as it is used */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes of all that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Loads a pack, once for all callers, and gives it to `use`, which must not keep any of its bytes. A pack that could not be
   * loaded is loaded again by the next caller.
   */
  async with<R>(name: string, load: () => Promise<T>, use: (pack: T) => R): Promise<R> {
    const entry = this.#entryOf(name, load);
    entry.users += 1;
    try {
      return use(await entry.loading);
    } finally {
      entry.users -= 1;
      entry.uses += 1;
      this.#shrink();
    }
  }

  #entryOf(name: string, load: () => Promise<T>): Entry<T> {
    const known = this.#entries.get(name);
    this.#entries.delete(name);
    const entry = known ?? this.#begin(name, load);
    this.#entries.set(name, entry);
    return entry;
  }

  #begin(name: string, load: () => Promise<T>): Entry<T> {
    const entry: Entry<T> = { loading: load(), loaded: undefined, uses: 0, users: 0 };
    void this.#end(name, entry);
    return entry;
  }

  /** Counts a pack when it is loaded, and forgets one that could not be. */
  async #end(name: string, entry: Entry<T>): Promise<void> {
    try {
      entry.loaded = await entry.loading;
      this.#bytes += entry.loaded.bytes.length;
    } catch {
      this.#entries.delete(name);
    }
  }

  #shrink(): void {
    for (const [name, { loaded, uses, users }] of this.#entries) {
      if (loaded === undefined || users > 0) continue;
      if (this.#bytes <= this.#limit && uses < loaded.items.length) continue;
      this.#entries.delete(name);
      this.#bytes -= loaded.bytes.length;
      release(loaded.bytes);
    }
  }
}
