import type { Schedule, ScheduleStatus } from '../index.ts';
import { overdue } from '../index.ts';

/** What is known of one schedule. */
export interface ScheduleFacts {
  readonly id: string;
  /** When a run should have begun that hasn't, in milliseconds since 1970. */
  readonly overdueSince?: number | undefined;
  /** When the last run began that has ended. */
  readonly lastRun?: number | undefined;
  /** Runs that have failed since the last that succeeded. */
  readonly failures: number;
  /** The error code of the last run, if it failed. */
  readonly lastError?: string | undefined;
}

/**
 * What is known of a destination and its schedules. What is left out is not known, and not judged; except for
 * `lastGood`, without which there is no good backup at all.
 */
export interface WatchFacts {
  /** Milliseconds since 1970, as all times here. */
  readonly now: number;
  /** Where it is, without credentials. */
  readonly destination?: string | undefined;
  /** Why nothing could be looked at there, as an error code; then nothing else is known but what lies in the store. */
  readonly unreachable?: string | undefined;
  /** The same in words. */
  readonly why?: string | undefined;
  /** The time of the last good point. */
  readonly lastGood?: number | undefined;
  /** By how much continuous shipping is behind, in milliseconds. */
  readonly lag?: number | undefined;
  /** A continuous backup that nobody has ended: whether a process is at it, and why it can't go on. */
  readonly following?:
    | { readonly isAlive: boolean; readonly error?: { readonly code: string; readonly message: string } | undefined }
    | undefined;
  /** The sizes of the last points, in bytes or anything else that compares; the newest last. */
  readonly sizes?: readonly number[] | undefined;
  /** When the byte was last checked that wasn't for the longest time. */
  readonly unverifiedSince?: number | undefined;
  /** When a drill of it has succeeded last. */
  readonly drilled?: number | undefined;
  readonly schedules?: readonly ScheduleFacts[] | undefined;
  /** Spans of time that can't be restored to. */
  readonly gaps?: readonly { readonly from: number; readonly to: number }[] | undefined;
  /** How many objects the store has, and the last point. */
  readonly objects?: { readonly store: number; readonly point: number } | undefined;
}

/**
 * What to watch of a schedule. Whoever looks finds out that a run is overdue, also where the scheduler is dead.
 *
 * @param now milliseconds since 1970
 * @param tolerance how late a run may be, in milliseconds; default ten minutes
 */
export function scheduleFacts(
  schedule: Omit<Schedule, 'task'>,
  status: ScheduleStatus,
  now: number,
  tolerance?: number,
): ScheduleFacts {
  const { state } = status;
  return {
    id: schedule.id,
    failures: state?.failures ?? 0,
    overdueSince: overdue(schedule, status, now, tolerance)?.start,
    lastRun: state?.last?.started,
    lastError: state?.last?.error,
  };
}
