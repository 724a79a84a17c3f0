import type { StorageBackend } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';

/** What a restore to a new place leaves there until its head is written: with it the same restore goes on. */
export const RESTORE_NAME = 'w/restore';

/**
 * Says of a place without a head that a store is being restored there. Whoever can write there can make it say so, so it is no less
 * of an alarm than that the head is missing.
 *
 * @throws SecureStoreError `INTEGRITY`; what the backend throws
 */
export async function refuseBegunRestore(backend: StorageBackend, signal: AbortSignal | undefined): Promise<void> {
  if ((await backend.read(RESTORE_NAME, { start: 0, end: 1, signal })) === undefined) return;
  throw new SecureStoreError(
    'INTEGRITY',
    'no store is here yet: one is being restored to this place, and its head comes last. Where that was interrupted, the same restore ' +
      'goes on with it',
  );
}
