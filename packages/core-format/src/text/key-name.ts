import { SecureStoreError } from '../errors/errors.ts';

/** The key of an object, checked by `parseStoreKey`. */
export type StoreKey = string & { readonly __brand: 'StoreKey' };

/** The longest key in bytes of UTF-8. */
export const MAX_KEY_BYTES = 1024;

const NON_ASCII = /[^\u0020-\u007e]/;
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

function refuse(reason: string, key: unknown): never {
  const details = typeof key === 'string' && key.length <= MAX_KEY_BYTES ? { key } : {};
  throw new SecureStoreError('INVALID_KEY', `the key ${reason}`, details);
}

/**
 * Checks the name of an object: 1 to {@link MAX_KEY_BYTES} bytes of NFC UTF-8 in segments separated by `/`.
 * Nothing is ever normalised: two spellings are one name or an error, never silently the same.
 *
 * @throws SecureStoreError `INVALID_KEY` if it is not a string, is empty or too long, has an empty segment
 *   (so also a leading or trailing `/`), a `.` or `..` segment, NUL or another control character, a lone surrogate,
 *   or text that is not in Unicode normalisation form C.
 */
export function parseStoreKey(key: unknown): StoreKey {
  if (typeof key !== 'string') refuse(`must be a string, got ${key === null ? 'null' : typeof key}`, key);
  if (key.length === 0) refuse('is empty', key);
  // No UTF-8 encoding is shorter than its UTF-16 length, so this bounds the work of everything below.
  if (key.length > MAX_KEY_BYTES) refuse(`is longer than ${MAX_KEY_BYTES} bytes of UTF-8`, key);
  if (NON_ASCII.test(key)) {
    if (CONTROL.test(key)) refuse('has a control character', key);
    if (!key.isWellFormed()) refuse('has a lone surrogate, which UTF-8 cannot hold', undefined);
    if (key.normalize('NFC') !== key) refuse('is not in Unicode normalisation form C (NFC)', key);
    if (Buffer.byteLength(key) > MAX_KEY_BYTES) refuse(`is longer than ${MAX_KEY_BYTES} bytes of UTF-8`, key);
  }
  let start = 0;
  while (true) {
    const slash = key.indexOf('/', start);
    const end = slash === -1 ? key.length : slash;
    const length = end - start;
    if (length === 0) refuse('has an empty segment (a leading, trailing or doubled "/")', key);
    if (key.charCodeAt(start) === 0x2e && (length === 1 || (length === 2 && key.charCodeAt(start + 1) === 0x2e))) {
      refuse('has a "." or ".." segment', key);
    }
    if (slash === -1) return key as StoreKey;
    start = slash + 1;
  }
}
