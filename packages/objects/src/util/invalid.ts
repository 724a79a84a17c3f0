import { SecureStoreError } from '@securestore/core-format';

/** @param option the one that is wrong, if it is one @throws SecureStoreError `INVALID_ARGUMENT` */
export function invalid(message: string, option?: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message, { option });
}
