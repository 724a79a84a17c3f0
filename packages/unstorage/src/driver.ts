import { isAnyArrayBuffer } from 'node:util/types';
import { expiresAfter, Folder, StoreAccess, storeAll, valueIfThere } from '@securestore/adapter-kit';
import { SecureStoreError } from '@securestore/core-format';
import type { ObjectInfo, OpenOptions, Retrieved, SecureStorage, StoreData, StoreManyItem } from 'securestore';
import type { Driver, StorageMeta, TransactionOptions } from 'unstorage';

interface CommonOptions {
  /**
   * The key of the store below which everything is stored, `unstorage` unless it is given. Nothing else may store or delete
   * anything below it.
   */
  readonly base?: string | undefined;
  /** Seconds that items live which have no time to live of their own. Default: for ever. */
  readonly ttl?: number | undefined;
}

/** An open store, which stays the caller's and is never closed, or the store URL and options of one to open. */
export type SecureStoreDriverOptions =
  | (CommonOptions & { readonly store: SecureStorage })
  | (CommonOptions & OpenOptions & { readonly url: string });

type AnyOptions = CommonOptions & Partial<OpenOptions> & { readonly store?: SecureStorage; readonly url?: string };

function pathOf(key: string): string[] {
  return key.split(':');
}

/** Of what unstorage calls a base: nothing, or the beginning of keys with a colon at its end. */
function pathOfBase(base: string | undefined): string[] {
  return base === undefined || base === '' ? [] : pathOf(base.replace(/:$/, ''));
}

/** The bytes of any view or buffer. What else there is, the store takes or refuses. */
function dataOf(value: unknown): StoreData {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return (isAnyArrayBuffer(value) ? new Uint8Array(value) : value) as StoreData;
}

function metaOf({ created, modified, size, expires }: ObjectInfo): StorageMeta {
  const meta = { mtime: modified, birthtime: created, size };
  return expires === undefined ? meta : { ...meta, ttl: Math.max(0, (expires.getTime() - Date.now()) / 1000) };
}

async function ifThere<T>(found: Promise<T>): Promise<T | null> {
  try {
    return await found;
  } catch (error) {
    if (SecureStoreError.is(error, 'NOT_FOUND')) return null;
    throw error;
  }
}

/**
 * A driver for unstorage on a store of securestore. Its methods reject with what the store throws.
 *
 * A store URL is opened by the first call, as `openStore` would, and closed by `dispose()`; a store that is made here
 * keeps no older versions, unless `history` says so. An open store that is passed in is never closed.
 *
 * @throws SecureStoreError `INVALID_KEY` if the base is not a key of a store; `INVALID_ARGUMENT` if there is neither a
 *   store nor a store URL, or options of `openStore` beside a store
 */
export function secureStoreDriver(
  options: SecureStoreDriverOptions,
): Driver<SecureStoreDriverOptions, Promise<SecureStorage>> {
  const { base = 'unstorage', ttl, store, url, ...openOptions } = options as AnyOptions;
  const source = store ?? url;
  if (source === undefined) {
    throw new SecureStoreError('INVALID_ARGUMENT', 'the option "url", or "store" with an open store, is missing', {
      option: 'url',
    });
  }
  const folder = new Folder(base);
  const access = new StoreAccess(source, openOptions);

  const retrieve = async (key: string): Promise<Retrieved | null> => {
    const opened = await access.get();
    return ifThere(opened.retrieve(folder.key(pathOf(key))));
  };
  const item = (key: string, data: StoreData, given: TransactionOptions | undefined): StoreManyItem => {
    // As with other drivers, 0 seconds are no time to live.
    const seconds: unknown = given?.['ttl'] ?? ttl;
    const live = typeof seconds === 'number' && seconds !== 0 ? seconds * 1000 : seconds || undefined;
    return folder.item(pathOf(key), data, expiresAfter(live));
  };
  const setAll = async (items: readonly StoreManyItem[]): Promise<void> => storeAll(await access.get(), items);

  return {
    name: 'securestore',
    options,
    flags: { ttl: true },
    getInstance: () => access.get(),
    async hasItem(key) {
      const opened = await access.get();
      return opened.has(folder.key(pathOf(key)));
    },
    getItem: async (key) => (await retrieve(key))?.text() ?? null,
    async getItems(items) {
      const opened = await access.get();
      const results = await opened.retrieveMany(items.map(({ key }) => folder.key(pathOf(key))));
      const values = results.map((result) => valueIfThere(result)?.text() ?? null);
      return items.map(({ key }, at) => ({ key, value: values[at] ?? null }));
    },
    async getItemRaw(key) {
      const found = await retrieve(key);
      return found === null ? null : Buffer.from(found.data.buffer, found.data.byteOffset, found.data.byteLength);
    },
    async getMeta(key) {
      const opened = await access.get();
      const info = await ifThere(opened.info(folder.key(pathOf(key))));
      return info === null ? null : metaOf(info);
    },
    setItem: async (key, value, given) => setAll([item(key, value, given)]),
    setItemRaw: async (key, value, given) => setAll([item(key, dataOf(value), given)]),
    setItems: async (items, common) =>
      setAll(items.map(({ key, value, options: given }) => item(key, value, { ...common, ...given }))),
    async removeItem(key) {
      const opened = await access.get();
      await opened.delete(folder.key(pathOf(key)));
    },
    async getKeys(from) {
      const keys: string[] = [];
      for await (const info of folder.entries(await access.get(), pathOfBase(from))) {
        keys.push(folder.path(info).join(':'));
      }
      return keys;
    },
    clear: async (from) => folder.clear(await access.get(), pathOfBase(from)),
    dispose: async () => access.close(),
  };
}
