import type { ScrubProgress } from './scrub-progress.ts';
import { RANGES } from './scrub-progress.ts';

/** How long after the one before the first run is taken to be, in milliseconds. */
const FIRST_PAUSE = 86_400_000;

/** What a run has to check. */
export interface ScrubSlice {
  /** Ranges in the order in which they are to be checked, the least recently checked first; those that have to be come first. */
  readonly order: readonly number[];
  /** Whether a range has to be read to its end. */
  readonly mustEnd: (range: number) => boolean;
  /** At least so many bytes are to be read. */
  readonly bytes: number;
}

export interface SliceOptions {
  /** When the run began. */
  readonly now: number;
  /** Within how long everything is to be checked, in milliseconds. */
  readonly within: number;
  /** By how much the order of those that were checked at the same time is turned, so that runs which nothing is remembered of differ. */
  readonly turn: number;
}

/**
 * What is due: a share of the bytes, by how long ago the last run was, so that work is spread evenly; and in any case what would become
 * overdue until the end of the next run, if that is as long in coming as the longest one lately. So everything is checked in time as long as
 * runs come as they did, and no run has to do more than its share in the long run.
 *
 * @param weights bytes in each range
 */
export function sliceOf(
  checked: ScrubProgress,
  weights: readonly number[],
  { now, within, turn }: SliceOptions,
): ScrubSlice {
  const { times, started, runs, cursor } = checked;
  const last = runs.at(-1);
  const pause = Math.max(0, last === undefined ? Math.max(FIRST_PAUSE, now - started) : now - last);
  const pauses = runs.slice(1).map((end, index) => end - (runs[index] ?? end));
  const ahead = Math.min(2 * Math.max(pause, ...pauses), within / 3);
  // What was read since the last run that came to its end counts: others were stopped in the middle.
  const isDone = (range: number): boolean => {
    const time = times[range] ?? 0;
    return last === undefined ? time >= started : time > last;
  };
  const everything = pause >= within / 3;
  const mustEnd = (range: number): boolean =>
    everything ? !isDone(range) : Math.max(times[range] ?? 0, started) + within <= now + ahead;
  const all = Array.from({ length: RANGES }, (_, range) => range);
  const bytesOf = (ranges: readonly number[]): number => ranges.reduce((sum, range) => sum + (weights[range] ?? 0), 0);
  const share = Math.ceil((bytesOf(all) * pause) / (within - ahead));
  const ranks = all.map((range) => [
    mustEnd(range) ? 0 : 1,
    range === cursor?.range ? 0 : 1,
    times[range] ?? 0,
    (range + turn) % RANGES,
  ]);
  const compare = (a: number, b: number): number => {
    const others = ranks[b] ?? [];
    for (const [at, rank] of (ranks[a] ?? []).entries()) {
      const difference = rank - (others[at] ?? 0);
      if (difference !== 0) return difference;
    }
    return 0;
  };
  return {
    order: all.filter((range) => mustEnd(range) || !isDone(range)).toSorted(compare),
    mustEnd,
    bytes: everything ? 0 : share - bytesOf(all.filter(isDone)),
  };
}
