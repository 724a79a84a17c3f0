import { isDamage, pointName, SecureStoreError, splitChecksum } from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects/internal';
import { isGenuineCopy } from '@securestore/objects/internal';
import type { FoundDestination } from '../repository/destination.ts';
import { withFallback } from '../repository/errors.ts';
import { readWhole } from '../repository/files.ts';
import { Points } from '../repository/snapshots.ts';
import { ownerAt } from './migrated-from.ts';

/** Whether the newest point is intact, and under a key that the store does not have. @throws SecureStoreError what the backend throws */
async function lacksKeyOfNewest(
  { seals }: BackupArea,
  found: FoundDestination,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const [newest] = await new Points(found, seals).numbers(signal);
  if (newest === undefined) return false;
  const name = pointName(newest);
  return withFallback(isDamage, false, async () => {
    return !seals.knows(splitChecksum(name, await readWhole(found.backend, name, signal)));
  });
}

/**
 * Refuses backups that another copy of the store has taken over, and has brought under its own keys: all of them would look damaged. A
 * copy can read those of the store that it was restored from, as long as that has the same keys.
 *
 * @throws SecureStoreError `CONFLICT`; what the backend throws
 */
export async function refuseOtherCopy(
  area: BackupArea,
  found: FoundDestination,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { url, keys } = found;
  // A forged head must not hide damage.
  if (!area.hasKeys || !isGenuineCopy(keys) || ownerAt(area, found) !== 'copy') return;
  if (!(await lacksKeyOfNewest(area, found, signal))) return;
  throw new SecureStoreError(
    'CONFLICT',
    `${url} names another copy of this store as the owner of its backups, which are under keys that this store does not have. Each copy needs its own destination.`,
    {
      advice: [
        { id: 'make-snapshot' },
        { id: 'unregister-destination', destination: url },
        { id: 'restore-store', destination: url },
      ],
    },
  );
}
