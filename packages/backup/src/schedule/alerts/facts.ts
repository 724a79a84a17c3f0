import type { FailedCheck } from '../../trust/failed-checks.ts';
import type { Schedule, ScheduleStatus } from '../index.ts';
import { overdue } from '../index.ts';

/** What is known of one schedule. */
export interface ScheduleFacts {
  readonly id: string;
  /** Its task; left out if that is not known. */
  readonly task?: 'backup' | 'verify' | 'drill' | 'retention' | undefined;
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
 * The facts about a destination and its schedules. What is left out is not known, and not judged; except for `lastGood`,
 * without which no good backup exists.
 */
export interface WatchFacts {
  /** Milliseconds since 1970, as all times here. */
  readonly now: number;
  /** Its URL, without credentials. */
  readonly destination?: string | undefined;
  /** Why it could not be checked, as an error code; then only what the store keeps is known. */
  readonly unreachable?: string | undefined;
  /** The message of that error. */
  readonly why?: string | undefined;
  /** The id of another destination of the store that is at its URL instead; then only what the store keeps is known. */
  readonly replacedBy?: string | undefined;
  /**
   * Set if the destination has the backups of another copy of the store: of the one that this store was restored from, whose backups it may
   * take over, or of another; then only what the store keeps is known.
   */
  readonly belongsTo?: 'source' | 'copy' | undefined;
  /** The time of the last good point. */
  readonly lastGood?: number | undefined;
  /** How far the continuous backup is behind, in milliseconds. */
  readonly lag?: number | undefined;
  /** A continuous backup that was not ended: whether its process is alive, and why it fails. */
  readonly continuous?:
    | { readonly isAlive: boolean; readonly error?: { readonly code: string; readonly message: string } | undefined }
    | undefined;
  /** The sizes of the last points, in bytes or anything else that compares; the newest last. */
  readonly sizes?: readonly number[] | undefined;
  /** Objects that the store had lost when it was backed up last, and still lacks. */
  readonly missing?: number | undefined;
  /** The checks of the destination of which the last one failed, by hand or by a schedule. */
  readonly failedChecks?: readonly FailedCheck[] | undefined;
  /** When the part that has not been verified for longest was verified. */
  readonly unverifiedSince?: number | undefined;
  /** When a drill of it has succeeded last. */
  readonly drilled?: number | undefined;
  readonly schedules?: readonly ScheduleFacts[] | undefined;
  /** Schedules whose destinations are not registered, with the URLs of these; then nothing else is judged. */
  readonly unregistered?: readonly { readonly id: string; readonly destination: string }[] | undefined;
  /** Times that can't be restored. */
  readonly gaps?: readonly { readonly from: number; readonly to: number }[] | undefined;
  /** How many objects the store has, and the last point. */
  readonly objects?: { readonly store: number; readonly recoveryPoint: number } | undefined;
}

/**
 * The facts about a schedule. Every process that checks them sees an overdue run, also if the scheduler is dead.
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
