import { SecureStoreError } from '@securestore/core-format';

const ISO_8601 = /^(\d{4})-(\d{2})-(\d{2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/i;
const EPOCH = /^\d{1,16}$/;
const RELATIVE = /^(\d{1,9})([smhdw])$/;

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Epoch numbers below this are seconds (to the year 5138), from it on milliseconds (since 1973). */
const FIRST_MILLISECOND_EPOCH = 100_000_000_000;

function refuse(option: string, text: string, forms: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', `${option} must be ${forms}, got "${text}"`);
}

function isRealDay(year: string, month: string, day: string): boolean {
  // Date takes the 30th of February for the 2nd of March.
  return new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() === Number(day);
}

function parseAbsolute(text: string): Date | undefined {
  if (EPOCH.test(text)) {
    const number = Number(text);
    const date = new Date(number < FIRST_MILLISECOND_EPOCH ? number * 1000 : number);
    return Number.isNaN(date.getTime()) ? undefined : date;
  }
  const [, year, month, day] = ISO_8601.exec(text) ?? [];
  if (year === undefined || month === undefined || day === undefined || !isRealDay(year, month, day)) return undefined;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/**
 * A moment: ISO 8601 (a date alone is midnight UTC, a time without a zone is local) or seconds or milliseconds since
 * 1970.
 *
 * @throws `INVALID_ARGUMENT` for anything else, days that don't exist included.
 */
export function parseMoment(option: string, text: string): Date {
  return parseAbsolute(text) ?? refuse(option, text, 'a time such as 2026-11-24T15:00:00Z, or seconds since 1970');
}

/**
 * A moment in the future: as {@link parseMoment}, or how long from `now`, such as `90s`, `15m`, `12h`, `30d` or `4w`.
 *
 * @throws `INVALID_ARGUMENT` for anything else, or where it is not after `now`.
 */
export function parseExpiry(option: string, text: string, now: Date): Date {
  const [, amount, unit] = RELATIVE.exec(text) ?? [];
  const seconds = UNIT_SECONDS[unit ?? ''];
  const moment =
    amount !== undefined && seconds !== undefined
      ? new Date(now.getTime() + Number(amount) * seconds * 1000)
      : parseAbsolute(text);
  if (moment === undefined || Number.isNaN(moment.getTime())) {
    return refuse(option, text, 'a time such as 2026-11-24T15:00:00Z, or how long from now, such as 30d');
  }
  if (moment <= now) {
    throw new SecureStoreError(
      'INVALID_ARGUMENT',
      `${option} must be in the future: a time, or how long from now, such as 30d, got "${text}"`,
    );
  }
  return moment;
}

/**
 * A moment: as {@link parseMoment}, or how long before `now`, such as `15m`, `24h` or `7d`.
 *
 * @throws `INVALID_ARGUMENT` for anything else.
 */
export function parseSince(option: string, text: string, now: Date): Date {
  const [, amount, unit] = RELATIVE.exec(text) ?? [];
  const seconds = UNIT_SECONDS[unit ?? ''];
  const moment =
    amount !== undefined && seconds !== undefined
      ? new Date(now.getTime() - Number(amount) * seconds * 1000)
      : parseAbsolute(text);
  if (moment !== undefined && !Number.isNaN(moment.getTime())) return moment;
  return refuse(option, text, 'a time such as 2026-11-24T15:00:00Z, or how long ago, such as 24h or 7d');
}

/**
 * A length of time such as `90s`, `15m`, `12h`, `30d` or `4w`, in milliseconds.
 *
 * @throws `INVALID_ARGUMENT` for anything else.
 */
export function parseDuration(option: string, text: string): number {
  return durationIn(text) ?? refuse(option, text, 'a length of time such as 12h or 30d');
}

/** The shortest and the longest length of time that an option takes, as a person gives them. */
export interface DurationLimits {
  readonly from: string;
  readonly to: string;
}

/**
 * A length of time in its limits, in milliseconds. The library has the same limits, and names them in milliseconds, which no person has
 * given.
 *
 * @throws `INVALID_ARGUMENT` for anything else.
 */
export function parseDurationWithin(option: string, text: string, { from, to }: DurationLimits): number {
  const duration = parseDuration(option, text);
  if (duration >= parseDuration(option, from) && duration <= parseDuration(option, to)) return duration;
  return refuse(option, text, `a length of time from ${from} to ${to}`);
}

function durationIn(text: string): number | undefined {
  const [, amount, unit] = RELATIVE.exec(text) ?? [];
  const seconds = UNIT_SECONDS[unit ?? ''];
  return amount === undefined || seconds === undefined ? undefined : Number(amount) * seconds * 1000;
}

/** The length of time in which a whole backup is verified share by share, in milliseconds. @throws `INVALID_ARGUMENT` */
export function parseRolling(text: string): number {
  return parseDurationWithin('--rolling', text, { from: '1h', to: '3660d' });
}
