import { localClock, localTime } from './format.ts';

/** A span of time, in milliseconds since 1970. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

const SECOND = 1000;
const MINUTE: number = 60 * SECOND;
export const HOUR: number = 60 * MINUTE;
export const DAY: number = 24 * HOUR;

/** Distances between marks that people count in. */
const STEPS: readonly number[] = [
  SECOND,
  5 * SECOND,
  15 * SECOND,
  30 * SECOND,
  MINUTE,
  5 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
  14 * DAY,
  30 * DAY,
  91 * DAY,
  365 * DAY,
];

/** The shortest span that is shown. */
const SHORTEST = 10 * SECOND;
/** Room that a mark takes, in pixels. */
const MARK = 96;

export interface Mark {
  readonly time: number;
  readonly label: string;
}

/** Marks of an axis, on round times by the clock of whoever looks. */
export function marksOf({ from, to }: Span, width: number): Mark[] {
  const most = Math.max(1, Math.floor(width / MARK));
  const step = STEPS.find((one) => (to - from) / one <= most) ?? 365 * DAY;
  const shift = new Date(from).getTimezoneOffset() * MINUTE;
  const marks: Mark[] = [];
  for (let time = Math.ceil((from - shift) / step) * step + shift; time <= to; time += step) {
    marks.push({ time, label: labelOf(new Date(time), step) });
  }
  return marks;
}

function labelOf(time: Date, step: number): string {
  const date = localTime(time).slice(step >= 91 * DAY ? 0 : 5, 10);
  if (step >= DAY) return date;
  const clock = localClock(time);
  if (clock === '00:00:00') return date;
  return step < MINUTE ? clock : clock.slice(0, 5);
}

/** A span that is so many times as long, around a time that stays where it is. */
export function zoomed({ from, to }: Span, factor: number, around: number, bounds: Span): Span {
  const length = Math.min(Math.max((to - from) * factor, SHORTEST), bounds.to - bounds.from);
  const share = to === from ? 0.5 : (around - from) / (to - from);
  return within({ from: around - length * share, to: around + length * (1 - share) }, bounds);
}

/** The span moved to where it is inside of others. */
export function within({ from, to }: Span, bounds: Span): Span {
  const length = Math.min(to - from, bounds.to - bounds.from);
  const start = Math.min(Math.max(from, bounds.from), bounds.to - length);
  return { from: start, to: start + length };
}
