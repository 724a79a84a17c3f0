import type { IndexPage } from '@securestore/core-format';
import {
  BACKUP_AREAS,
  backupBlobPrefix,
  blobDigestsName,
  indexPageName,
  packName,
  parseBackupBlobName,
  parseFileName,
  pointName,
} from '@securestore/core-format';
import { entriesUnder } from '@securestore/objects/internal';
import type { Destination } from '../repository/destination.ts';
import type { IndexPages } from '../repository/index-pages.ts';
import type { DamagedPoint, FoundPoint, Points } from '../repository/snapshots.ts';
import type { TolerantDeleter } from '../repository/tolerant-delete.ts';

/** What the remaining points need. */
export interface ReachableNames {
  readonly pages: Set<string>;
  readonly packs: Set<string>;
  readonly blobs: Set<string>;
}

/** Reads what points need. @throws SecureStoreError `INTEGRITY` if it can't be read; what the backend throws */
export async function reachableFrom(
  points: Points,
  pages: IndexPages,
  numbers: readonly number[],
  signal: AbortSignal | undefined,
): Promise<ReachableNames> {
  const reachable: ReachableNames = { pages: new Set(), packs: new Set(), blobs: new Set() };
  const add = async (list: readonly IndexPage[]): Promise<void> => {
    for (const page of list) {
      const name = indexPageName(page);
      // Points share most of their pages.
      if (reachable.pages.has(name)) continue;
      reachable.pages.add(name);
      for (const { pack, blob } of await pages.read(page, signal)) {
        reachable.packs.add(packName(pack));
        if (blob !== undefined) reachable.blobs.add(backupBlobPrefix(blob.epoch, blob.blobId));
      }
    }
  };
  for (const number of numbers) {
    signal?.throwIfAborted();
    const point = await points.readUnlessRemoved(number, signal);
    if (point === undefined) continue;
    await add(point.pages);
    await add(point.others);
  }
  return reachable;
}

/** Whether a file may go: nothing names it, and no run that can still be published has written it. */
function isUnneeded(name: string, epoch: number, reachable: ReachableNames): boolean {
  const file = parseFileName(name);
  if (file !== undefined && file.epoch <= epoch) {
    return file.area === BACKUP_AREAS.pages ? !reachable.pages.has(name) : !reachable.packs.has(packName(file));
  }
  const blob = parseBackupBlobName(name);
  // What no backup makes is no concern of ours.
  return blob !== undefined && blob.epoch <= epoch && !reachable.blobs.has(backupBlobPrefix(blob.epoch, blob.blobId));
}

/** What was removed. */
interface Removed {
  files: number;
  bytes: number;
  /** Files that were to go and are there still. */
  left: number;
}

/** Removes the files that nothing needs, of runs up to an epoch. @param deleter is told of those that can't be removed */
export async function removeUnneeded(
  { backend }: Destination,
  epoch: number,
  reachable: ReachableNames,
  deleter: TolerantDeleter,
  signal: AbortSignal | undefined,
): Promise<Readonly<Removed>> {
  const removed: Removed = { files: 0, bytes: 0, left: 0 };
  const unneeded = async function* (area: string): AsyncGenerator<{ readonly key: string; readonly size: number }> {
    deleter.begin();
    for await (const entry of entriesUnder(backend, area, { signal })) {
      signal?.throwIfAborted();
      if (isUnneeded(entry.key, epoch, reachable)) yield entry;
    }
  };
  const remove = async (key: string, size: number): Promise<boolean> => {
    const isGone = await deleter.remove(key, signal);
    if (isGone) removed.files += 1;
    if (isGone) removed.bytes += size;
    else removed.left += 1;
    return isGone;
  };
  const { pages, packs, envelopes, blobs } = BACKUP_AREAS;
  for await (const { key, size } of unneeded(pages)) await remove(key, size);
  const packsLeft = new Set<string>();
  for await (const { key, size } of unneeded(packs)) if (!(await remove(key, size))) packsLeft.add(key);
  for await (const { key, size } of unneeded(envelopes)) {
    const file = parseFileName(key);
    // Without them the pack that could not be removed would look damaged.
    if (file !== undefined && packsLeft.has(packName(file))) removed.left += 1;
    else await remove(key, size);
  }
  let leaving: string | undefined;
  let isRefused = false;
  for await (const { key, size } of unneeded(blobs)) {
    const blob = parseBackupBlobName(key);
    const list = blob && blobDigestsName(blob.epoch, blob.blobId);
    // First what says that parts have to be there: as long as it is, they stay.
    if (list !== undefined && list !== leaving) isRefused = !(await deleter.remove(list, signal));
    leaving = list;
    if (isRefused) removed.left += 1;
    else await remove(key, size);
  }
  return removed;
}

/** Points of which the later ones build on the earlier ones, the oldest first. */
type Chain = readonly number[];

/** What is to go, the oldest first: a snapshot together with the changes that build on it. */
function chainsOf(gone: readonly (FoundPoint | DamagedPoint)[]): Chain[] {
  const chains = new Map<number, number[]>();
  for (const point of gone.toSorted((a, b) => a.number - b.number)) {
    const base = 'base' in point ? point.base : point.number;
    const chain = chains.get(base);
    if (chain === undefined) chains.set(base, [point.number]);
    else chain.push(point.number);
  }
  return [...chains.values()];
}

/**
 * Removes points. Of one that the place does not let go, all that it builds on stays.
 *
 * @returns the numbers of those that stay, and can be restored as before
 * @throws SecureStoreError what the backend throws
 */
export async function removePoints(
  gone: readonly (FoundPoint | DamagedPoint)[],
  deleter: TolerantDeleter,
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<number>> {
  const remaining = new Set<number>();
  for (const chain of chainsOf(gone)) {
    let isHeld = false;
    for (const number of chain.toReversed()) {
      isHeld ||= !(await deleter.remove(pointName(number), signal));
      if (isHeld) remaining.add(number);
    }
  }
  return remaining;
}
