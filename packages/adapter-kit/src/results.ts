import { SecureStoreError } from '@securestore/core-format';
import type { ItemResult, SecureStorage, StoreManyItem } from 'securestore';

/**
 * What a call of many items found for one; `undefined` where nothing is there.
 *
 * @throws SecureStoreError what went wrong otherwise
 */
export function valueIfThere<T>(result: ItemResult<T>): T | undefined {
  if (result.ok) return result.value;
  if (SecureStoreError.is(result.error, 'NOT_FOUND')) return undefined;
  throw result.error;
}

/**
 * Stores items. What lives no longer is deleted: a store refuses it.
 *
 * @throws SecureStoreError of the first item that could not be stored
 */
export async function storeAll(store: SecureStorage, items: readonly StoreManyItem[]): Promise<void> {
  const results = await store.storeMany(items);
  for (const [at, result] of results.entries()) {
    if (result.ok) continue;
    const { expires = new Date(Infinity) } = items[at] ?? {};
    const isOver = SecureStoreError.is(result.error, 'INVALID_ARGUMENT') && expires.getTime() <= Date.now();
    if (!isOver) throw result.error;
    await store.delete(result.key);
  }
}
