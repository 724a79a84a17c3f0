import type { StorageBackend } from '@securestore/backend-api';
import { asBuffer, SecureStoreError } from '@securestore/core-format';
import type { StoredRecord } from './record-cache.ts';
import { tryAgain } from '../util/try-again.ts';

/** How many attempts in a row may come to nothing while the record at the name stays the same. */
const MAX_STALLS = 16;

/** Whether two looks at a name have found the same. */
export const isSameRecord = (a: StoredRecord | undefined, b: StoredRecord | undefined): boolean =>
  a?.etag === b?.etag && (a === undefined || b === undefined || asBuffer(a.bytes).equals(b.bytes));

/**
 * Tells a backend that answers wrongly from races that were lost. The winner of a race leaves other bytes, so that a
 * mutation may lose as many as there are; if an attempt fails and nothing has changed, there was no winner.
 */
export class StallDetector {
  #stalls = 0;

  /**
   * To be asked after an attempt that came to nothing.
   *
   * @param expected what the attempt was to replace
   * @param found the record that is there now
   */
  isReached(expected: StoredRecord | undefined, found: StoredRecord | undefined): boolean {
    this.#stalls = isSameRecord(expected, found) ? this.#stalls + 1 : 0;
    return this.#stalls >= MAX_STALLS;
  }
}

/** The error if a backend answers `CONFLICT` to a write whose condition holds. */
export function refusedWrongly({ name }: StorageBackend, what: string, cause?: unknown): SecureStoreError {
  const message = `the backend ${name} answers wrongly: it refused a condition that holds (${what})`;
  return tryAgain('UNAVAILABLE', message, { backend: name, cause });
}
