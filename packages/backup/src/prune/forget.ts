import type { NumberRange } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects/internal';
import type { Destination } from '../repository/destination.ts';
import { isConflict, isRefused, noSnapshot, withRetries } from '../repository/errors.ts';
import { IndexPages } from '../repository/index-pages.ts';
import type { Newest } from '../trust/key-change-points.ts';
import { expectedTips, publishRepeat } from '../trust/key-change-points.ts';
import type { DamagedPoint, FoundPoint } from '../repository/snapshots.ts';
import { Points } from '../repository/snapshots.ts';
import { evidenceOf, tipOf, trustTip, trustedTipAt, rolledBack } from '../trust/trusted-tip.ts';
import type { RefusedRemoval } from '../repository/tolerant-delete.ts';
import { TolerantDeleter } from '../repository/tolerant-delete.ts';
import { readContents, planRemoval, removalBlocked } from './prune-plan.ts';
import { reachableFrom, removePoints, removeUnneeded } from './unneeded-files.ts';
import { includesNumber, withNumbers, withoutNumbers } from '../repository/number-ranges.ts';
import { freeAfter, readChainTip } from '../trust/chain-tip.ts';
import { indexAt } from '../trust/point-index.ts';

const MAX_TRIES = 4;

/** What was removed from a destination. */
export interface ForgetReport {
  /** Numbers of the points that are gone. */
  readonly removed: readonly number[];
  /** Numbers of those that stay, the newest first. */
  readonly kept: readonly number[];
  /** Files that nothing needs any more, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  /** What the destination refused to remove; absent if all was removed. */
  readonly refused?: RefusedRemoval;
}

/**
 * Removes points, and the files that only they need. It first publishes a point that says so: a run that is under way finds its
 * number taken, and starts again, so it loses nothing, whatever the clocks say.
 *
 * @param choose which points are removed; the newest stays in any case, and what others build on. Damaged ones are removed if they
 *   are among them, and with them the changes that build on them
 * @throws SecureStoreError `NOT_FOUND` if there are no points; `INTEGRITY` if one of those that stay can't be read: then no file
 *   is removed; `CONFLICT`; `ACCESS_DENIED`, `READ_ONLY` if nothing may be removed: then nothing is announced either; what the
 *   backend throws
 */
export async function forgetPoints(
  area: BackupArea,
  destination: Destination,
  choose: (points: readonly FoundPoint[]) => ReadonlySet<number> | Promise<ReadonlySet<number>>,
  signal?: AbortSignal,
): Promise<ForgetReport> {
  const points = new Points(destination, area.seals);
  return withRetries(isConflict, MAX_TRIES, () => forgetOnce(area, destination, points, choose, signal));
}

async function forgetOnce(
  area: BackupArea,
  destination: Destination,
  points: Points,
  choose: (points: readonly FoundPoint[]) => ReadonlySet<number> | Promise<ReadonlySet<number>>,
  signal: AbortSignal | undefined,
): Promise<ForgetReport> {
  // Read first: another run may publish in between.
  const evidence = evidenceOf(area, destination, await trustedTipAt(area, destination, signal));
  const tip = await readChainTip(points, evidence, signal);
  const { newest } = tip;
  // The next one after a damaged one is a snapshot, which reads the whole store.
  if (tip.damaged.length > 0) throw removalBlocked(destination, tip.damaged, 'make-snapshot');
  if (newest === undefined) throw noSnapshot(destination);
  // The note below would be the newest from then on, and hide what is missing.
  const alarm = rolledBack(destination, evidence.trusted, newest);
  if (alarm !== undefined) {
    throw new SecureStoreError('ROLLBACK', `${alarm.message}. Nothing was removed.`, {
      advice: [
        { id: 'check-writers', url: destination.url },
        { id: 'make-snapshot', destination: destination.url },
      ],
    });
  }
  const contents = await readContents(points, newest, tip, evidence, signal);
  const { found, never } = contents;
  // A point of an earlier removal only repeats the one before it.
  const own = found.filter(({ collects, number }) => !collects && !includesNumber(newest.removed, number));
  const chosen = await choose(own);
  const { gone, isNeeded, isLost } = planRemoval(destination, newest, contents, own, chosen);
  const numbers = gone.map(({ number }) => number);
  const deleter = new TolerantDeleter(destination);
  try {
    await deleter.probe(signal);
  } catch (error) {
    // What earlier runs have left behind, and what never was a point, was not chosen.
    const isUnasked = (one: FoundPoint | DamagedPoint): boolean =>
      ('collects' in one && one.collects) || never.some(({ number }) => number === one.number && !chosen.has(number));
    if (!isRefused(error) || !gone.every(isUnasked)) throw error;
    const refused = deleter.report([], 0);
    return { removed: [], kept: found.map(({ number }) => number), files: 0, bytes: 0, ...(refused && { refused }) };
  }
  const next = freeAfter(newest.number, tip);
  // A file that has the name of a later point is not missed.
  const all = withNumbers(
    newest.removed,
    numbers.filter((number) => number < next),
  );
  const known = expectedTips(evidence, newest);
  const publish = async (before: Newest, removed: readonly NumberRange[]): Promise<FoundPoint> => {
    const published = await publishRepeat(area, destination, points, before, { removed, collects: true }, signal);
    const isFirst = before.newest === newest;
    if (known === undefined) return published;
    await trustTip(area, destination, tipOf(published), isFirst ? known : [tipOf(before.newest)], signal);
    return published;
  };
  let note = await publish({ newest, next }, all);
  const left = await removePoints(gone, deleter, signal);
  const stay = new Set(found.filter((one) => left.has(one.number) && !isLost(one)).map(({ number }) => number));
  const kept = [note, ...found.filter((one) => isNeeded(one) || stay.has(one.number))].map(({ number }) => number);
  if (stay.size > 0) {
    // What a lock of the backend holds is no longer marked as removed, and can be restored.
    note = await publish({ newest: note, next: freeAfter(note.number, tip) }, withoutNumbers(all, stay));
    kept.unshift(note.number);
  }
  const pages = new IndexPages(destination, area.seals);
  // Read before anything is removed: the files that a damaged index needs are not known.
  await indexAt(points, pages, note, signal);
  const reachable = await reachableFrom(points, pages, kept, signal);
  const { left: files, ...removed } = await removeUnneeded(destination, note.number, reachable, deleter, signal);
  const told = own.filter(({ number }) => stay.has(number)).map(({ number }) => number);
  const refused = deleter.report(told, files);
  return { removed: numbers.filter((number) => !left.has(number)), kept, ...removed, ...(refused && { refused }) };
}
