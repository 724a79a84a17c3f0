import type { Point } from '@securestore/core-format';

/** Points further apart than this, in milliseconds, are moments by themselves: a continuous backup publishes one a minute at least. */
const APART: number = 2 * 60 * 1000;

/** A span of time of which every moment can be restored, to the cut before it; or one moment. */
export interface RecoveryWindow {
  readonly from: Date;
  readonly to: Date;
  readonly points: number;
}

/**
 * What can be restored. Between windows nothing is known but what the last point before says.
 *
 * @param points in ascending order of their numbers, without those that only repeat the one before
 * @param damaged the numbers of others, of which nothing else is known
 */
export function windowsOf(
  points: readonly Pick<Point, 'number' | 'kind' | 'base' | 'time' | 'gap'>[],
  damaged: readonly number[] = [],
): RecoveryWindow[] {
  const windows: { from: Date; to: Date; points: number }[] = [];
  let before = 0;
  for (const { number, kind, base, time, gap } of points) {
    const isWithout = (from: number): boolean => damaged.some((one) => one >= from && one < number);
    // Changes are nothing without all that they build on.
    if (kind === 'changes' && isWithout(base)) continue;
    const last = windows.at(-1);
    if (last !== undefined && !gap && !isWithout(before) && time - last.to.getTime() <= APART) {
      last.to = new Date(time);
      last.points += 1;
    } else windows.push({ from: new Date(time), to: new Date(time), points: 1 });
    before = number;
  }
  return windows;
}
