import type { BackupArea } from '@securestore/objects/internal';
import type { FoundDestination } from '../repository/destination.ts';
import { followedAt } from './replication-status.ts';
import { OpenedBackup } from './opened-backup.ts';
import { rememberedAt } from './trusted-tip.ts';

/**
 * The backups at a destination, by the keys of the store and what it knows of them.
 *
 * @param remembered how many points that were read are not read again
 * @throws SecureStoreError `INTEGRITY`; what the backend of the store throws
 */
export async function knownBackup(
  area: BackupArea,
  found: FoundDestination,
  signal: AbortSignal | undefined,
  remembered?: number,
): Promise<OpenedBackup> {
  // Asked first: somebody may publish in between.
  const known = area.hasKeys ? await rememberedAt(area, found, signal) : undefined;
  const copy = area.openCopy(found.keys);
  return new OpenedBackup(found, copy, {
    known,
    reached: async (end) => (await followedAt(area, found.id, end))?.reached,
    remembered,
  });
}
