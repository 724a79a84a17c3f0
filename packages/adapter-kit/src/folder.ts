import { createHash } from 'node:crypto';
import { MAX_KEY_BYTES, parseStoreKey, SecureStoreError } from '@securestore/core-format';
import type { Metadata, ObjectInfo, SecureStorage, StoreManyItem, StoreOptions } from 'securestore';
import { fromSegment, toSegment } from './segment.ts';

/** The segment before the digests of long paths: {@link toSegment} never gives it. */
const LONG = '%%';
/** How many deletions {@link Folder.clear} has under way at once. */
const CLEARED_AT_ONCE = 64;

/** The `metadata` of an object whose path is too long for a key. */
interface LongPath {
  readonly path: string[];
}

function longPath(metadata: Metadata): string[] | undefined {
  const { path } = metadata as Partial<LongPath>;
  return Array.isArray(path) ? path : undefined;
}

/**
 * A folder of a store that is filled by one adapter: it gives each path, a list of arbitrary texts, a key of its own.
 *
 * A path whose key would have more than 1024 bytes is stored under a digest of it, and stands in the metadata, which hold a
 * path of about 60 KiB.
 */
export class Folder {
  /** The key below which everything is stored. */
  readonly root: string;

  /** @throws SecureStoreError `INVALID_KEY` if `root` is not a key */
  constructor(root: string) {
    this.root = parseStoreKey(root);
  }

  /**
   * The key of a path, and what else `store` must be given for it to be found again.
   *
   * @throws SecureStoreError `INVALID_KEY` for anything but a string
   */
  place(path: readonly string[]): { key: string; metadata?: Metadata } {
    const segments = path.map((text) => {
      if (typeof text === 'string') return toSegment(text);
      throw new SecureStoreError(
        'INVALID_KEY',
        `the key must be a string, got ${text === null ? 'null' : typeof text}`,
      );
    });
    const key = [this.root, ...segments].join('/');
    if (Buffer.byteLength(key) <= MAX_KEY_BYTES) return { key };
    const digest = createHash('sha256').update(segments.join('/')).digest('hex');
    return { key: `${this.root}/${LONG}/${digest}`, metadata: { path: segments } };
  }

  key(path: readonly string[]): string {
    return this.place(path).key;
  }

  /** An item for `storeMany`. */
  item(path: readonly string[], data: StoreManyItem['data'], options?: StoreOptions): StoreManyItem {
    return { ...options, ...this.place(path), data };
  }

  /** The path of an object in the folder. */
  path({ key, metadata }: Pick<ObjectInfo, 'key' | 'metadata'>): string[] {
    const segments = longPath(metadata) ?? key.slice(this.root.length + 1).split('/');
    return segments.map(fromSegment);
  }

  /** The raw prefixes of all keys whose path begins with these texts: those of long paths have some others among them. */
  #prefixes(path: readonly string[]): string[] {
    return [`${[this.root, ...path.map(toSegment)].join('/')}/`, `${this.root}/${LONG}/`];
  }

  /** Deletes all objects whose path begins with these texts and has more. */
  async clear(store: SecureStorage, path: readonly string[] = []): Promise<void> {
    const [short = '', long = ''] = this.#prefixes(path);
    let keys: string[] = [];
    const flush = async (): Promise<void> => {
      const due = keys;
      keys = [];
      await Promise.all(due.map(async (key) => store.delete(key)));
    };
    const add = async (key: string): Promise<void> => {
      if (keys.push(key) >= CLEARED_AT_ONCE) await flush();
    };
    for await (const key of store.keys(short)) await add(key);
    if (path.length > 0) {
      for await (const info of store.entries(long)) if (this.#isBelow(info, path)) await add(info.key);
    }
    await flush();
  }

  /** What is known of all objects whose path begins with these texts and has more, and that have not expired. */
  async *entries(store: SecureStorage, path: readonly string[] = []): AsyncGenerator<ObjectInfo> {
    const [short = '', long = ''] = this.#prefixes(path);
    yield* store.entries(short);
    if (path.length === 0) return;
    for await (const info of store.entries(long)) if (this.#isBelow(info, path)) yield info;
  }

  #isBelow(info: ObjectInfo, path: readonly string[]): boolean {
    const found = this.path(info);
    return found.length > path.length && path.every((text, at) => found[at] === text);
  }
}
