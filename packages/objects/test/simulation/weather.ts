import type { Calendar } from './calendar.ts';
import type { Dice } from './dice.ts';
import type { Focus } from './focus.ts';
import { focusedFate, isInFocus } from './focus.ts';
import type { Plan } from './plan.ts';

/** How likely each fault of a request is. */
export interface Weather {
  /** It takes up to five seconds, or minutes. */
  readonly slow: number;
  readonly stalled: number;
  /** It is refused, which its sender learns for sure. */
  readonly refused: number;
  /** It never arrives, or its answer doesn't: its sender can't tell which. */
  readonly lost: number;
  readonly answerLost: number;
  /** It is given up by its sender and arrives minutes later. */
  readonly late: number;
  /** It arrives a second time. */
  readonly twice: number;
  /** Which requests are held up, whatever else happens. */
  readonly focus?: Focus | undefined;
}

/** Of schedules with a focus. */
const CALM: Weather = { slow: 0.02, stalled: 0, refused: 0, lost: 0, answerLost: 0, late: 0, twice: 0 };

const WEATHERS: readonly Weather[] = [
  CALM,
  { slow: 0.05, stalled: 0.01, refused: 0.01, lost: 0.01, answerLost: 0.02, late: 0.02, twice: 0.02 },
  { slow: 0.15, stalled: 0.02, refused: 0.03, lost: 0.03, answerLost: 0.06, late: 0.06, twice: 0.05 },
  // Only what is hard to tell from success.
  { slow: 0.3, stalled: 0, refused: 0, lost: 0, answerLost: 0.1, late: 0.15, twice: 0 },
];

/** Of schedules in which long work, such as a collection, comes to an end now and then. */
const WEATHERS_OF_DAYS: readonly Weather[] = [
  { slow: 0.02, stalled: 0, refused: 0, lost: 0, answerLost: 0, late: 0, twice: 0.02 },
  { slow: 0.3, stalled: 0, refused: 0, lost: 0, answerLost: 0.005, late: 0.01, twice: 0.02 },
  { slow: 0.1, stalled: 0.02, refused: 0.003, lost: 0.003, answerLost: 0.01, late: 0.02, twice: 0.02 },
];

export const drawWeather = (dice: Dice, { days, focus }: Pick<Plan, 'days' | 'focus'>): Weather =>
  focus === undefined ? dice.pick(days ? WEATHERS_OF_DAYS : WEATHERS) : { ...CALM, focus };

/** What becomes of one request, all times in milliseconds. */
export interface Fate {
  readonly name: string;
  /** After how long it arrives; never where there is none, twice where there are two. */
  readonly arrivals: readonly number[];
  /** How long the answer to the first arrival takes. */
  readonly answer?: number;
  /** After how long its sender is told that it failed, and whether that is certain. */
  readonly fails?: { readonly after: number; readonly certain: boolean };
  /** What happens to its process when it has left that; without a duration until it is told to go on. */
  readonly stops?: { readonly how: 'pause' | 'suspend'; readonly duration?: number };
}

const MINUTES = 60_000;

/** How long a request or its answer is under way where nothing is wrong. */
const latency = (dice: Dice): number => dice.magnitude(1, 60);

/** What becomes of a request where nothing goes wrong. */
export const calmFate = (dice: Dice): Fate => ({ name: '', arrivals: [latency(dice)], answer: latency(dice) });

/** How long a request or its answer is stranded: until a later burst, where the calendar has one that is near enough. */
function stranded(dice: Dice, calendar: Calendar, now: number): number {
  return (dice.chance(0.5) ? calendar.untilArrival(dice, now) : undefined) ?? dice.magnitude(1, 3 * MINUTES);
}

/** A request that is sent: what it is about, and when, in milliseconds since the schedule began. */
export interface Sent {
  readonly key: string;
  readonly mutation: boolean;
  readonly now: number;
}

export function drawFate(dice: Dice, weather: Weather, calendar: Calendar, { key, mutation, now }: Sent): Fate {
  const { focus } = weather;
  const there = latency(dice);
  if (focus !== undefined && isInFocus(focus, key, mutation) && dice.chance(focus.share))
    return focusedFate(dice, focus, calendar, now, there);
  const back = latency(dice);
  const fails = { after: dice.magnitude(30, 10_000), certain: false };
  let left = dice.float();
  const happens = (probability: number): boolean => {
    left -= probability;
    return left < 0;
  };
  if (happens(weather.slow)) {
    const share = dice.float();
    const extra = dice.magnitude(100, 5000);
    return { name: 'slow', arrivals: [there + extra * share], answer: back + extra * (1 - share) };
  }
  if (happens(weather.stalled)) {
    const stall = 5000 + stranded(dice, calendar, now);
    return dice.chance(0.5)
      ? { name: 'stalled on its way', arrivals: [there + stall], answer: back }
      : { name: 'answer stalled', arrivals: [there], answer: back + stall };
  }
  if (happens(weather.refused)) return { name: 'refused', arrivals: [], fails: { after: there, certain: true } };
  if (happens(weather.lost)) return { name: 'lost', arrivals: [], fails };
  if (happens(weather.answerLost))
    return { name: 'answer lost', arrivals: [there], fails: { ...fails, after: fails.after + there } };
  if (happens(weather.late)) return { name: 'late', arrivals: [fails.after + stranded(dice, calendar, now)], fails };
  if (happens(weather.twice)) {
    return { name: 'twice', arrivals: [there, there + stranded(dice, calendar, now)], answer: back };
  }
  return calmFate(dice);
}
