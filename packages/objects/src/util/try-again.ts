import type { ErrorCode, ErrorDetails } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';

/** The error of a call that may succeed when it is made again. */
export function tryAgain(code: ErrorCode, message: string, details: ErrorDetails = {}): SecureStoreError {
  return new SecureStoreError(code, message, { retryable: true, advice: [{ id: 'try-again' }], ...details });
}
