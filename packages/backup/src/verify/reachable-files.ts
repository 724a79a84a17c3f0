import type { FileReference, IndexPage } from '@securestore/core-format';
import {
  BACKUP_AREAS,
  BACKUP_KEYS_NAME,
  backupBlobPrefix,
  indexPageName,
  isDamage,
  packName,
  pointName,
  SecureStoreError,
} from '@securestore/core-format';
import type { BackupVerifyReport, Findings, Use, VerifyDepth } from '../repository/findings.ts';
import { MAX_SHOWN, usedBy } from '../repository/findings.ts';
import { anotherPoint, damagedFile, withFallback } from '../repository/errors.ts';
import { newerThanKeys } from '../trust/chain-attestation.ts';
import type { OpenedBackup } from '../trust/opened-backup.ts';
import type { FoundPoint } from '../repository/snapshots.ts';
import { includesNumber } from '../repository/number-ranges.ts';
import { isAfter } from '../trust/chain-tip.ts';
import { foreignPoint } from '../trust/trusted-tip.ts';

/** A pack that points need, and the envelopes beside it. */
export interface PackUse extends Use {
  readonly pack: FileReference;
}

/** A payload that points need. */
export interface BlobUse extends Use {
  readonly epoch: number;
  readonly blobId: Uint8Array;
  readonly partSize: number;
  readonly sealedLength: number;
  readonly digest: Uint8Array;
}

/** The points of a destination that can be read, and the files that these need. */
export interface ReachableFiles {
  /** The newest first. */
  readonly points: readonly FoundPoint[];
  /** Those of the newest point first. */
  readonly pages: readonly IndexPage[];
  /** By their names. */
  readonly packs: ReadonlyMap<string, PackUse>;
  /** By what the names of their parts start with. */
  readonly blobs: ReadonlyMap<string, BlobUse>;
}

/** The points that can be read. Points that are missing between them, and were not removed on purpose, are findings. */
async function readPoints(
  backup: OpenedBackup,
  findings: Findings,
  signal: AbortSignal | undefined,
): Promise<FoundPoint[]> {
  const { recoveryPoints, copy } = backup;
  const numbers = await recoveryPoints.numbers(signal, (name) =>
    findings.add('damaged', name, damagedFile(name, 'no backup writes a file of this name').message),
  );
  const found: FoundPoint[] = [];
  for (const [at, number] of numbers.entries()) {
    findings.progress('reading snapshots', at, numbers.length);
    await findings.check(pointName(number), usedBy(number), async () => {
      found.push(await recoveryPoints.read(number, signal));
      findings.count();
    });
  }
  const [newest] = found;
  if (newest === undefined) {
    if (numbers.length === 0) findings.add('missing', 's/', 'no snapshot exists');
    return found;
  }
  // Any other writer can make names of points, so that names alone prove nothing.
  const own = found.filter((point) => !backup.isForeign(point));
  findMissing(own, numbers, findings);
  for (const [at, point] of found.entries()) {
    const before = found[at + 1];
    if (before?.number !== point.number - 1 || before.digest.equals(point.previous)) continue;
    const { message } = anotherPoint(before.number, point.number);
    findings.add('damaged', pointName(before.number), message, usedBy(before.number));
  }
  findForeign(backup, found, findings);
  const read = new Set(found.map(({ number }) => number));
  const damaged = numbers.filter((number) => !read.has(number)).map((number) => ({ number }));
  // All files that name them may be gone, too.
  const gone = backup.missesKnown({ newest: own[0], damaged }) ?? backup.missesNewest(newest.number);
  if (gone !== undefined) findings.add('rolled-back', BACKUP_AREAS.points, gone);
  if ((await newerThanKeys(backup, [newest], signal)) !== undefined) {
    const all = new Set(found.map(({ number }) => number));
    const use = { points: all, newest: newest.number, versions: newest.totals.versions };
    const message = `the object "keys" has generation ${copy.head.generation}, older than the newest snapshot (${newest.generation})`;
    findings.add('rolled-back', BACKUP_KEYS_NAME, message, use);
  }
  return found;
}

/** Points that were made with a retired key. */
function findForeign(backup: OpenedBackup, found: readonly FoundPoint[], findings: Findings): void {
  for (const point of found) {
    if (!backup.isForeign(point)) continue;
    const { message } = foreignPoint(point.number);
    findings.add('rolled-back', pointName(point.number), message, usedBy(point.number));
  }
}

/** Numbers below the newest point that neither exist nor were removed, nor skipped when the next point was made. */
function findMissing(own: readonly FoundPoint[], numbers: readonly number[], findings: Findings): void {
  const [newest] = own;
  if (newest === undefined) return;
  const there = numbers.filter((number) => number < newest.number).map((number) => ({ from: number, to: number }));
  const between = own.flatMap((point, at) => {
    const before = own[at + 1];
    return before !== undefined && isAfter(point, before) ? [{ from: before.number, to: point.number - 1 }] : [];
  });
  const known = [...there, ...between, ...newest.removed, { from: 0, to: 0 }].toSorted((a, b) => b.to - a.to);
  let before = newest.number;
  for (const { from, to } of known) {
    for (let number = before - 1; number > to; number--) {
      if (findings.isFull) {
        findings.addUnlisted(number - to);
        break;
      }
      const message = `snapshot ${number} is missing, and was not removed by a retention`;
      findings.add('missing', pointName(number), message, usedBy(number));
    }
    before = Math.min(before, from);
  }
}

