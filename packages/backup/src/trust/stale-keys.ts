import type { Head, Point } from '@securestore/core-format';
import { BACKUP_KEYS_NAME, SecureStoreError } from '@securestore/core-format';
import type { OpenedBackup } from './opened-backup.ts';
import type { FoundPoint } from '../repository/snapshots.ts';

/**
 * Whether a destination holds keys of before one of its points: then somebody has put them back. Generations go on from one instance to
 * the next, and whoever publishes a point has replaced the keys first.
 */
export function isOlderThan({ generation }: Pick<Head, 'generation'>, point: Pick<Point, 'generation'>): boolean {
  return generation < point.generation;
}

/**
 * What makes a store of a backup gives its keys to all slots and members that `keys` names: not to those of before.
 *
 * @returns what is wrong; `undefined` where nothing is
 */
export async function olderKeys(
  backup: OpenedBackup,
  point: FoundPoint,
  signal: AbortSignal | undefined,
): Promise<SecureStoreError | undefined> {
  const { location } = backup.destination;
  const newest = (await backup.survey(signal)).newest ?? point;
  const than = [point, newest].find((one) => isOlderThan(backup.copy.head, one));
  if (than === undefined) return undefined;
  return new SecureStoreError(
    'ROLLBACK',
    `${location}: the object "${BACKUP_KEYS_NAME}" is of generation ${backup.copy.head.generation} of the store, older than snapshot ` +
      `${than.number} (${than.generation}): secrets and members that were removed since would open the restored store. Bring the newer one ` +
      'back from another destination; or restore with "partial", and look at slots and members then',
  );
}
