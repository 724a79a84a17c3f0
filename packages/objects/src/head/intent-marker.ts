import { SecureStoreError } from '@securestore/core-format';
import type { StoreContext } from './open-settings.ts';

/** What a restore to a new place leaves there until its head is written: with it the same restore goes on. */
export const RESTORE_NAME = 'w/restore';

/** What a store that moves leaves where it moves to until its head is written: with it the same migration goes on. */
export const MIGRATION_NAME = 'w/migration';

const BEGUN = [
  [RESTORE_NAME, 'a restore to this location has not ended', 'resume-restore'],
  [MIGRATION_NAME, 'a migration to this location has not ended, or was cancelled', 'resume-migration'],
] as const;

/**
 * Says of a place without a head that a store is being restored there, or moved there. Whoever can write there can make it say so, so it
 * is no less of an alarm than that the head is missing.
 *
 * @throws SecureStoreError `INTEGRITY`; what the backend throws
 */
export async function refuseBegun({
  backend,
  location,
  signal,
}: Pick<StoreContext, 'backend' | 'location' | 'signal'>): Promise<void> {
  for (const [name, what, resume] of BEGUN) {
    if ((await backend.read(name, { start: 0, end: 1, signal })) === undefined) continue;
    throw new SecureStoreError('INTEGRITY', `no store is here yet: ${what}`, {
      reason: 'incomplete',
      advice: [
        resume === 'resume-restore' ? { id: resume, location } : { id: resume, target: location },
        { id: 'choose-location' },
      ],
    });
  }
}
