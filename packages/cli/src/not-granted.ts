import { SecureStoreError } from '@securestore/core-format';

/** Whether an object is of a category that was not granted to whoever opened the store. What a backend refuses says which one. */
export function isNotGranted(error: unknown): boolean {
  return SecureStoreError.is(error, 'ACCESS_DENIED') && error.backend === undefined;
}
