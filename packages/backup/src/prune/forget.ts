import type { NumberRange } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects/internal';
import type { Destination } from '../repository/destination.ts';
import { isConflict, isRefused, withRetries } from '../repository/errors.ts';
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
  /** What the place did not let go; absent if all went that was to go. */
  readonly refused?: RefusedRemoval;
}

/**
 * Removes points, and what then nothing needs any more. It first publishes a point that says so: a run that is under way finds its
 * number taken, and begins anew, so nothing is taken from it. Whatever the clocks say.
 *
 * @param choose which are to go, of those that there are; the newest stays in any case, and what others build on. Damaged ones go where they
 *   are among them, and with them the changes that build on them
 * @throws SecureStoreError `NOT_FOUND` if there are no points; `INTEGRITY` if one of those that stay can't be read: then nothing
 *   of the files goes; `CONFLICT`; `ACCESS_DENIED`, `READ_ONLY` if nothing may be removed: then nothing is announced either; what the
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
  // Asked first: another run may publish in between.
  const evidence = evidenceOf(area, destination, await trustedTipAt(area, destination, signal));
  const tip = await readChainTip(points, evidence, signal);
  const { newest } = tip;
  // What follows a damaged one is a snapshot, which looks at the whole store.
  if (tip.damaged.length > 0) throw removalBlocked(destination, tip.damaged, 'Make a snapshot');
  if (newest === undefined)
    throw new SecureStoreError('NOT_FOUND', `${destination.location}: there is no snapshot here yet`);
  // The note below would be the newest from then on, and what is missing would be missed by nobody.
  const alarm = rolledBack(destination, evidence.trusted, newest);
  if (alarm !== undefined) {
    throw new SecureStoreError(
      'ROLLBACK',
      `${alarm.message}; nothing was removed. Make a snapshot, which looks at the whole store`,
    );
  }
  const contents = await readContents(points, newest, tip, evidence, signal);
  const { found, never } = contents;
  // What an earlier removal has published says nothing of its own.
  const own = found.filter(({ collects, number }) => !collects && !includesNumber(newest.removed, number));
  const chosen = await choose(own);
  const { gone, isNeeded, isLost } = planRemoval(destination, newest, contents, own, chosen);
  const numbers = gone.map(({ number }) => number);
  const deleter = new TolerantDeleter(destination);
  try {
    await deleter.probe(signal);
  } catch (error) {
    // What the runs before have left behind, and what never was a point, nobody asked to go.
    const isUnasked = (one: FoundPoint | DamagedPoint): boolean =>
      ('collects' in one && one.collects) || never.some(({ number }) => number === one.number && !chosen.has(number));
    if (!isRefused(error) || !gone.every(isUnasked)) throw error;
    const refused = deleter.report([], 0);
    return { removed: [], kept: found.map(({ number }) => number), files: 0, bytes: 0, ...(refused && { refused }) };
  }
  const next = freeAfter(newest.number, tip);
  // What has the name of a later one nobody misses.
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
    // What is there for as long as a lock holds it is no longer said to be gone, and can be restored.
    note = await publish({ newest: note, next: freeAfter(note.number, tip) }, withoutNumbers(all, stay));
    kept.unshift(note.number);
  }
  const pages = new IndexPages(destination, area.seals);
  // Read before anything goes: of what can't be read nobody knows what it needs.
  await indexAt(points, pages, note, signal);
  const reachable = await reachableFrom(points, pages, kept, signal);
  const { left: files, ...removed } = await removeUnneeded(destination, note.number, reachable, deleter, signal);
  const told = own.filter(({ number }) => stay.has(number)).map(({ number }) => number);
  const refused = deleter.report(told, files);
  return { removed: numbers.filter((number) => !left.has(number)), kept, ...removed, ...(refused && { refused }) };
}
