import type { Dice } from './dice.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A little less and a little more than what the engine waits for: hints lapse, claims and payloads age, streams close. */
const GAPS = [2 * MINUTE, 70 * MINUTE, 11 * HOUR, 12.5 * HOUR, 25 * HOUR, 25 * HOUR, 36 * HOUR];

/** Long enough for streams to be closed, and then to be removed. */
const WEEK = [7.5 * DAY, 70 * MINUTE, 70 * MINUTE, 70 * MINUTE, 2 * MINUTE];

/** How long what belongs to a burst may take to begin, in milliseconds. */
const BURST = 4000;

/** No request that is still to take effect is under way for longer, in milliseconds: what collection rests on. */
const LONGEST_ON_ITS_WAY = 11.9 * HOUR;

/**
 * When the busy times of a schedule begin, in milliseconds. Schedules of minutes have one. In schedules of days all that
 * matters happens in bursts, so that processes which wake up after a day still meet each other.
 */
export class Calendar {
  readonly #bursts: readonly number[];

  constructor(bursts: readonly number[]) {
    this.#bursts = bursts;
  }

  static #withGaps(gaps: readonly number[]): Calendar {
    let time = 0;
    return new Calendar([0, ...gaps.map((gap) => (time += gap))]);
  }

  static ofDays(dice: Dice): Calendar {
    return Calendar.#withGaps(Array.from({ length: 2 + dice.below(3) }, () => dice.pick(GAPS)));
  }

  static ofAWeek(): Calendar {
    return Calendar.#withGaps(WEEK);
  }

  /** How long it takes from `now` on until soon after the beginning of the next burst; `undefined` where there is none. */
  untilNext(dice: Dice, now: number): number | undefined {
    const next = this.#bursts.find((start) => start > now);
    return next === undefined ? undefined : next - now + dice.magnitude(1, BURST);
  }

  /** How long it takes from `now` on until soon after the beginning of a later burst; `undefined` where there is none. */
  untilLater(dice: Dice, now: number): number | undefined {
    const later = this.#bursts.filter((start) => start > now);
    const start = dice.chance(0.7) ? later[0] : later[dice.below(Math.max(1, later.length))];
    return start === undefined ? undefined : start - now + dice.magnitude(1, BURST);
  }

  /** The same, each of the later bursts as likely as the next. */
  untilAny(dice: Dice, now: number): number | undefined {
    const later = this.#bursts.filter((start) => start > now);
    return later.length === 0 ? undefined : dice.pick(later) - now + dice.magnitude(1, BURST);
  }

  /** The same as {@link untilLater} for a request on its way: none where the burst is too far away. */
  untilArrival(dice: Dice, now: number): number | undefined {
    const wait = this.untilLater(dice, now);
    return wait !== undefined && wait <= LONGEST_ON_ITS_WAY ? wait : undefined;
  }
}
