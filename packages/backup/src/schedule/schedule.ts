import { createHash } from 'node:crypto';
import { SecureStoreError } from '@securestore/core-format';
import { Cron } from 'croner';
import { refuse } from '../repository/errors.ts';
import { offsetsOf } from '../retention/calendar.ts';

/** Work that recurs. */
export interface Schedule<T = unknown> {
  /** 1 to 64 of `a-z`, `0-9` and, inside, `-`. Never use it again for another schedule, which would take over its state. */
  readonly id: string;
  /**
   * Minute, hour, day of month, month, day of week; or `@hourly`, `@daily`,
   * `@weekly`, `@monthly`, `@yearly`. What croner has beside them works too (`L`, `W`, `#`, names).
   */
  readonly cron: string;
  /** Whose wall clocks `cron` is about: an IANA name. Default `UTC`. */
  readonly timeZone?: string | undefined;
  /** Each run begins up to so many milliseconds later, and always before the next one is due. Default 0. */
  readonly jitter?: number | undefined;
  /** While it is, no run begins. */
  readonly paused?: boolean | undefined;
  /** When it was added, or last changed or resumed, in milliseconds since 1970. What was due before is not made up for. */
  readonly since: number;
  /** What to do; only the runner reads it. */
  readonly task: T;
}

/** One of the times at which a schedule is due. */
export interface Occurrence {
  /** What `cron` says, in milliseconds since 1970: the identity of the occurrence. */
  readonly time: number;
  /** When its run may begin: `time` and its share of the jitter. */
  readonly start: number;
}

type Timing = Pick<Schedule, 'id' | 'cron' | 'timeZone' | 'jitter'>;

const ID = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/;
export const MAX_JITTER = 86_400_000;
/** Of a cron expression: with seconds before them, a field too many would silently become another time. */
const FIELDS = 5;
/** What six bytes can hold. */
const JITTER_STEPS = 2 ** 48;

/** @param message what is wrong with the option */
function invalid(id: string, option: string, message: string): SecureStoreError {
  return new SecureStoreError('INVALID_ARGUMENT', `the option "${option}" of schedule ${id} ${message}`, { option });
}

/** @param cron what was given @param reason why it is invalid */
function invalidCron(id: string, cron: string, reason: string): SecureStoreError {
  return invalid(id, 'cron', `must be a cron expression such as "30 2 * * *" or @daily, got "${cron}": ${reason}`);
}

/** What `cron` comes to, and the two occurrences that were asked for last: croner takes its time with time zones. */
interface Timetable {
  readonly pattern: Cron;
  span?: { readonly last: Occurrence; readonly next: Occurrence };
}

const timetables = new Map<string, Timetable>();
const MAX_TIMETABLES = 1000;

/**
 * When the clocks change, as with Vixie's cron: a time that a day leaves out is made up for at the end of the gap, and
 * one that a day has twice counts once, at its first. What has a wildcard or a step in its hours or minutes goes by real
 * time instead: through the hour that comes twice, and past the one that is left out.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`
 */
function timetableOf({ id, cron, timeZone = 'UTC', jitter = 0 }: Timing): Timetable {
  const name = JSON.stringify([id, cron, timeZone, jitter]);
  const known = timetables.get(name);
  if (known !== undefined) return known;
  offsetsOf(timeZone);
  // Croner would take a date for something that happens once.
  if (typeof cron !== 'string' || cron.includes(':'))
    throw invalid(id, 'cron', 'must be a cron expression such as "30 2 * * *" or @daily');
  const fields = cron.trim().split(/\s+/).length;
  const isNickname = fields === 1 && cron.trim().startsWith('@');
  if (fields !== FIELDS && !isNickname) {
    const found = fields === 1 ? '1 field' : `${fields} fields`;
    throw invalidCron(id, cron, `${found} instead of ${FIELDS}: minute, hour, day of month, month, day of week`);
  }
  let pattern: Cron;
  let first: Date | null;
  try {
    // Nothing is ever started: without a function, croner has no timers.
    pattern = new Cron(cron, { timezone: timeZone, mode: '5-part', fixedTimeRule: 'no-wildcard' });
    first = pattern.nextRun(new Date(0));
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^CronPattern: /, '').replace(/\.$/, '') : '';
    throw invalidCron(id, cron, reason.charAt(0).toLowerCase() + reason.slice(1));
  }
  if (first === null) throw invalidCron(id, cron, 'it never comes');
  if (timetables.size >= MAX_TIMETABLES) timetables.clear();
  const timetable = { pattern };
  timetables.set(name, timetable);
  return timetable;
}

