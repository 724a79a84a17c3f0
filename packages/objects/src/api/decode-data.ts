import { SecureStoreError } from '@securestore/core-format';

/** @throws SecureStoreError `INVALID_ARGUMENT` where it is not UTF-8 */
export function textOf(data: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    throw new SecureStoreError('INVALID_ARGUMENT', 'the object is not UTF-8 text');
  }
}

/** Parses without quoting what can't be parsed: it is a secret. @throws SecureStoreError `INVALID_ARGUMENT` where it is not JSON */
export function jsonOf(data: Uint8Array): unknown {
  const text = textOf(data);
  try {
    return JSON.parse(text);
  } catch {
    throw new SecureStoreError('INVALID_ARGUMENT', 'the object is not JSON');
  }
}
