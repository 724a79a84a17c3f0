import { parseBackupBlobName } from '@securestore/core-format';
import type { RandomSource } from '@securestore/crypto';
import type { Clock } from '@securestore/jobs';
import { mapConcurrently } from '@securestore/objects/internal';
import { partCount, sealedPartLength } from '../../repository/blobs.ts';
import type { BackupVerifyReport, VerifyProgress } from '../../repository/findings.ts';
import { Findings } from '../../repository/findings.ts';
import type { OpenedBackup } from '../../trust/opened-backup.ts';
import { FileChecks } from '../verify-files.ts';
import type { BlobUse, ReachableFiles } from '../reachable-files.ts';
import { findReachable, removalsOf, reportOf } from '../reachable-files.ts';
import { checkedSince, rangeOf, unitOf } from './scrub-progress.ts';
import type { ScrubState } from './scrub-state.ts';
import { RunProgress } from './run-progress.ts';
import type { ScrubSlice } from './scrub-slice.ts';
import { sliceOf } from './scrub-slice.ts';
import type { Units } from './scrub-units.ts';
import { weighUnits } from './scrub-units.ts';

const READS = 4;
/** The progress is remembered after so many bytes, and at least so often, in milliseconds. */
const REMEMBER_BYTES: number = 64 * 1024 * 1024;
const REMEMBER_AFTER = 15_000;

export interface VerifySliceOptions {
  /** Within how long everything is to be checked, in milliseconds. */
  readonly within: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: VerifyProgress | undefined;
  /** After how many bytes what was done is remembered. */
  readonly rememberBytes?: number | undefined;
}

/** What a share is checked with. */
export interface SlicePorts {
  readonly memory: ScrubState;
  readonly clock: Clock;
  readonly random: RandomSource;
}

/** A file, or two that belong together, to be read; without `check` the end of a range. */
interface Step {
  readonly range: number;
  /** Where the pass through the range is after it. */
  readonly unit: string;
  readonly steps: number;
  readonly bytes: number;
  readonly check?: () => Promise<void>;
}

async function checked(step: Step): Promise<Step> {
  await step.check?.();
  return step;
}

/** Everything that a run works with, once it knows what there is. */
interface Scope {
  readonly reachable: ReachableFiles;
  readonly units: Units;
  readonly checks: FileChecks;
  readonly progress: RunProgress;
}

/** Reads what is due. */
class SliceReader {
  readonly #scope: Scope;
  readonly #findings: Findings;
  /** What was read because it was wrong before, or is missing: it isn't read again in this run. */
  readonly #rechecked = new Set<string>();
  /** The lists of digests that were read for that, by payload. */
  readonly #lists = new Map<string, readonly Buffer[]>();

  constructor(scope: Scope, findings: Findings) {
    this.#scope = scope;
    this.#findings = findings;
  }

  /** Checks the findings of earlier runs: every run reports them, until they are mended or not needed any more. */
  async recheck(names: ReadonlySet<string>): Promise<void> {
    const { progress } = this.#scope;
    let done = 0;
    for (const name of names) {
      this.#findings.progress('checking what was wrong or is missing', done++, names.size);
      await this.#recheckFile(name);
      progress.rechecked(name);
    }
    await progress.save();
  }

