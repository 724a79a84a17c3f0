import { SecureStoreError } from '@securestore/core-format';
import type { ImportTarget } from '@securestore/migrate';
import type { ObjectInfo, SecureStore, StoreOptions, TransferItem } from 'securestore';

/** What an item would become. */
export type PlannedItem = Omit<TransferItem, 'status'> & {
  readonly status: TransferItem['status'] | 'created' | 'replaced';
};

/** A store as an import sees it, which reads as the store does and writes nothing. */
export class ImportPlan implements ImportTarget {
  readonly url: string;
  readonly #store: SecureStore;
  /** The keys that exist and would be replaced. */
  readonly #existing = new Set<string>();

  constructor(store: SecureStore) {
    this.#store = store;
    this.url = store.url;
  }

  readonly info: ImportTarget['info'] = async (key, options) => await this.#store.info(key, options);

  readonly matches: ImportTarget['matches'] = async (key, data, options) =>
    await this.#store.matches(key, data, options);

  readonly store = async <M extends object>(
    key: string,
    _data: unknown,
    { signal }: StoreOptions<M> = {},
  ): Promise<ObjectInfo<M>> => {
    const now = new Date();
    const planned = { version: '', size: 0, category: '', created: now, modified: now, keyVersion: '' };
    try {
      await this.#store.info(key, { signal });
      this.#existing.add(key);
    } catch (error) {
      if (!SecureStoreError.is(error, 'NOT_FOUND')) throw error;
    }
    return { key, ...planned, metadata: {} as M };
  };

  /** An item, with what would become of it if it were stored. */
  planned(item: TransferItem): PlannedItem {
    const { version: _, ...rest } = item;
    if (item.status !== 'stored') return item;
    return { ...rest, status: item.key !== undefined && this.#existing.has(item.key) ? 'replaced' : 'created' };
  }
}