/** Counts the uses of a page as uses of a pack or payload that it names. */
function addUse<U extends Use>(map: Map<string, U>, name: string, of: Use, more: Omit<U, keyof Use>): void {
  let use = map.get(name);
  if (use === undefined) {
    // Pages come from the newest point to the oldest.
    use = { ...more, newest: of.newest, points: new Set<number>(), versions: 0 } as unknown as U;
    map.set(name, use);
  }
  // What older points have is no other version.
  if (of.newest === use.newest) use.versions += 1;
  if (use.last === of) return;
  use.last = of;
  for (const number of of.points) use.points.add(number);
}

/**
 * Reads the points and the index of a backup, which name all other files. What is damaged or missing of them is a finding.
 *
 * @throws SecureStoreError what prevents reading
 */
export async function findReachable(
  backup: OpenedBackup,
  findings: Findings,
  signal?: AbortSignal,
): Promise<ReachableFiles> {
  const points = await readPoints(backup, findings, signal);
  const packs = new Map<string, PackUse>();
  const blobs = new Map<string, BlobUse>();
  const uses = new Map<string, Use & { readonly page: IndexPage }>();
  for (const { number, pages, others } of points) {
    for (const page of [...pages, ...others]) {
      const name = indexPageName(page);
      const use = uses.get(name) ?? { page, points: new Set<number>(), newest: number, versions: page.count };
      use.points.add(number);
      uses.set(name, use);
    }
  }
  let done = 0;
  for (const [name, use] of uses) {
    findings.progress('reading the index', done++, uses.size);
    await findings.check(name, use, async () => {
      for (const { pack, blob } of await backup.pages.read(use.page, signal)) {
        addUse(packs, packName(pack), use, { pack });
        if (blob !== undefined) addUse(blobs, backupBlobPrefix(blob.epoch, blob.blobId), use, blob);
      }
      findings.count();
    });
  }
  return { points, pages: [...uses.values()].map(({ page }) => page), packs, blobs };
}

/** The name in a token; `undefined` if only the record has it, which may be damaged. */
function nameIn({ copy }: OpenedBackup, token: string): string | undefined {
  try {
    return copy.nameIn(token);
  } catch (error) {
    if (SecureStoreError.is(error, 'INTEGRITY')) return undefined;
    throw error;
  }
}

/**
 * Notes in the uses of damaged files which objects need these, as far as the index tells their names. A backup that is whole costs nothing
 * for it.
 */
async function noteAffected(
  backup: OpenedBackup,
  { pages, packs, blobs }: ReachableFiles,
  damaged: ReadonlySet<Use>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const isWanted = (use: Use | undefined): use is Use =>
    use !== undefined && damaged.has(use) && (use.keys?.size ?? 0) < MAX_SHOWN;
  for (const page of pages) {
    if (![...damaged].some(isWanted)) return;
    // A page that is damaged is among the findings itself.
    for (const { kind, token, pack, blob } of await withFallback(isDamage, [], () => backup.pages.read(page, signal))) {
      if (kind === 'other') continue;
      const ofBlob = blob && blobs.get(backupBlobPrefix(blob.epoch, blob.blobId));
      for (const use of [packs.get(packName(pack)), ofBlob]) {
        if (!isWanted(use)) continue;
        const name = nameIn(backup, token);
        if (name !== undefined) (use.keys ??= new Set()).add(name);
      }
    }
  }
}

/** The report, with the names of the objects that findings affect. @throws SecureStoreError what the backend throws */
export async function reportOf(
  backup: OpenedBackup,
  findings: Findings,
  reachable: ReachableFiles,
  { depth, opened }: { readonly depth: VerifyDepth; readonly opened: number },
  signal: AbortSignal | undefined,
): Promise<BackupVerifyReport> {
  await noteAffected(backup, reachable, findings.uses, signal);
  // A point that only records a removal shows the same store as the one before.
  const snapshots = reachable.points.filter(({ collects }) => !collects).length;
  return findings.report(depth, snapshots, opened);
}

/** Whether all of some points were removed on purpose, by the newest point that exists now. */
export function removalsOf(
  { recoveryPoints }: OpenedBackup,
  signal: AbortSignal | undefined,
): (numbers: ReadonlySet<number>) => Promise<boolean> {
  return async (numbers) => {
    // If the newest point is damaged, that is a finding, and its list is not known.
    const removed = await withFallback(isDamage, [], () => recoveryPoints.removedNumbers(signal));
    return [...numbers].every((number) => includesNumber(removed, number));
  };
}
