import { nestingOf, parseStoreUrl } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { MigrationTarget } from '@securestore/migrate';
import type { ObjectStore } from '@securestore/objects';
import { extensionsOf } from '@securestore/objects/internal';
import { nameOfUrl } from './connect.ts';
import { loadBackup } from './engines.ts';

/**
 * A store and its backups must not share a store URL, since both would be lost together.
 *
 * @throws SecureStoreError `ALREADY_EXISTS` if the target is a destination of the store, also if it is empty now, or is in a folder around or
 *   inside one
 */
export async function refuseDestination(store: ObjectStore, to: string, target: MigrationTarget): Promise<void> {
  // A migration that is ending is ended.
  const { backup } = extensionsOf(store);
  if (backup.head.state !== 'open') return;
  const { destinationsIn } = await loadBackup();
  for (const { url } of destinationsIn(backup.destinations)) {
    const isThere = url === nameOfUrl(to);
    if (!isThere && (await nestingOf(target.backend, { localPath: () => folderOf(url) })) === undefined) continue;
    const where = isThere ? 'is a destination' : `shares a folder with the destination ${url}`;
    throw new SecureStoreError(
      'ALREADY_EXISTS',
      `the target ${nameOfUrl(to)} ${where}. The store would be lost together with its backups there.`,
      { advice: [{ id: 'choose-store-url' }] },
    );
  }
}

/** The folder or file that the name of a store URL stands for; a backend that is only known by name may have none. */
function folderOf(url: string): string | undefined {
  const { scheme, rest } = parseStoreUrl(url);
  return scheme === 'file' || scheme === 'sqlite' ? rest : undefined;
}
