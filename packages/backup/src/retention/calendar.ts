import { SecureStoreError } from '@securestore/core-format';
import type { Period } from './policy.ts';

const SECOND = 1000;

/**
 * How far the wall clocks of a time zone are ahead of UTC, in milliseconds, at a time in milliseconds since 1970.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if there is no such time zone
 */
export function offsetsOf(timeZone: string): (time: number) => number {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'iso8601',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    const message = `the option "timeZone" must be a name such as UTC or Europe/Berlin, got "${timeZone}"`;
    throw new SecureStoreError('INVALID_ARGUMENT', message, { option: 'timeZone' });
  }
  if (format.resolvedOptions().timeZone === 'UTC') return () => 0;
  return (time) => {
    const parts = new Map(format.formatToParts(time).map(({ type, value }) => [type, Number(value)]));
    const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
    const wall = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
    return wall - Math.floor(time / SECOND) * SECOND;
  };
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The interval of the calendar that a time belongs to: the same text for all times of one interval, and for no others. */
export type Bucketer = (time: number, period: Period) => string;

/**
 * The calendar of a time zone.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if there is no such time zone
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
