import { EventEmitter } from 'node:events';
import { expiresAfter, Folder, StoreAccess, storeAll, toSegment, valueIfThere } from '@securestore/adapter-kit';
import { SecureStoreError } from '@securestore/core-format';
import type { OpenOptions, SecureStorage, StoreManyItem } from 'securestore';

export interface KeyvSecureStoreOptions {
  /** The namespace until keyv sets its own. Default: none, which is a namespace like others. */
  readonly namespace?: string | undefined;
  /**
   * The key of the store below which everything is stored, `keyv` unless it is given. Nothing else may store or delete
   * anything below it.
   */
  readonly prefix?: string | undefined;
}

/** What `setMany` takes. */
export interface KeyvEntry {
  readonly key: string;
  readonly value: unknown;
  /** Milliseconds that the value lives. Default: for ever. */
  readonly ttl?: number | undefined;
}

/** How many values {@link KeyvSecureStore.iterator} has in memory at most. */
const READ_AHEAD = 16;

/**
 * A storage adapter for keyv 5 and 6 on a store of securestore.
 *
 * Its methods are those of keyv's adapters, and keyv calls them. They reject with what the store throws; keyv makes
 * `error` events of it, and {@link get} does so itself.
 */
export class KeyvSecureStore extends EventEmitter {
  /** Set by keyv. Keys of one namespace are never seen in another one, nor without one. */
  namespace: string | undefined;
  /**
   * Nothing is configured here. keyv 5 iterates only over adapters of the dialects that it knows, and looks for nothing
   * else in it.
   */
  readonly opts: Record<string, unknown> = { dialect: 'sqlite' };
  readonly #access: StoreAccess;
  readonly #prefix: string;

  /**
   * On an open store, which stays the caller's: {@link disconnect} does not close it.
   *
   * @throws SecureStoreError `INVALID_KEY` if the prefix is not a key of a store; `INVALID_ARGUMENT` for other options
   */
  constructor(store: SecureStorage, options?: KeyvSecureStoreOptions);
  /**
   * On a store of its own, which is opened by the first call, as `openStore` would, and closed by {@link disconnect}. One
   * that is made here keeps no older versions, unless `history` says so.
   *
   * @param url `scheme:rest`, such as `sqlite:./cache.db`
   */
  constructor(url: string, options: KeyvSecureStoreOptions & OpenOptions);
  constructor(
    store: SecureStorage | string,
    { namespace, prefix = 'keyv', ...options }: KeyvSecureStoreOptions & Partial<OpenOptions> = {},
  ) {
    super();
    // Every Keyv on this adapter listens for errors.
    this.setMaxListeners(0);
    this.namespace = namespace;
    this.#prefix = new Folder(prefix).root;
    this.#access = new StoreAccess(store, options);
  }

  /** What is stored in the present namespace. */
  get #folder(): Folder {
    return new Folder(`${this.#prefix}/${toSegment(this.namespace ?? '')}`);
  }

  /**
   * Emits `error` if it rejects and there is a listener: keyv 5 treats a rejection silently as a value that does not exist.
   *
   * @returns the value, `undefined` if there is none or it has expired
   */
  async get<T = string>(key: string): Promise<T | undefined> {
    try {
      const [value] = await this.getMany<T>([key]);
      return value;
    } catch (error) {
      if (this.listenerCount('error') > 0) this.emit('error', error);
      throw error;
    }
  }

  /** @returns the values in the order of the keys, `undefined` for those that do not exist or have expired */
  async getMany<T = string>(keys: readonly string[]): Promise<(T | undefined)[]> {
    const folder = this.#folder;
    const store = await this.#access.get();
    const results = await store.retrieveMany(keys.map((key) => folder.key([key])));
    return results.map((result) => valueIfThere(result)?.text() as T | undefined);
  }

  /**
   * @param value a string, as keyv's serialisation gives it
   * @param ttl milliseconds that the value lives; default for ever
   * @throws SecureStoreError `INVALID_ARGUMENT` for a value that is not a string, or has lone surrogates
   */
  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    await this.#store([this.#item(this.#folder, { key, value, ttl })]);
    return true;
  }

  /** As {@link set}; if one of them can't be stored, others may have been. */
  async setMany(entries: readonly KeyvEntry[]): Promise<boolean[]> {
    const folder = this.#folder;
    await this.#store(entries.map((entry) => this.#item(folder, entry)));
    return entries.map(() => true);
  }

  #item(folder: Folder, { key, value, ttl }: KeyvEntry): StoreManyItem {
    if (typeof value !== 'string') {
      const message = `the value must be a string, as the serialisation of keyv gives it, got ${typeof value}`;
      throw new SecureStoreError('INVALID_ARGUMENT', message);
    }
    return folder.item([key], value, expiresAfter(ttl));
  }

  async #store(items: readonly StoreManyItem[]): Promise<void> {
    await storeAll(await this.#access.get(), items);
  }

  /** @returns whether it was there */
  async delete(key: string): Promise<boolean> {
    return this.deleteMany([key]);
  }

  /** @returns whether all of them were there */
  async deleteMany(keys: readonly string[]): Promise<boolean> {
    const folder = this.#folder;
    const store = await this.#access.get();
    const deleted = await Promise.all(keys.map(async (key) => store.delete(folder.key([key]))));
    return deleted.every(Boolean);
  }

  /** Deletes everything in the present namespace. */
  async clear(): Promise<void> {
    const folder = this.#folder;
    await folder.clear(await this.#access.get());
  }

  /** @returns whether it is there and has not expired */
  async has(key: string): Promise<boolean> {
    const folder = this.#folder;
    const store = await this.#access.get();
    return store.has(folder.key([key]));
  }

  /** As {@link has}, in the order of the keys. */
  async hasMany(keys: readonly string[]): Promise<boolean[]> {
    const folder = this.#folder;
    const store = await this.#access.get();
    return Promise.all(keys.map(async (key) => store.has(folder.key([key]))));
  }

  /** The keys and values of the present namespace, in no order that means anything. */
  async *iterator<T = string>(): AsyncGenerator<[key: string, value: T], void> {
    const folder = this.#folder;
    const store = await this.#access.get();
    let keys: string[] = [];
    const read = async (): Promise<[string, T][]> => {
      const results = await store.retrieveMany(keys);
      keys = [];
      // What has gone since it was listed, or has expired, is left out.
      return results.flatMap((result): [string, T][] => {
        const found = valueIfThere(result);
        return found === undefined ? [] : [[folder.path(found.info).join('/'), found.text() as T]];
      });
    };
    for await (const key of store.keys(`${folder.root}/`)) if (keys.push(key) >= READ_AHEAD) yield* await read();
    yield* await read();
  }

  /** Closes the store if it was opened here; a lent one stays open. */
  async disconnect(): Promise<void> {
    await this.#access.close();
  }
}