/**
 * Checks a schedule.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`
 */
export function checkSchedule(schedule: Omit<Schedule, 'task'>): void {
  const { id, jitter = 0, paused = false, since } = schedule;
  if (typeof id !== 'string' || !ID.test(id)) {
    refuse('the name of a schedule must have 1 to 64 characters of a-z, 0-9 and, not at its ends, -');
  }
  if (!Number.isSafeInteger(jitter) || jitter < 0 || jitter > MAX_JITTER) {
    throw invalid(id, 'jitter', `must be a whole number of milliseconds from 0 to ${MAX_JITTER}`);
  }
  if (typeof paused !== 'boolean') throw invalid(id, 'paused', 'must be true or false');
  if (!Number.isSafeInteger(since) || since < 0) {
    throw invalid(id, 'since', 'must be a time in milliseconds since 1970');
  }
  timetableOf(schedule);
}

/** The same for all processes, and another one for each schedule and time, so that many schedules are spread. */
function withStart(timing: Timing, pattern: Cron, time: number): Occurrence {
  const { id, jitter = 0 } = timing;
  if (jitter === 0) return { time, start: time };
  // Never past the next occurrence, so that runs begin in the order in which they are due.
  const next = pattern.nextRun(new Date(time))?.getTime() ?? Infinity;
  const digest = createHash('sha256').update(`${id} ${time}`).digest();
  const share = digest.readUIntBE(0, 6) / JITTER_STEPS;
  return { time, start: time + Math.floor(Math.min(jitter, next - time) * share) };
}

/** The first occurrence whose `time` is after `time`, in milliseconds since 1970. */
export function occurrenceAfter(schedule: Timing, time: number): Occurrence | undefined {
  const { pattern } = timetableOf(schedule);
  const next = pattern.nextRun(new Date(time));
  return next === null ? undefined : withStart(schedule, pattern, next.getTime());
}

/** The last occurrence that has started by `now`, and the one after it. */
function around(schedule: Timing, now: number): Partial<NonNullable<Timetable['span']>> {
  const timetable = timetableOf(schedule);
  const { pattern, span } = timetable;
  if (span !== undefined && span.last.start <= now && now < span.next.start) return span;
  // The times before a reference include one earlier in the same second, but not the reference itself.
  const last = pattern
    .previousRuns(2, new Date(now + 1))
    .map((date) => withStart(schedule, pattern, date.getTime()))
    .find(({ start }) => start <= now);
  const next = occurrenceAfter(schedule, last?.time ?? now);
  if (last !== undefined && next !== undefined) timetable.span = { last, next };
  return { ...(last && { last }), ...(next && { next }) };
}

/** The last occurrence that has started by `now`, in milliseconds since 1970. */
export function lastDue(schedule: Timing, now: number): Occurrence | undefined {
  return around(schedule, now).last;
}

/**
 * The next occurrence that starts after `after`, in milliseconds since 1970, whether the schedule is paused or not.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`
 */
export function nextRun(schedule: Timing, after: number): Occurrence | undefined {
  return around(schedule, after).next;
}

/** The error for a schedule that does not exist. */
export function noSchedule(id: string): SecureStoreError {
  return new SecureStoreError('NOT_FOUND', `schedule ${JSON.stringify(id)} does not exist`, {
    advice: [{ id: 'list-schedules' }],
  });
}
