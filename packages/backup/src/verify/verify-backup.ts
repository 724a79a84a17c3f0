import { pointName } from '@securestore/core-format';
import { mapConcurrently, openCopy } from '@securestore/objects/internal';
import { partCount } from '../repository/blobs.ts';
import { hasCode, refuseOption, withFallback } from '../repository/errors.ts';
import type { BackupVerifyReport, VerifyProgress } from '../repository/findings.ts';
import { Findings, usedBy } from '../repository/findings.ts';
import type { OpenedBackup } from '../trust/opened-backup.ts';
import { FileChecks } from './verify-files.ts';
import type { ReachableFiles } from './reachable-files.ts';
import { findReachable, removalsOf, reportOf } from './reachable-files.ts';

const READS = 4;
const DEPTHS = ['complete', 'opens'] as const;

export interface VerifyBackupOptions {
  /** `complete`, the default, reads every file; `opens` also opens everything in one point. */
  readonly depth?: (typeof DEPTHS)[number] | undefined;
  /** The point that is opened; the newest by default. */
  readonly snapshot?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: VerifyProgress | undefined;
}

async function checkPacks({ packs }: ReachableFiles, checks: FileChecks, findings: Findings): Promise<void> {
  let done = 0;
  const reads = mapConcurrently(packs, READS, ([name, use]) => checks.pack(name, use));
  for await (const _ of reads) findings.progress('checking packs', ++done, packs.size);
}

async function checkBlobs({ blobs }: ReachableFiles, checks: FileChecks, findings: Findings): Promise<void> {
  let done = 0;
  for (const use of blobs.values()) {
    findings.progress('checking payloads', done++, blobs.size);
    const digests = await checks.digests(use);
    const parts = Array.from({ length: partCount(use) }).keys();
    for await (const _ of mapConcurrently(parts, READS, (part) => checks.part(use, part, digests[part])));
  }
}

/** Opens everything that a point has, as a store. @returns how many versions were opened */
async function openAll(
  backup: OpenedBackup,
  { snapshot, signal }: VerifyBackupOptions,
  findings: Findings,
): Promise<number> {
  // The reason is among the findings.
  const chosen = await withFallback(hasCode('INTEGRITY', 'NOT_FOUND'), undefined, () =>
    snapshot === undefined ? backup.newest(signal) : backup.choose({ snapshot }, signal),
  );
  if (chosen === undefined) return 0;
  const { number, totals } = chosen.point;
  const whole = { ...usedBy(number), versions: totals.versions };
  let opened = 0;
  await findings.check(pointName(number), whole, async () => {
    await using store = openCopy(backup.copy, await backup.view(chosen, signal));
    const report = await store.verify({
      payloads: true,
      signal,
      onProgress: ({ done }) => findings.progress('opening everything', done, totals.objects + totals.deleted),
    });
    opened = report.objects + report.deleted + report.versions;
    for (const { name, key, message } of report.findings) {
      const use = { ...usedBy(number, ...(key === undefined ? [] : [key])), versions: 1 };
      findings.add('unreadable', name, message, use);
    }
  });
  return opened;
}

/**
 * Reads every file of a backup, and reports what is damaged, and what that affects. With `opens` everything in a point is decrypted too, as
 * restoring it would.
 *
 * Without the store it does not detect that the newest points were removed, together with all files that name them; nor, with or without
 * it, that `keys` is from before a rotation that no point has seen. The next backup replaces that.
 *
 * @throws SecureStoreError what prevents reading, such as `UNAVAILABLE`. Findings are no errors: they are in the report
 */
export async function verifyOpenedBackup(
  backup: OpenedBackup,
  options: VerifyBackupOptions = {},
): Promise<BackupVerifyReport> {
  const { depth = 'complete', signal } = options;
  if (!DEPTHS.includes(depth)) refuseOption('depth', `must be one of ${DEPTHS.join(', ')}`);
  const findings = new Findings({ ...options, areRemoved: removalsOf(backup, signal) });
  const checks = new FileChecks(backup, findings, signal);
  const reachable = await findReachable(backup, findings, signal);
  await checkPacks(reachable, checks, findings);
  await checkBlobs(reachable, checks, findings);
  const opened = depth === 'opens' ? await openAll(backup, options, findings) : 0;
  return reportOf(backup, findings, reachable, { depth, opened }, signal);
}
