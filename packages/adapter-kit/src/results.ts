import { SecureStoreError } from '@securestore/core-format';
import type { ItemResult } from 'securestore';

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

/** @throws SecureStoreError of the first item that could not be stored */
export function assertStored(results: readonly ItemResult<unknown>[]): void {
  for (const result of results) if (!result.ok) throw result.error;
}
