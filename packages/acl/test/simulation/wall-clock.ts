import type { ClockErrors } from '../../../objects/test/simulation/process.ts';
import { EPOCH } from '../../../objects/test/simulation/process.ts';

/** What a process took for the time in the course of a schedule, since whatever expires does so by its clock. */
export class WallClock {
  readonly #errors: ClockErrors;
  readonly #sets: { readonly at: number; readonly by: number }[] = [];

  constructor(errors: ClockErrors) {
    this.#errors = errors;
  }

  set(at: number, by: number): void {
    this.#sets.push({ at, by });
  }

  /** What it showed from one instant of the schedule to another, both included: in each span it only went forward. */
  spans(from: number, to: number): (readonly [number, number])[] {
    const spans: (readonly [number, number])[] = [];
    let [begun, by] = [from, 0];
    const end = (time: number): void => {
      const read = (at: number): number => EPOCH + at * (1 + this.#errors.drift) + this.#errors.skew + by;
      // It shows whole milliseconds.
      spans.push([Math.floor(read(begun)) - 1, Math.ceil(read(time)) + 1]);
      begun = time;
    };
    for (const set of this.#sets) {
      if (set.at > to) break;
      if (set.at >= from) end(set.at);
      by += set.by;
    }
    end(to);
    return spans;
  }
}