  async #recheckFile(name: string): Promise<void> {
    const { reachable, checks } = this.#scope;
    const unit = unitOf(name);
    const pack = reachable.packs.get(unit ?? '');
    const blob = reachable.blobs.get(unit ?? '');
    if (unit !== undefined && pack !== undefined && !this.#rechecked.has(unit)) {
      this.#rechecked.add(unit);
      await checks.pack(unit, pack);
    } else if (unit !== undefined && blob !== undefined) {
      await this.#recheckPayload(name, unit, blob);
    }
  }

  async #recheckPayload(name: string, unit: string, blob: BlobUse): Promise<void> {
    const { checks } = this.#scope;
    const digests = this.#lists.get(unit) ?? (await checks.digests(blob));
    this.#lists.set(unit, digests);
    const part = parseBackupBlobName(name)?.part;
    // Without the list of digests the parts can't be checked: all would have to be read again.
    const parts = typeof part === 'number' ? [part] : digests.length === 0 ? [] : Array.from(digests.keys());
    const check = async (one: number): Promise<void> => {
      this.#rechecked.add(`${unit}${one}`);
      await checks.part(blob, one, digests[one]);
    };
    const there = parts.filter((one) => one < partCount(blob));
    for await (const _ of mapConcurrently(there, READS, check));
  }

  async read(slice: ScrubSlice): Promise<void> {
    const { progress } = this.#scope;
    let done = 0;
    for await (const step of mapConcurrently(this.#steps(slice), READS, checked)) {
      this.#findings.progress('checking what is due', ++done);
      if (step.check === undefined) progress.end(step.range);
      else await progress.advance(step, step.bytes);
    }
  }

  async *#steps({ order, mustEnd, bytes }: ScrubSlice): AsyncGenerator<Step> {
    const { units, progress } = this.#scope;
    let read = 0;
    for (const range of order) {
      const cursor = progress.cursorIn(range);
      for (const unit of units.ranges[range] ?? []) {
        const at = cursor === undefined || unit > cursor.unit ? 0 : unit === cursor.unit ? cursor.steps : Infinity;
        for await (const step of this.#stepsOf(range, unit, at)) {
          if (!mustEnd(range) && read >= bytes) return;
          read += step.bytes;
          yield step;
        }
      }
      yield { range, unit: '', steps: 0, bytes: 0 };
    }
  }

  /** What of a pack or a payload there is to be read, but for the first `done` steps. */
  async *#stepsOf(range: number, unit: string, done: number): AsyncGenerator<Step> {
    const { reachable, units, checks } = this.#scope;
    const pack = reachable.packs.get(unit);
    if (pack !== undefined && done < 1 && !this.#rechecked.has(unit)) {
      const bytes = units.sizes.get(unit) ?? 0;
      yield { range, unit, steps: 1, bytes, check: () => checks.pack(unit, pack) };
    }
    const blob = reachable.blobs.get(unit);
    if (blob === undefined) return;
    let digests: readonly Buffer[] | undefined;
    for (let part = done; part < partCount(blob); part++) {
      if (this.#rechecked.has(`${unit}${part}`)) continue;
      // Only if there is something to read.
      digests ??= this.#lists.get(unit) ?? (await checks.digests(blob));
      const digest = digests[part];
      const bytes = sealedPartLength(blob, part);
      yield { range, unit, steps: part + 1, bytes, check: () => checks.part(blob, part, digest) };
    }
  }
}

/**
 * Verifies the part of a backup that is due, so that everything is read within a time: what was not read for longest comes first. The store
 * remembers what was read when, so that a killed run is resumed. The points, the index and the names of all files are read by every run,
 * so that missing files show at once. Findings are checked by every run until they are mended.
 *
 * @throws SecureStoreError what prevents reading, or remembering what was read
 */
export async function verifySlice(
  backup: OpenedBackup,
  { memory, clock, random }: SlicePorts,
  options: VerifySliceOptions,
): Promise<BackupVerifyReport> {
  const { within, signal, rememberBytes = REMEMBER_BYTES } = options;
  // Before anything is listed: what comes later is newer than this run.
  const began = clock.now();
  const before = await memory.read(signal);
  const progress = new RunProgress(before, { memory, clock, began, rememberBytes, rememberAfter: REMEMBER_AFTER });
  const onFound = (name: string): void => {
    const unit = unitOf(name);
    if (unit !== undefined) progress.fail(name, rangeOf(unit));
  };
  const findings = new Findings({ ...options, onFound, areRemoved: removalsOf(backup, signal) });
  const reachable = await findReachable(backup, findings, signal);
  const units = await weighUnits(backup.destination.backend, reachable, signal);
  const checks = new FileChecks(backup, findings, signal);
  const reader = new SliceReader({ reachable, units, checks, progress }, findings);
  try {
    await reader.recheck(new Set([...before.failed.map(({ name }) => name), ...units.missing]));
    for (const [range, { length }] of units.ranges.entries()) if (length === 0) progress.end(range);
    await reader.read(sliceOf(before, units.weights, { now: began, within, turn: random(1)[0] ?? 0 }));
  } catch (error) {
    // The progress is kept, also after an error; that error is the one to report.
    await progress.save().catch(() => undefined);
    throw error;
  }
  const since = checkedSince(await progress.finish());
  const total = units.weights.reduce((sum, weight) => sum + weight, 0);
  const rolling = { total, ...(since > 0 && { checkedSince: new Date(since) }) };
  return { ...(await reportOf(backup, findings, reachable, { depth: 'complete', opened: 0 }, signal)), rolling };
}
