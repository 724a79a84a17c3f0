import type { Clock } from '@securestore/jobs';
import { refuseOption } from '../repository/errors.ts';
import type { BackupTask } from './schedule-list.ts';
import type { RunHooks, RunReport, ScheduledRun } from './index.ts';
import { moment } from './alerts/conditions.ts';
import { limited } from './alerts/deliver.ts';
import type { ProgramOptions } from './alerts/program.ts';
import { programOf } from './alerts/program.ts';

/** How long a hook may take by default, and at most, in milliseconds. */
export const DEFAULT_TIMEOUT = 600_000;
export const MAX_TIMEOUT = 86_400_000;
/** How long a hook may take to end after its signal has aborted, in milliseconds. */
const GRACE = 5000;

/** A run of a schedule that begins, or has ended: then it says how. */
export type HookedRun = ScheduledRun<BackupTask> & Partial<Pick<RunReport, 'end' | 'error' | 'duration'>>;

/** Done before a run, or after it. It has to end soon after its signal aborts. */
export type RunHook = (run: HookedRun, signal: AbortSignal) => Promise<void> | void;

export interface RunHookOptions {
  /** Before each run. If it throws or takes too long, the run isn't made, and has failed. */
  readonly before?: RunHook | undefined;
  /** After each run, also if it or `before` has failed. Its errors are reported, and don't change the outcome. */
  readonly after?: RunHook | undefined;
  /** How long each of them may take, in milliseconds; by default ten minutes, at most a day. */
  readonly hookTimeout?: number | undefined;
}

/** Waits for a hook as long as it may take: one that ignores its signal is left behind. */
async function bounded(
  clock: Clock,
  timeout: number,
  what: string,
  signal: AbortSignal,
  hook: (signal: AbortSignal) => Promise<void> | void,
): Promise<void> {
  await limited(clock, timeout, what, signal, async (limit) => {
    const { promise, reject } = Promise.withResolvers<never>();
    const ended = new AbortController();
    const leave = (): void => {
      const wait = clock.sleep(GRACE, ended.signal);
      wait.then(
        () => reject(limit.reason),
        () => undefined,
      );
    };
    if (limit.aborted) leave();
    else limit.addEventListener('abort', leave, { once: true });
    try {
      await Promise.race([Promise.try(hook, limit), promise]);
    } finally {
      limit.removeEventListener('abort', leave);
      ended.abort();
    }
    // A hook that ended because of the signal has not done its work.
    if (limit.aborted) throw limit.reason;
  });
}

/**
 * What runners do before and after their runs.
 *
 * @param tell called with the error of a hook: of a run only the code is kept
 * @throws SecureStoreError `INVALID_ARGUMENT`
 */
export function runHooks(
  clock: Clock,
  { before, after, hookTimeout = DEFAULT_TIMEOUT }: RunHookOptions,
  tell: (error: unknown) => void,
): Pick<RunHooks<BackupTask>, 'before' | 'after'> {
  if (!Number.isSafeInteger(hookTimeout) || hookTimeout < 1 || hookTimeout > MAX_TIMEOUT) {
    refuseOption('hookTimeout', `must be a whole number of milliseconds from 1 to ${MAX_TIMEOUT}`);
  }
  const call = async (hook: RunHook, when: string, run: HookedRun, signal: AbortSignal): Promise<void> => {
    const what = `the hook ${when} runs of schedule ${run.schedule.id}`;
    await bounded(clock, hookTimeout, what, signal, (limit) => hook(run, limit));
  };
  return {
    async before(run, signal) {
      if (before === undefined) return;
      try {
        await call(before, 'before', run, signal);
      } catch (error) {
        if (!signal.aborted) tell(error);
        throw error;
      }
    },
    async after(report) {
      // Also if the process is being ended: it ends what the hook before the run has begun.
      if (after !== undefined) await call(after, 'after', report, new AbortController().signal);
    },
  };
}

function variablesOf({ schedule, occurrence, attempt, end, error, duration }: HookedRun): Record<string, string> {
  const { task, destination } = schedule.task;
  return {
    SECURESTORE_RUN_PHASE: end === undefined ? 'before' : 'after',
    SECURESTORE_RUN_SCHEDULE: schedule.id,
    SECURESTORE_RUN_TASK: task,
    SECURESTORE_RUN_DESTINATION: destination,
    SECURESTORE_RUN_OCCURRENCE: moment(occurrence),
    SECURESTORE_RUN_ATTEMPT: String(attempt),
    ...(end !== undefined && { SECURESTORE_RUN_END: end }),
    ...(error !== undefined && { SECURESTORE_RUN_ERROR: error }),
    ...(duration !== undefined && { SECURESTORE_RUN_DURATION_MS: String(duration) }),
  };
}

/**
 * A hook that runs a program, with what is known of the run in `SECURESTORE_RUN_…` variables and as JSON on its stdin. It has succeeded if it
 * ends with 0. One that takes too long is killed together with its child processes.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if there is no program to run
 */
export function execRunHook(options: ProgramOptions): RunHook {
  const run = programOf(options);
  return (hooked, signal) => {
    const variables = variablesOf(hooked);
    const what = `the hook ${hooked.end === undefined ? 'before' : 'after'} a run`;
    return run({ what, timeout: MAX_TIMEOUT, variables, input: `${JSON.stringify(variables)}\n`, signal });
  };
}
