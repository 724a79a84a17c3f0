import { pointName, SecureStoreError } from '@securestore/core-format';
import { mapConcurrently, openCopy } from '@securestore/objects/internal';
import { partCount } from '../repository/blobs.ts';
import { Findings, usedBy } from '../repository/findings.ts';
import type { BackupVerifyReport, VerifyProgress } from '../repository/findings.ts';
import type { OpenedBackup } from '../trust/opened-backup.ts';
import { FileChecks } from './verify-files.ts';
import type { NeededFiles } from './reachable-files.ts';
import { findNeeded, removalsOf, reportOf } from './reachable-files.ts';

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

class Verification {
  readonly #backup: OpenedBackup;
  readonly #options: VerifyBackupOptions;
  readonly #findings: Findings;
  readonly #checks: FileChecks;
  #opened = 0;

  constructor(backup: OpenedBackup, options: VerifyBackupOptions) {
    this.#backup = backup;
    this.#options = options;
    this.#findings = new Findings({ ...options, areRemoved: removalsOf(backup, options.signal) });
    this.#checks = new FileChecks(backup, this.#findings, options.signal);
  }

  async run(): Promise<BackupVerifyReport> {
    const { depth = 'complete', signal } = this.#options;
    const needed = await findNeeded(this.#backup, this.#findings, signal);
    await this.#readPacks(needed);
    await this.#readBlobs(needed);
    if (depth === 'opens') await this.#open();
    return reportOf(this.#backup, this.#findings, needed, { depth, opened: this.#opened }, signal);
  }

  async #readPacks({ packs }: NeededFiles): Promise<void> {
    let done = 0;
    const reads = mapConcurrently(packs, READS, ([name, use]) => this.#checks.pack(name, use));
    for await (const _ of reads) this.#findings.tell('checking packs', ++done, packs.size);
  }

  async #readBlobs({ blobs }: NeededFiles): Promise<void> {
    let done = 0;
    for (const use of blobs.values()) {
      this.#findings.tell('checking payloads', done++, blobs.size);
      const digests = await this.#checks.digests(use);
      const parts = Array.from({ length: partCount(use) }).keys();
      const reads = mapConcurrently(parts, READS, (part) => this.#checks.part(use, part, digests[part]));
      for await (const _ of reads);
    }
  }

  /** Opens everything that a point has, as a store. */
  async #open(): Promise<void> {
    const { signal, snapshot } = this.#options;
    const choosing = snapshot === undefined ? this.#backup.newest(signal) : this.#backup.choose({ snapshot }, signal);
    const chosen = await choosing.catch((error: unknown) => {
      // Why is among the findings.
      if (SecureStoreError.is(error, 'INTEGRITY') || SecureStoreError.is(error, 'NOT_FOUND')) return undefined;
      throw error;
    });
    if (chosen === undefined) return;
    const { point } = chosen;
    const whole = { ...usedBy(point.number), versions: point.totals.versions };
    await this.#findings.check(pointName(point.number), whole, async () => {
      await using store = openCopy(this.#backup.copy, await this.#backup.view(chosen, signal));
      const report = await store.verify({
        payloads: true,
        ...(signal === undefined ? {} : { signal }),
        onProgress: ({ done }) =>
          this.#findings.tell('opening everything', done, point.totals.objects + point.totals.deleted),
      });
      this.#opened = report.objects + report.deleted + report.versions;
      for (const { name, key, message } of report.findings) {
        const use = { ...usedBy(point.number, ...(key === undefined ? [] : [key])), versions: 1 };
        this.#findings.add('unreadable', name, message, use);
      }
    });
  }
}

/**
 * Reads every file of a backup, and says what is wrong, and what that affects. With `opens` everything in a point is opened too, as
 * restoring it would.
 *
 * What it can't know without the store: whether the newest points were taken away, together with all that tells of them; and whether
 * `keys` is from before a change of keys that no point has seen. The next backup notices the one, and replaces the other.
 *
 * @throws SecureStoreError what keeps it from looking, such as `UNAVAILABLE`. What it finds is no error: it is in the report
 */
export async function verifyOpenedBackup(
  backup: OpenedBackup,
  options: VerifyBackupOptions = {},
): Promise<BackupVerifyReport> {
  const { depth } = options;
  if (depth !== undefined && !DEPTHS.includes(depth)) {
    throw new SecureStoreError('INVALID_ARGUMENT', `the option "depth" must be one of ${DEPTHS.join(', ')}`);
  }
  return new Verification(backup, options).run();
}
