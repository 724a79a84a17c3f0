import { SecureStoreError } from '@securestore/core-format';

/** The error for a target at which something is in the way. @param what is there */
export function targetTaken(what: string, cause?: unknown): SecureStoreError {
  return new SecureStoreError('ALREADY_EXISTS', `${what}. Nothing was changed.`, {
    advice: [{ id: 'choose-location' }],
    cause,
  });
}
