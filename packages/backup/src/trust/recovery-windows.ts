import { asBuffer } from '@securestore/core-format';
import type { Reached } from './replication-status.ts';
import type { FoundPoint } from '../repository/snapshots.ts';
import { matchesTip } from './trusted-tip.ts';
import { isAfter } from './chain-tip.ts';

/**
 * Points with changes that are further apart than this, in milliseconds, are moments by themselves: a continuous backup publishes one a
 * minute at least.
 */
const APART: number = 2 * 60 * 1000;

/** A span of time of which every moment can be restored, to the cut before it; or one moment. */
export interface RecoveryWindow {
  readonly from: Date;
  readonly to: Date;
  readonly recoveryPoints: number;
}

/** Whether a point shows that nothing has changed since the one before it. */
export function isUnchanged({ kind, pages, added, instance }: FoundPoint, before: FoundPoint): boolean {
  if (!asBuffer(instance).equals(before.instance)) return false;
  return kind === 'changes' ? pages.length === 0 : added.versions === 0;
}

/**
 * What can be restored. Between windows nothing is known but what the last point before says. Points belong to one window where each
 * names the one before it, and tells all that has happened in between.
 *
 * @param points the store's own, the newest first, with those that only repeat the one before
 * @param reached up to when it is known that nothing has changed since the newest point
 * @returns the newest first
 */
export function windowsOf(points: readonly FoundPoint[], reached?: Reached): RecoveryWindow[] {
  const windows: { from: Date; to: Date; recoveryPoints: number }[] = [];
  let before: FoundPoint | undefined;
  // Whether the last window goes up to it.
  let isJoined = false;
  for (const point of points.toReversed()) {
    const isNext = before !== undefined && isAfter(point, before);
    // Changes are nothing without all that they build on.
    if (point.kind === 'changes' && !(isNext && point.base === before?.base)) continue;
    const last = windows.at(-1);
    if (point.collects) isJoined &&= isNext;
    else if (
      last !== undefined &&
      before !== undefined &&
      isJoined &&
      tellsAllSince(last.to.getTime(), point, before)
    ) {
      last.to = new Date(point.time);
      last.recoveryPoints += 1;
    } else {
      windows.push({ from: new Date(point.time), to: new Date(point.time), recoveryPoints: 1 });
      isJoined = true;
    }
    before = point;
  }
  const last = windows.at(-1);
  const isKnown = last !== undefined && isJoined && reached !== undefined && matchesTip(reached.point, before);
  if (isKnown && reached.time > last.to.getTime()) last.to = new Date(reached.time);
  return windows.toReversed();
}

/**
 * Whether every moment can be told between a time and a point.
 *
 * @param since the time of the last point before it, in milliseconds since 1970
 * @param before that point, or one after it that only repeats it
 */
export function tellsAllSince(since: number, point: FoundPoint, before: FoundPoint): boolean {
  if (!isAfter(point, before) || point.gap) return false;
  if (point.kind === 'changes' && point.base !== before.base) return false;
  return isUnchanged(point, before) || point.time - since <= APART;
}
