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

  /** What it showed from one instant of the schedule to another: in each span it only went forward. */
  spans(from: number, to: number): (readonly [number, number])[] {
    const turns = [from, ...this.#sets.map(({ at }) => at).filter((at) => at > from && at < to)];
    return turns.map((begun, index) => {
      const by = this.#sets.filter(({ at }) => at <= begun).reduce((sum, set) => sum + set.by, 0);
      const read = (time: number): number => EPOCH + time * (1 + this.#errors.drift) + this.#errors.skew + by;
      // It shows whole milliseconds.
      return [Math.floor(read(begun)) - 1, Math.ceil(read(turns[index + 1] ?? to)) + 1];
    });
  }
}
