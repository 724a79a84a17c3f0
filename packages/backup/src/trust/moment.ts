import { SecureStoreError } from '@securestore/core-format';
import type { Reached } from './replication-status.ts';
import type { FoundPoint, Points } from '../repository/snapshots.ts';
import { matchesTip } from './trusted-tip.ts';
import type { SnapshotInfo } from '../repository/snapshot-info.ts';
import { infoOf } from '../repository/snapshot-info.ts';
import { isAfter } from './chain-tip.ts';
import { isUnchanged, tellsAllSince } from './recovery-windows.ts';
import { restoredAfter } from './restore-label.ts';
import type { Destination } from '../repository/destination.ts';

/** A time of which a backup has only the state at its beginning. */
export interface RecoveryGap {
  readonly from: Date;
  /** Absent if the backup ends at `from`. */
  readonly to?: Date;
}

/** The recovery point that a choice means. */
export interface FoundMoment {
  /** The number of the last point that is not after it. */
  readonly number: number;
  /** The time of that point. Times are milliseconds since 1970 by the clock of the store's backend. */
  readonly from: number;
  /** What is restored is of this time: in a gap, of its beginning. */
  readonly time: number;
  /** The point whose index has everything that was acknowledged before `time`. */
  readonly point: FoundPoint;
  /** If `point` has more than that: versions that carry this time or a later one are left out. */
  readonly until?: number;
  /** The last point of which every version counts, whatever time it carries; absent if there is none. */
  readonly settled?: FoundPoint;
  /** The gap that the moment is in. */
  readonly gap?: RecoveryGap;
  /** The number of a newer snapshot that was made before a restore, if nothing was chosen. */
  readonly passedOver?: number;
}

/** An id that differs if the contents do. */
export function momentId({ point, until }: FoundMoment): string {
  return `${point.number} ${until ?? ''}`;
}

/** A point with all that it has. */
export function wholePoint(point: FoundPoint): FoundMoment {
  const { number, time } = point;
  return { number, from: time, time, point };
}

/** What is read or restored of a backup: `time` is that of what was chosen, and in a gap that of its beginning. */
export interface ChosenSnapshot extends SnapshotInfo {
  /** The gap that the moment which was chosen is in. */
  readonly gap?: RecoveryGap;
}

/** The description of what was chosen. */
export function chosenOf({ number, time, point, gap }: FoundMoment): ChosenSnapshot {
  return { ...infoOf(point), number, time: new Date(time), ...(gap && { gap }) };
}

/** What is needed to find recovery points. */
interface MomentPorts {
  readonly points: Points;
  /** Of all points, the newest first. */
  readonly numbers: readonly number[];
  /** Tells points that are not the store's own. */
  readonly isForeign: (point: FoundPoint) => boolean;
  /** Up to when it is known that nothing has changed since the newest point. */
  readonly reached: () => Promise<Reached | undefined>;
  readonly signal: AbortSignal | undefined;
}

/** What comes after a point. */
interface Next {
  /** The next point that says something of the store. */
  readonly point?: FoundPoint;
  /** Whether every time until then can be restored. */
  readonly isJoined: boolean;
  /** The newest point, if no other one says something of the store. */
  readonly newest: FoundPoint;
}

async function nextAfter(last: FoundPoint, ports: MomentPorts): Promise<Next> {
  const { points, numbers, isForeign, signal } = ports;
  let [before, isJoined] = [last, true];
  for (const number of numbers.filter((one) => one > last.number).toReversed()) {
    const point = await points.readOrDamaged(number, signal);
    // A damaged point shows by the chain, in which it is missing.
    if ('error' in point || isForeign(point)) continue;
    if (!point.collects) {
      return { point, isJoined: isJoined && tellsAllSince(last.time, point, before), newest: point };
    }
    isJoined &&= isAfter(point, before);
    before = point;
  }
  return { isJoined, newest: before };
}

