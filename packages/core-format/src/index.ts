export { SecureStoreError, exitCodeOf } from './errors.ts';
export type { ErrorCode, ErrorDetails } from './errors.ts';
export { MAX_KEY_BYTES, parseStoreKey } from './key-name.ts';
export type { StoreKey } from './key-name.ts';
