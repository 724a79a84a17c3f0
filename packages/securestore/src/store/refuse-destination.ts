import { nestingOf, parseLocation } from '@securestore/backend-api';
import { destinationsIn } from '@securestore/backup';
import { SecureStoreError } from '@securestore/core-format';
import type { MigrationTarget } from '@securestore/migrate';
import type { ObjectStore } from '@securestore/objects';
import { extensionsOf } from '@securestore/objects/internal';
import { nameOfLocation } from './connect.ts';

/**
 * A store and its backups must not share a location, since both would be lost together.
 *
 * @throws SecureStoreError `ALREADY_EXISTS` if the target is a destination of the store, also if it is empty now, or is in a folder around or
 *   inside one
 */
export async function refuseDestination(store: ObjectStore, to: string, target: MigrationTarget): Promise<void> {
  // A migration that is ending is ended.
  const { backup } = extensionsOf(store);
  if (backup.head.state !== 'open') return;
  for (const { location } of destinationsIn(backup.destinations)) {
    const isThere = location === nameOfLocation(to);
    if (!isThere && (await nestingOf(target.backend, { localPath: () => folderOf(location) })) === undefined) continue;
    const where = isThere ? 'is a destination' : `shares a folder with the destination ${location}`;
    throw new SecureStoreError(
      'ALREADY_EXISTS',
      `the target ${nameOfLocation(to)} ${where}. The store would be lost together with its backups there.`,
      { advice: [{ id: 'choose-location' }] },
    );
  }
}

/** The folder or file that the name of a location stands for; a backend that is only known by name may have none. */
function folderOf(location: string): string | undefined {
  const { scheme, rest } = parseLocation(location);
  return scheme === 'file' || scheme === 'sqlite' ? rest : undefined;
}
