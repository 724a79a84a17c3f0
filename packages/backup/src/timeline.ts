import type { IndexEntry, PointTotals } from '@securestore/core-format';
import { pointName, SecureStoreError } from '@securestore/core-format';
import { damagedFile } from './files.ts';
import type { IndexPages } from './index-pages.ts';
import { IndexSet } from './index-set.ts';
import type { DamagedPoint, FoundPoint, Points } from './points.ts';

/** More changed objects than this between two snapshots are not looked at in memory. */
const MAX_CHANGED = 500_000;

/** An index, and what its pages alone hold. */
export interface FoundIndex {
  readonly index: IndexSet;
  readonly totals: PointTotals;
}

/**
 * A point and all that it builds on, the oldest first. Each names the one before it, so that what was put in the place of one of them later
 * is no part of it, whoever has the key of that time.
 *
 * @throws SecureStoreError as {@link indexAt}
 */
async function chainTo(points: Points, point: FoundPoint, signal: AbortSignal | undefined): Promise<FoundPoint[]> {
  const chain = [point];
  let after = point;
  for (let number = point.number - 1; number >= point.base; number--) {
    const one = await points.read(number, signal);
    if (!one.digest.equals(after.previous)) {
      const message = `another point lies there than the one that ${after.number} follows`;
      throw damagedFile(pointName(number), message);
    }
    chain.push(one);
    after = one;
  }
  return chain.toReversed();
}

/**
 * The index of a point: that of the snapshot which it builds on, and the changes since.
 *
 * @returns it, and that snapshot
 * @throws SecureStoreError `INTEGRITY` where something of it is missing or damaged; what the backend throws
 */
export async function indexAt(
  points: Points,
  pages: IndexPages,
  point: FoundPoint,
  signal?: AbortSignal,
): Promise<FoundIndex & { readonly snapshot: FoundPoint }> {
  // What has been forgotten since is left out by the next whole index: so a point never changes.
  const rule = { history: point.history, now: point.time, floor: 0 };
  if (point.kind === 'snapshot') {
    return { index: new IndexSet(pages, point.pages, new Map(), rule), totals: point.totals, snapshot: point };
  }
  const between = await chainTo(points, point, signal);
  const base = between.shift();
  if (base?.kind !== 'snapshot') throw new SecureStoreError('INTEGRITY', `point ${point.number} builds on no snapshot`);
  const changes = new Map<string, IndexEntry[]>();
  for (const one of between) {
    // Made by a retention in between: it has the same index as the one before.
    if (one.kind === 'snapshot') continue;
    for (const page of one.pages) {
      for (const entry of await pages.read(page, signal)) {
        const others = changes.get(entry.token);
        if (others === undefined) changes.set(entry.token, [entry]);
        else others.push(entry);
      }
    }
    if (changes.size > MAX_CHANGED) {
      throw new SecureStoreError(
        'TOO_LARGE',
        `too much has changed between the points ${point.base} and ${point.number}`,
      );
    }
  }
  return { index: new IndexSet(pages, base.pages, changes, rule), totals: base.totals, snapshot: base };
}

/**
 * The last point that is not after a moment, among those with these numbers, the newest first; `undefined` where all are after it.
 *
 * Points that are damaged are passed over, unless one of them may be the one that is meant.
 *
 * @throws SecureStoreError `INTEGRITY` where it can't be told, since the one that may be meant is damaged; what the backend throws
 */
export async function pointAt(
  points: Points,
  numbers: readonly number[],
  time: number,
  signal?: AbortSignal,
): Promise<FoundPoint | undefined> {
  // None is after the end of time, and what is wrong with others matters to nobody then.
  if (time === Infinity) return numbers[0] === undefined ? undefined : points.read(numbers[0], signal);
  const whole = [...numbers];
  const damaged: DamagedPoint[] = [];
  // Points are in the order of their times.
  let [low, high] = [0, whole.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const point = await points.readOrDamaged(whole[middle] ?? 0, signal);
    if ('error' in point) {
      damaged.push(point);
      whole.splice(middle, 1);
      high -= 1;
    } else if (point.time > time) low = middle + 1;
    else high = middle;
  }
  const [number, after] = [whole[low], whole[low - 1] ?? Infinity];
  const found = number === undefined ? undefined : await points.read(number, signal);
  const between = damaged.find((one) => one.number > (number ?? 0) && one.number < after);
  // Of that very moment there is nothing else to say.
  if (between !== undefined && found?.time !== time) throw undecided(between, number);
  return found;
}

function undecided({ number, error }: DamagedPoint, before: number | undefined): SecureStoreError {
  const advice = before === undefined ? 'there is none before it' : `the last whole one before it is ${before}`;
  return new SecureStoreError(
    'INTEGRITY',
    `snapshot ${number}, which may be the one that is asked for, is damaged (${error.message}); ${advice}. Choose one by its number`,
    { cause: error },
  );
}
