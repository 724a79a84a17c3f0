import type { VerifyOptions } from '../api/backup-types.ts';
import type { BackupVerifyReport } from '../repository/findings.ts';
import type { ManagedPorts } from '../prune/destination-admin.ts';
import { CheckedMemory } from './rolling/scrub-state.ts';
import { verifyShare } from './rolling/verify-share.ts';
import { verifyOpenedBackup } from './verify-backup.ts';

/** Verifies what lies at a destination, or with `within` what is due of it, and remembers what was read. @throws as `Backups.verify` */
export function verifyDestination(
  { area, places }: ManagedPorts,
  source: string,
  { within, signal, ...options }: Omit<VerifyOptions, 'timeout'>,
): Promise<BackupVerifyReport> {
  const { clock, random } = area;
  return places.opened(source, signal, async (backup, { id }) => {
    const memory = new CheckedMemory(area, id);
    if (within !== undefined) return verifyShare(backup, { memory, clock, random }, { ...options, within, signal });
    const began = clock.now();
    const report = await verifyOpenedBackup(backup, { ...options, signal });
    if (report.ok) await memory.rememberAll(began);
    return report;
  });
}
