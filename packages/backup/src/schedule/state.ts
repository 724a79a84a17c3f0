import type { Claim, Clock, StateKind, StateStorage, StoredState } from '@securestore/jobs';
import { isCount, isObject, LAPSES_AFTER, SharedState } from '@securestore/jobs';
import type { Occurrence, Schedule } from './schedule.ts';
import { lastDue, occurrenceAfter } from './schedule.ts';

/** Milliseconds after which a run that was due and hasn't begun is worth an alarm. */
const OVERDUE_AFTER = 600_000;
/** By how much the clocks of two processes differ at most, in milliseconds. */
const MAX_SKEW = 86_400_000;

/** A run that is under way, or whose process died. */
export interface RunClaim extends Claim {
  /** Who runs it, as the process calls itself. */
  readonly by: string;
  /** The occurrence that it is for; earlier ones that were missed are made up for with it. */
  readonly occurrence: number;
  /** From 1; more if processes died in the middle of it. */
  readonly attempt: number;
  /** Milliseconds since 1970, by the clock of the storage if it tells. */
  readonly started: number;
}

/** How a run ended. */
export interface RunOutcome {
  readonly run: string;
  readonly by: string;
  readonly occurrence: number;
  readonly attempt: number;
  /** Milliseconds since 1970, by the clock of the storage if it tells. */
  readonly started: number;
  /** Milliseconds. */
  readonly duration: number;
  /** The error code with which it failed; left out if it didn't. */
  readonly error?: string;
}

/** What all processes know of a schedule. */
export interface ScheduleState {
  /** The last occurrence that was run to an end, whether good or bad; it stands for all before it. 0 before the first. */
  readonly done: number;
  /** Runs that have failed or died since the last that succeeded. */
  readonly failures: number;
  readonly claim?: RunClaim;
  readonly last?: RunOutcome;
  /** When the last run that succeeded began; milliseconds since 1970. */
  readonly lastSuccess?: number;
}

export const NOTHING_DONE: ScheduleState = { done: 0, failures: 0 };

const isText = (value: unknown): value is string => typeof value === 'string';

function parseRun(value: unknown): Omit<RunClaim, 'beat'> | undefined {
  if (!isObject(value)) return undefined;
  const { run, by, occurrence, attempt, started } = value;
  if (!isText(run) || !isText(by) || !isCount(occurrence) || !isCount(attempt) || !isCount(started)) return undefined;
  return { run, by, occurrence, attempt, started };
}

function parseClaim(value: unknown): RunClaim | undefined {
  const run = parseRun(value);
  const beat = isObject(value) ? value['beat'] : undefined;
  return run === undefined || !isCount(beat) ? undefined : { ...run, beat };
}

function parseOutcome(value: unknown): RunOutcome | undefined {
  const run = parseRun(value);
  if (run === undefined || !isObject(value)) return undefined;
  const { duration, error } = value;
  if (!isCount(duration) || !(error === undefined || isText(error))) return undefined;
  return { ...run, duration, ...(error !== undefined && { error }) };
}

function parseState(value: Readonly<Record<string, unknown>>): ScheduleState | undefined {
  const { done, failures, lastSuccess } = value;
  const claim = parseClaim(value['claim']);
  const last = parseOutcome(value['last']);
  if (!isCount(done) || !isCount(failures) || !(lastSuccess === undefined || isCount(lastSuccess))) return undefined;
  if ((claim === undefined) !== (value['claim'] === undefined)) return undefined;
  if ((last === undefined) !== (value['last'] === undefined)) return undefined;
  return {
    done,
    failures,
    ...(claim && { claim }),
    ...(last && { last }),
    ...(lastSuccess !== undefined && { lastSuccess }),
  };
}

export function scheduleState(storage: StateStorage, clock: Clock, id: string): SharedState<ScheduleState> {
  const kind: StateKind<ScheduleState> = { what: `the state of schedule ${id}`, version: 1, parse: parseState };
  return new SharedState(storage, clock, id, kind);
}

/** Up to which occurrence nothing is owed. */
function settledUpTo({ since }: Pick<Schedule, 'since'>, { done }: ScheduleState, now: number): number {
  // What is said to be done tomorrow was said by a clock that was wrong; believing it would stop the schedule until then.
  return Math.max(since, done > now + MAX_SKEW ? 0 : done);
}

/** The occurrence that is to be run at `now`: the last one that is due, which stands for all that were missed. */
export function owed(schedule: Omit<Schedule, 'task'>, state: ScheduleState, now: number): Occurrence | undefined {
  if (schedule.paused === true) return undefined;
  const due = lastDue(schedule, now);
  return due !== undefined && due.time > settledUpTo(schedule, state, now) ? due : undefined;
}

/** What was read of a schedule. */
export interface ScheduleStatus {
  /** `undefined` if nobody has run it yet. */
  readonly state: ScheduleState | undefined;
  /** When that was written, and what the clock of the storage said when it was read, if it tells. */
  readonly stored: Pick<StoredState, 'modified' | 'now'> | undefined;
}

/**
 * What is known of a schedule. Reads only.
 *
 * @throws SecureStoreError `FORMAT_VERSION`, `TIMEOUT`, whatever the storage throws
 */
export async function readScheduleStatus(storage: StateStorage, clock: Clock, id: string): Promise<ScheduleStatus> {
  const { value, stored } = await scheduleState(storage, clock, id).read();
  return { state: value, stored };
}

/**
 * The first occurrence whose run was due and has not begun, or was begun by a process that is dead; `undefined` if all
 * is well. Whoever looks finds out, also where no scheduler runs at all.
 *
 * @param now milliseconds since 1970
 * @param tolerance how late a run may be, in milliseconds; default ten minutes
 */
export function overdue(
  schedule: Omit<Schedule, 'task'>,
  { state = NOTHING_DONE, stored }: ScheduleStatus,
  now: number,
  tolerance: number = OVERDUE_AFTER,
): Occurrence | undefined {
  if (schedule.paused === true) return undefined;
  const time = stored?.now ?? now;
  const alive = stored !== undefined && time - stored.modified <= LAPSES_AFTER + tolerance;
  if (state.claim !== undefined && alive) return undefined;
  const first = occurrenceAfter(schedule, settledUpTo(schedule, state, time));
  return first !== undefined && first.start + tolerance < time ? first : undefined;
}
