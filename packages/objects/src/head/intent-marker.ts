import type { StorageBackend } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';

/** What a restore to a new place leaves there until its head is written: with it the same restore goes on. */
export const RESTORE_NAME = 'w/restore';

/** What a store that moves leaves where it moves to until its head is written: with it the same migration goes on. */
export const MIGRATION_NAME = 'w/migration';

const BEGUN = {
  [RESTORE_NAME]:
    'one is being restored to this place, and its head comes last. Where that was interrupted, the same restore goes on with it',
  [MIGRATION_NAME]:
    'one is being moved to this place, or was until that was interrupted or given up. Open it where it was. The same migration goes on with ' +
    'it; if it was given up, remove what lies here before you use this place',
} as const;

/**
 * Says of a place without a head that a store is being restored there, or moved there. Whoever can write there can make it say so, so it
 * is no less of an alarm than that the head is missing.
 *
 * @throws SecureStoreError `INTEGRITY`; what the backend throws
 */
export async function refuseBegun(backend: StorageBackend, signal: AbortSignal | undefined): Promise<void> {
  for (const [name, what] of Object.entries(BEGUN)) {
    if ((await backend.read(name, { start: 0, end: 1, signal })) === undefined) continue;
    throw new SecureStoreError('INTEGRITY', `no store is here yet: ${what}`);
  }
}
