import { nestingOf, parseLocation } from '@securestore/backend-api';
import { destinationsIn } from '@securestore/backup';
import { SecureStoreError } from '@securestore/core-format';
import type { MigrationTarget } from '@securestore/migrate';
import type { ObjectStore } from '@securestore/objects';
import { extensionsOf } from '@securestore/objects/internal';
import { nameOfLocation } from './connect.ts';

/**
 * Where a store lies together with its backups, whoever removes the one removes the others.
 *
 * @throws SecureStoreError `ALREADY_EXISTS` where the store is backed up to where it is to move, also where nothing lies there now, or to a
 *   folder around or inside that
 */
export async function refuseDestination(store: ObjectStore, to: string, target: MigrationTarget): Promise<void> {
  // What is at its end already is ended.
  const { backup } = extensionsOf(store);
  if (backup.head.state !== 'open') return;
  for (const { location } of destinationsIn(backup.destinations)) {
    const isThere = location === nameOfLocation(to);
    if (!isThere && (await nestingOf(target.backend, { localPath: () => folderOf(location) })) === undefined) continue;
    const where = isThere ? location : `${location}, which lies in the same folder`;
    throw new SecureStoreError(
      'ALREADY_EXISTS',
      `the store is backed up to ${where}, and would be lost together with its backups there. Choose another location`,
    );
  }
}

/** The folder or file that the name of a location stands for; a backend that is only known by name may have none. */
function folderOf(location: string): string | undefined {
  const { scheme, rest } = parseLocation(location);
  return scheme === 'file' || scheme === 'sqlite' ? rest : undefined;
}
