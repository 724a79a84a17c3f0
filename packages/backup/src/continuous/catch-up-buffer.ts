import type { Change } from '@securestore/objects/internal';

/** More than this is not told apart, so that memory and the number of points are bounded. */
const MAX_CHANGES = 10_000;
const MAX_BYTES: number = 64 * 1024 * 1024;
const MAX_STEPS = 500;

/** What belongs to one moment. */
export interface Step {
  /** In milliseconds since 1970 by the clock of the store's backend. */
  readonly time: number;
  readonly changes: readonly Change[];
}

/** What moments are told apart of, and how finely. */
interface Span {
  readonly after: number;
  readonly until: number;
  readonly interval: number;
  readonly skew: number;
}

/**
 * What has happened while nobody shipped: the journal tells of each change when it was announced, so that the moments in between can be
 * told apart afterwards.
 */
export class CatchUpBuffer {
  #changes: Change[] = [];
  #bytes = 0;

  /** @returns whether there is room for it */
  take(change: Change): boolean {
    this.#changes.push(change);
    this.#bytes += change.record.length;
    return this.#changes.length <= MAX_CHANGES && this.#bytes <= MAX_BYTES;
  }

  /** Gives away what it has. */
  release(): Change[] {
    const changes = this.#changes;
    [this.#changes, this.#bytes] = [[], 0];
    return changes;
  }

  /**
   * The moments, the oldest first: each has what a cut of that time would have had. What is announced is acknowledged later, and may carry a
   * time that is later by `skew` than that of the server by which moments are told.
   *
   * @param after the time of the point that they follow
   * @param until the time of the cut, which has all of it
   * @param interval how far they are apart at least, in milliseconds
   * @param skew how far the clocks of two servers may be apart, in milliseconds
   * @returns `undefined` if there are too many
   */
  steps({ after, until, interval, skew }: Span): Step[] | undefined {
    const stepOf = ({ announced = 0 }: Change): number => {
      const end = (Math.floor(announced / interval) + 1) * interval - skew;
      return Math.min(until, Math.max(end, after + interval));
    };
    const steps = Map.groupBy(this.#changes, stepOf);
    if (steps.size > MAX_STEPS) return undefined;
    return [...steps].map(([time, changes]) => ({ time, changes })).toSorted((a, b) => a.time - b.time);
  }
}
