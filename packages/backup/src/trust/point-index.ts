import type { IndexEntry, PointTotals } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import { anotherPoint } from '../repository/errors.ts';
import type { IndexPages } from '../repository/index-pages.ts';
import { IndexSet } from '../repository/index-set.ts';
import type { FoundMoment } from './moment.ts';
import type { IndexView } from '../repository/moment-index.ts';
import { indexBefore } from '../repository/moment-index.ts';
import type { DamagedPoint, FoundPoint, Points } from '../repository/snapshots.ts';
import { includesNumber } from '../repository/number-ranges.ts';
import type { HistoryRule } from '../repository/retained.ts';
import { isAfter } from './chain-tip.ts';

/** The most changed objects between two snapshots that are held in memory. */
const MAX_CHANGED = 500_000;

/** An index, and what its pages alone hold. */
export interface FoundIndex {
  readonly index: IndexSet;
  readonly totals: PointTotals;
}

/**
 * A point and all that it builds on, the oldest first. Each names the one before it, so that a point that replaced one of them later is
 * no part of the chain, even if it was made with the key of that time.
 *
 * @throws SecureStoreError as {@link indexAt}
 */
async function chainTo(points: Points, point: FoundPoint, signal: AbortSignal | undefined): Promise<FoundPoint[]> {
  const chain = [point];
  let after = point;
  // Other files with the name of a point in between are none of them.
  let wrong: SecureStoreError | undefined;
  for (let number = point.number - 1; number >= point.base; number--) {
    const one = await points.readOrDamaged(number, signal);
    if ('error' in one) wrong ??= one.error;
    else if (!one.digest.equals(after.previous)) wrong ??= anotherPoint(number, after.number);
    else {
      chain.push(one);
      after = one;
      wrong = undefined;
    }
  }
  if (wrong !== undefined) throw wrong;
  return chain.toReversed();
}

/** The index of a point, the snapshot that it builds on, and the index of a point in between. */
interface FoundIndexes extends FoundIndex {
  readonly snapshot: FoundPoint;
  readonly between?: IndexSet;
}

/** The rule that decides which versions a point has: the next whole index leaves out forgotten ones, so that it never changes. */
function ruleOf({ history, time }: FoundPoint): HistoryRule {
  return { history, now: time, floor: 0 };
}

/**
 * The index of a point: that of the snapshot which it builds on, and the changes since.
 *
 * @param between a point before it, whose index is wanted too if the same snapshot leads to it
 * @throws SecureStoreError `INTEGRITY` if something of it is missing or damaged; what the backend throws
 */
export async function indexAt(
  points: Points,
  pages: IndexPages,
  point: FoundPoint,
  signal?: AbortSignal,
  between?: FoundPoint,
): Promise<FoundIndexes> {
  if (point.kind === 'snapshot') {
    return { index: new IndexSet(pages, point.pages, new Map(), ruleOf(point)), totals: point.totals, snapshot: point };
  }
  const chain = await chainTo(points, point, signal);
  const [base] = chain;
  if (base?.kind !== 'snapshot')
    throw new SecureStoreError('INTEGRITY', `snapshot ${point.number} has no snapshot to build on`, {
      advice: [{ id: 'verify-backup' }, { id: 'choose-snapshot' }],
    });
  const indexOf = (of: FoundPoint, changed: Map<string, IndexEntry[]>): IndexSet =>
    new IndexSet(pages, base.pages, changed, ruleOf(of));
  const changes = new Map<string, IndexEntry[]>();
  let indexBetween: IndexSet | undefined;
  for (const one of chain) {
    // The pages of a snapshot are those of the base, or, of one that a retention made in between, the same as those.
    for (const page of one.kind === 'snapshot' ? [] : one.pages) {
      for (const entry of await pages.read(page, signal)) {
        const others = changes.get(entry.token);
        if (others === undefined) changes.set(entry.token, [entry]);
        else others.push(entry);
      }
    }
    if (changes.size > MAX_CHANGED) {
      throw new SecureStoreError(
        'TOO_LARGE',
        `${changes.size} objects have changed between snapshots ${point.base} and ${point.number}, the limit is ${MAX_CHANGED}`,
        { advice: [{ id: 'choose-snapshot' }] },
      );
    }
    if (one.number !== between?.number) continue;
    indexBetween = indexOf(between, new Map([...changes].map(([token, entries]) => [token, [...entries]])));
  }
  const index = indexOf(point, changes);
  return { index, totals: base.totals, snapshot: base, ...(indexBetween && { between: indexBetween }) };
}

