import { offsetsOf } from './time-zone.ts';
import type { Period } from './policy.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Which interval of the calendar a time lies in: the same text for all times of one interval, and for no others. */
export type Bucketer = (time: number, period: Period) => string;

/**
 * The calendar of a time zone.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` where there is no such time zone
 */
export function calendarOf(timeZone: string): Bucketer {
  const offsetAt = offsetsOf(timeZone);
  return (time, period) => {
    const offset = offsetAt(time);
    const wall = time + offset;
    const day = Math.floor(wall / DAY);
    const date = new Date(wall);
    const buckets: Readonly<Record<Period, () => string>> = {
      // An hour that the wall clocks show twice is two hours.
      hourly: () => `${Math.floor(wall / HOUR)} ${offset}`,
      daily: () => String(day),
      // 1970 began on a Thursday.
      weekly: () => String(Math.floor((day + 3) / 7)),
      monthly: () => `${date.getUTCFullYear()} ${date.getUTCMonth()}`,
      yearly: () => String(date.getUTCFullYear()),
    };
    return buckets[period]();
  };
}
