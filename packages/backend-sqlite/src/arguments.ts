import { SecureStoreError, type ErrorDetails } from '@securestore/core-format';
import { MAX_BODY_BYTES } from './layout.ts';

const KEY = /^[a-z0-9/.@~_-]+$/;
const MAX_KEY_BYTES = 900;

function refuse(message: string, details: ErrorDetails): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message, { ...details, backend: 'sqlite' });
}

/** @throws SecureStoreError `INVALID_KEY` unless `key` is a name of the backend contract. */
export function checkKey(key: string, operation: string): void {
  if (typeof key === 'string' && key.length <= MAX_KEY_BYTES && KEY.test(key)) return;
  throw new SecureStoreError(
    'INVALID_KEY',
    `a backend key is 1 to ${MAX_KEY_BYTES} characters of a-z 0-9 / . @ ~ - _`,
    { operation, backend: 'sqlite' },
  );
}

/** @throws SecureStoreError `TOO_LARGE` over the limit; `INVALID_ARGUMENT` if it is no bytes. */
export function checkBody(body: Uint8Array, details: ErrorDetails): void {
  if (!(body instanceof Uint8Array)) refuse('a body must be a Uint8Array', details);
  if (body.length <= MAX_BODY_BYTES) return;
  throw new SecureStoreError('TOO_LARGE', `a body has at most ${MAX_BODY_BYTES} bytes, and this one ${body.length}`, {
    ...details,
    backend: 'sqlite',
  });
}

/** @throws SecureStoreError `INVALID_ARGUMENT` unless both are whole numbers in order. */
export function checkRange(start: number | undefined, end: number | undefined, details: ErrorDetails): void {
  const from = start ?? 0;
  const to = end ?? Number.MAX_SAFE_INTEGER;
  if (Number.isSafeInteger(from) && Number.isSafeInteger(to) && from >= 0 && to >= from) return;
  refuse('a range needs whole numbers with 0 <= start <= end', details);
}

/** @throws SecureStoreError `INVALID_ARGUMENT` unless it is a whole number from 1. */
export function checkLimit(limit: number | undefined): void {
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 1)) {
    refuse('the limit of a listing is a whole number from 1', { operation: 'list' });
  }
}