/** The newest point, not after `last`, of which everything was begun before a moment by the clock of any server. */
async function settledBefore(last: FoundPoint, at: number, ports: MomentPorts): Promise<FoundPoint | undefined> {
  const { points, numbers, signal } = ports;
  const isSettled = ({ time, skew }: FoundPoint): boolean => time + 2 * skew <= at;
  let after = last;
  for (const number of numbers.filter((one) => one < last.number)) {
    if (isSettled(after)) break;
    const before = await points.readOrDamaged(number, signal);
    if ('error' in before) continue;
    if (!isAfter(after, before)) return undefined;
    after = before;
  }
  return isSettled(after) ? after : undefined;
}

/**
 * What is restored of a moment. The point before it lacks what was acknowledged in between, so it is the next one, without the versions
 * that carry a later time; so far as servers disagree about the time, a point also has what was begun after its own.
 *
 * @param last the last point that is not after the moment
 * @param at in milliseconds since 1970
 * @throws SecureStoreError what the backend throws
 */
export async function momentAfter(last: FoundPoint, at: number, ports: MomentPorts): Promise<FoundMoment> {
  const settled = await settledBefore(last, at, ports);
  const cutOff = (point: FoundPoint): FoundMoment => {
    const of = { number: last.number, from: last.time, time: at };
    // Nothing is to be left out of a point that has nothing from after the moment.
    if (settled === last && (point === last || isUnchanged(point, last))) return { ...of, point: last };
    return { ...of, point, until: at, ...(settled && { settled }) };
  };
  if (last.time === at) return cutOff(last);
  const next = await nextAfter(last, ports);
  if (next.point !== undefined && next.isJoined) return cutOff(next.point);
  const reached = next.point === undefined ? await ports.reached() : undefined;
  const isKnown = reached !== undefined && next.isJoined && matchesTip(reached.point, next.newest);
  const end = isKnown ? Math.max(last.time, reached.time) : last.time;
  if (at <= end) return cutOff(last);
  const to = next.point && new Date(next.point.time);
  return { ...cutOff(last), time: end, gap: { from: new Date(end), ...(to && { to }) } };
}

function gapWarning(gap: RecoveryGap, at: Date): string {
  const [from, asked] = [gap.from.toISOString(), at.toISOString()];
  const what =
    gap.to === undefined
      ? `the backup ends at ${from}`
      : `the backup has a gap between ${from} and ${gap.to.toISOString()}`;
  return `${what}. The store of ${from} is restored, without changes from then until ${asked}.`;
}

/** The warnings about what was chosen, before it is restored. @param at the time that was asked for */
export function momentWarnings(url: string, { gap, passedOver }: FoundMoment, at: Date | undefined): string[] {
  const warnings = [
    ...(gap === undefined || at === undefined ? [] : [gapWarning(gap, at)]),
    ...(passedOver === undefined
      ? []
      : [`snapshot ${passedOver} is newer, and was skipped: a restore made it of what it replaced`]),
  ];
  return warnings.map((warning) => `${url}: ${warning}`);
}

/**
 * What is meant if nothing is chosen: the newest point that was not made before a restore. A restore that is repeated would undo the first
 * one otherwise.
 *
 * @param before finds the point before another one
 * @throws SecureStoreError `NOT_FOUND` if there is no such point; what `before` throws
 */
export async function momentByDefault(
  { url }: Pick<Destination, 'url'>,
  newest: FoundPoint,
  before: (point: FoundPoint) => Promise<FoundPoint | undefined>,
): Promise<FoundMoment> {
  let point = newest;
  while (restoredAfter(point.label) !== undefined) {
    const found = await before(point);
    if (found === undefined) {
      throw new SecureStoreError(
        'NOT_FOUND',
        `${url} has only snapshots that restores made of what they replaced, such as ${newest.number}`,
        { advice: [{ id: 'choose-snapshot', destination: url }] },
      );
    }
    point = found;
  }
  return { ...wholePoint(point), ...(point !== newest && { passedOver: newest.number }) };
}
