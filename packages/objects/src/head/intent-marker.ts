import { SecureStoreError } from '@securestore/core-format';
import type { StoreContext } from './open-settings.ts';

/** What a restore to a new store URL leaves there until the head is written: by it, the same restore is resumed. */
export const RESTORE_NAME = 'w/restore';

/** What a migration leaves at its target until the head is written: by it, the same migration is resumed. */
export const MIGRATION_NAME = 'w/migration';

const BEGUN = [
  [RESTORE_NAME, 'a restore to this store URL has not ended', 'resume-restore'],
  [MIGRATION_NAME, 'a migration to this store URL has not ended, or was cancelled', 'resume-migration'],
] as const;

/**
 * Refuses a store URL without a head to which a store is being restored or migrated. An attacker who can write there can claim that, so it is no
 * less of an alarm than that the head is missing.
 *
 * @throws SecureStoreError `INTEGRITY`; what the backend throws
 */
export async function refuseBegun({
  backend,
  url,
  signal,
}: Pick<StoreContext, 'backend' | 'url' | 'signal'>): Promise<void> {
  for (const [name, what, resume] of BEGUN) {
    if ((await backend.read(name, { start: 0, end: 1, signal })) === undefined) continue;
    throw new SecureStoreError('INTEGRITY', `no store is here yet: ${what}`, {
      reason: 'incomplete',
      advice: [
        resume === 'resume-restore' ? { id: resume, url } : { id: resume, target: url },
        { id: 'choose-store-url' },
      ],
    });
  }
}
