import { isDamage } from '@securestore/core-format';
import type { CallOptions } from '@securestore/objects';
import { withFallback } from '../repository/errors.ts';
import type { BackupVerifyReport } from '../repository/findings.ts';
import type { ManagedPorts } from '../trust/destinations.ts';
import type { OpenedBackup } from '../trust/opened-backup.ts';
import { affectsNewest, rememberVerification } from '../trust/failed-checks.ts';
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

/** The number of the newest snapshot; `undefined` if it cannot be read. */
function newestOf(backup: OpenedBackup, signal: AbortSignal | undefined): Promise<number | undefined> {
  return withFallback(isDamage, undefined, async () => (await backup.newest(signal)).point.number);
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
    const began = clock.now();
    const report =
      within === undefined
        ? await verifyOpenedBackup(backup, { ...options, signal })
        : await verifySlice(backup, { memory, clock, random }, { ...options, within, signal });
    if (report.ok && within === undefined) await memory.rememberAll(began);
    const judged = report.ok
      ? report
      : { ...report, affectsNewest: affectsNewest(await newestOf(backup, signal), report) };
    await rememberVerification(area, id, began, judged);
    return judged;
  });
}
