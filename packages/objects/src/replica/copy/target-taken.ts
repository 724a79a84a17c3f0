import { SecureStoreError } from '@securestore/core-format';

/** The error for a target at which another process has made a store since this one has looked. */
export function takenMeanwhile(): SecureStoreError {
  const message = 'another store was created at the target meanwhile. That store was not changed.';
  return new SecureStoreError('ALREADY_EXISTS', message, { advice: [{ id: 'choose-store-url' }] });
}

/** The error for a target at which something is in the way. @param what is there */
export function targetTaken(what: string, cause?: unknown): SecureStoreError {
  return new SecureStoreError('ALREADY_EXISTS', `${what}. Nothing was changed.`, {
    advice: [{ id: 'choose-store-url' }],
    cause,
  });
}
