import type { CallOptions } from '@securestore/objects';
import type { BackupVerifyReport } from '../repository/findings.ts';
import type { ManagedPorts } from '../trust/destinations.ts';
import { ScrubState } from './rolling/scrub-state.ts';
import { verifySlice } from './rolling/verify-slice.ts';
import type { VerifyBackupOptions } from './verify-backup.ts';
import { verifyOpenedBackup } from './verify-backup.ts';

export interface VerifyOptions extends CallOptions, Omit<VerifyBackupOptions, 'signal'> {
  /**
   * Reads only what is due, so that everything is read within so many milliseconds, from an hour to ten years, as long as there are runs
   * regularly. By default everything is read. Not together with `depth: 'opens'` and `snapshot`.
   */
  readonly within?: number | undefined;
}

/** Verifies what lies at a destination, or with `within` what is due of it, and remembers what was read. @throws as `Backups.verify` */
export function verifyDestination(
  { area, destinations }: ManagedPorts,
  source: string,
  { within, signal, ...options }: Omit<VerifyOptions, 'timeout'>,
): Promise<BackupVerifyReport> {
  const { clock, random } = area;
  return destinations.opened(source, signal, async (backup, { id }) => {
    const memory = new ScrubState(area, id);
    if (within !== undefined) return verifySlice(backup, { memory, clock, random }, { ...options, within, signal });
    const began = clock.now();
    const report = await verifyOpenedBackup(backup, { ...options, signal });
    if (report.ok) await memory.rememberAll(began);
    return report;
  });
}
