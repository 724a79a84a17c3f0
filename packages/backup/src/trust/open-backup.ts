import type { StorageBackend } from '@securestore/backend-api';
import type { BackupArea, CopySettings } from '@securestore/objects/internal';
import { unlockCopy } from '@securestore/objects/internal';
import type { FoundDestination } from '../repository/destination.ts';
import { requireDestination } from '../repository/destination.ts';
import { refuseOtherCopy } from './other-copy.ts';
import { OpenedBackup } from './opened-backup.ts';
import { replicationStatusAt } from './replication-status.ts';
import { trustedTipAt } from './trusted-tip.ts';

/** What opens the backups at a destination, without the store. */
export interface BackupSettings extends Omit<CopySettings, 'keys'> {
  /** An initialised backend. It stays yours. */
  readonly backend: StorageBackend;
}

/**
 * Opens the backups that lie somewhere, with a secret of the store that they are of: the store itself isn't needed.
 *
 * @throws SecureStoreError `NOT_FOUND` if there are none; `UNLOCK_FAILED`; `INTEGRITY`; what the backend throws
 */
export async function openBackup(settings: BackupSettings): Promise<OpenedBackup> {
  const { backend, url, signal } = settings;
  const destination = await requireDestination(backend, url, signal);
  const copy = await unlockCopy({ ...settings, keys: destination.keys });
  return new OpenedBackup(destination, copy);
}

/**
 * The backups at a destination, by the keys of the store and what it knows of them.
 *
 * @param cachedPoints how many points that were read are not read again
 * @throws SecureStoreError `CONFLICT` if another copy of the store has taken them over; `INTEGRITY`; what the backends throw
 */
export async function knownBackup(
  area: BackupArea,
  found: FoundDestination,
  signal: AbortSignal | undefined,
  cachedPoints?: number,
): Promise<OpenedBackup> {
  // Asked first: somebody may publish in between.
  const trusted = area.hasKeys ? await trustedTipAt(area, found, signal) : undefined;
  const copy = area.openCopy(found.keys);
  await refuseOtherCopy(area, found, signal);
  return new OpenedBackup(found, copy, {
    trusted,
    reached: async (end) => (await replicationStatusAt(area, found.id, end))?.reached,
    cachedPoints,
  });
}
