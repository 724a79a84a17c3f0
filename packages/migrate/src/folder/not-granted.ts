import { SecureStoreError } from '@securestore/core-format';

/**
 * Whether a call of a store was refused because the object was not granted to whoever makes it: to a member, or to the principal of a
 * session. What a backend refuses says which one, and what the file system refuses is no call of the store.
 */
export function isNotGranted(error: unknown): error is SecureStoreError {
  return SecureStoreError.is(error, 'ACCESS_DENIED') && error.backend === undefined && error.operation !== undefined;
}
