import { SecureStoreError } from '@securestore/core-format';

/**
 * Whether a conditional write failed in a way that only another look can explain: somebody else was first, or the write
 * took effect and its answer was lost.
 */
export function isUndecided(error: unknown): error is SecureStoreError {
  return SecureStoreError.is(error) && (error.code === 'CONFLICT' || error.outcome === 'unknown');
}