/** The index of a moment, and the snapshot that it builds on. @throws SecureStoreError as {@link indexAt} */
export async function indexOfMoment(
  points: Points,
  pages: IndexPages,
  { point, until, settled }: FoundMoment,
  signal?: AbortSignal,
): Promise<{ readonly index: IndexView; readonly snapshot: FoundPoint }> {
  const { index, snapshot, between } = await indexAt(points, pages, point, signal, settled);
  if (until === undefined) return { index, snapshot };
  const before = between ?? (settled && (await indexAt(points, pages, settled, signal)).index);
  return { index: indexBefore(index, { until, settled: before, rule: ruleOf(point) }), snapshot };
}

/** The time of the store's own newest point, of the whole ones; `Infinity` if there is none. @throws as {@link Points.readOrDamaged} */
async function newestTime(
  points: Points,
  numbers: readonly number[],
  isForeign: (point: FoundPoint) => boolean,
  signal: AbortSignal | undefined,
): Promise<number> {
  for (const number of numbers) {
    const point = await points.readOrDamaged(number, signal);
    if (!('error' in point) && !isForeign(point)) return point.time;
  }
  return Infinity;
}

/**
 * The last point that is not after a moment, among those with these numbers, the newest first; `undefined` if all are after it.
 *
 * Damaged points are skipped, unless one may be the point that is meant: it is not if it was marked as removed, or if one point names the
 * one before, with none in between.
 *
 * @param isForeign tells points that are not the store's own: they are passed over, and may say any time
 * @throws SecureStoreError `INTEGRITY` if the one that may be meant is damaged; what the backend throws
 */
export async function pointAt(
  points: Points,
  numbers: readonly number[],
  time: number,
  isForeign: (point: FoundPoint) => boolean,
  signal?: AbortSignal,
): Promise<FoundPoint | undefined> {
  const whole = [...numbers];
  const damaged: DamagedPoint[] = [];
  let after: FoundPoint | undefined;
  let found: FoundPoint | undefined;
  const newest = time === Infinity ? Infinity : await newestTime(points, numbers, isForeign, signal);
  // The points of the store are in the order of their times, and none is after the end of time.
  let [low, high] = [0, time === Infinity ? Math.min(1, whole.length) : whole.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const point = await points.readOrDamaged(whole[middle] ?? 0, signal);
    // One that is later than the newest is from before a clock was set back: its time is wrong, and out of order.
    if ('error' in point || isForeign(point) || point.time > newest) {
      if ('error' in point) damaged.push(point);
      whole.splice(middle, 1);
      high = time === Infinity ? Math.min(1, whole.length) : high - 1;
    } else if (point.time > time) {
      low = middle + 1;
      after = point;
    } else {
      high = middle;
      found = point;
    }
  }
  const isBetween = ({ number }: DamagedPoint): boolean =>
    number > (found?.number ?? 0) && number < (after?.number ?? Infinity);
  // Of that very moment there is nothing else to say.
  if (found?.time === time || !damaged.some(isBetween)) return found;
  if (found !== undefined && after !== undefined && isAfter(after, found)) return found;
  const removed = await points.removedNumbers(signal);
  const between = damaged.find((one) => isBetween(one) && !includesNumber(removed, one.number));
  if (between !== undefined) throw undecided(between, found?.number);
  return found;
}

function undecided({ number, error }: DamagedPoint, before: number | undefined): SecureStoreError {
  const last =
    before === undefined ? 'No undamaged one is before it.' : `The last undamaged one before it is ${before}.`;
  return new SecureStoreError(
    'INTEGRITY',
    `snapshot ${number}, which may be the one to restore, is damaged: ${error.message.replace(/\.$/, '')}. ${last}`,
    { cause: error, advice: [{ id: 'choose-snapshot' }, { id: 'verify-backup' }] },
  );
}
