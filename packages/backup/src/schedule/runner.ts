import { randomUUID } from 'node:crypto';
import { SecureStoreError } from '@securestore/core-format';
import type { Clock, StateStorage } from '@securestore/jobs';
import { ClaimWatch, elapsedSince, instant } from '@securestore/jobs';
import type { FinishedRun, RunFindings } from './run.ts';
import { codeOf, runClaimed } from './run.ts';
import type { Schedule } from './schedule.ts';
import { checkSchedule, nextRun, noSchedule } from './schedule.ts';
import type { RunClaim, ScheduleState } from './state.ts';
import { NOTHING_DONE, owed, scheduleState } from './state.ts';

/** How often the list of schedules is looked at by default, and claims of others, in milliseconds. */
const LOOK_EVERY = 60_000;
const LOOK_AT_CLAIMS_EVERY = 30_000;

/** A run that begins. */
export interface ScheduledRun<T> {
  readonly schedule: Schedule<T>;
  /** What `cron` says, in milliseconds since 1970. Occurrences before it that were missed are made up for by this run. */
  readonly occurrence: number;
  /** From 1; more if processes died in the middle of it. */
  readonly attempt: number;
}

/** A run that has ended. */
export interface RunReport<T = unknown> extends ScheduledRun<T>, FinishedRun {}

export interface RunHooks<T> {
  /** What it throws is what the run fails with. */
  readonly before?: ((run: ScheduledRun<T>, signal: AbortSignal) => Promise<void>) | undefined;
  /** After the outcome is recorded, or could not be. What it throws goes to `failed`. */
  readonly after?: ((report: RunReport<T>) => Promise<void>) | undefined;
  /** What went wrong beside the runs themselves: the list of schedules, a schedule that is none, the storage, a hook. */
  readonly failed?: ((error: unknown, scheduleId?: string) => void) | undefined;
}

export interface RunnerOptions<T> {
  readonly schedules: () => Promise<readonly Schedule<T>[]>;
  /** Of each schedule under its id. */
  readonly state: StateStorage;
  readonly clock: Clock;
  /** What this process is called in the state, such as its host and process id. */
  readonly name: string;
  /**
   * Does the work. Several schedules may run at once, but one of them only once, as far as processes keep time: one that
   * was stopped in the middle, and wakes up, may go on for an instant before it hears from `signal` that it was replaced.
   */
  readonly run: (schedule: Schedule<T>, run: ScheduledRun<T>, signal: AbortSignal) => Promise<RunFindings | undefined>;
  readonly hooks?: RunHooks<T> | undefined;
  /**
   * How often to ask for the schedules, in milliseconds; default a minute. After the machine has slept, and for a
   * schedule that is new, a run may be so late.
   */
  readonly lookEvery?: number | undefined;
  /** Ends everything: runs are stopped, and owed again. */
  readonly signal?: AbortSignal | undefined;
}

/** What this process last saw of a schedule. */
interface Sight {
  readonly state: ScheduleState;
  /** By how much the clock of the storage is ahead of ours, in milliseconds. */
  readonly ahead: number;
}

type Attempt<T> = RunReport<T> | 'held' | 'nothing due';

/** One process among those that run the schedules. */
class Runner<T> {
  readonly #options: RunnerOptions<T>;
  readonly #signal: AbortSignal;
  readonly #watch: ClaimWatch;
  readonly #sights = new Map<string, Sight>();

  constructor(options: RunnerOptions<T>) {
    this.#options = options;
    this.#signal = options.signal ?? new AbortController().signal;
    this.#watch = new ClaimWatch(options.clock);
  }

  get signal(): AbortSignal {
    return this.#signal;
  }

  failed(error: unknown, id?: string): void {
    try {
      this.#options.hooks?.failed?.(error, id);
    } catch {
      // An error of the hook can't be reported.
    }
  }

  /** The schedules that can be run. */
  async schedules(): Promise<Schedule<T>[]> {
    const found = new Map<string, Schedule<T>>();
    for (const schedule of await this.#options.schedules()) {
      try {
        checkSchedule(schedule);
        found.set(schedule.id, schedule);
      } catch (error) {
        this.failed(error, schedule.id);
      }
    }
    return [...found.values()];
  }

  /** The time by the clock of the storage, as far as is known. */
  now(id: string): number {
    return this.#options.clock.now() + (this.#sights.get(id)?.ahead ?? 0);
  }

  /** Whether it is worth asking the storage. Nothing else than time, and this process's own runs, makes a run due. */
  mayBeDue(schedule: Schedule<T>): boolean {
    const { state } = this.#sights.get(schedule.id) ?? { state: NOTHING_DONE };
    return owed(schedule, state, this.now(schedule.id)) !== undefined;
  }

  /**
   * Runs what is due of a schedule, unless another process does.
   *
   * @param isDueNow whether a run is due at this moment, whatever the schedule says
   */
  async attempt(schedule: Schedule<T>, isDueNow = false): Promise<Attempt<T>> {
    const { id } = schedule;
    const { clock, name, hooks, run } = this.#options;
    const state = scheduleState(this.#options.state, clock, id);
    const claimed = instant(clock);
    const token = randomUUID();
    let claim: RunClaim | 'held' | undefined;
    await state.update(({ value = NOTHING_DONE, stored }) => {
      const now = stored?.now ?? clock.now();
      this.#sights.set(id, { state: value, ahead: now - clock.now() });
      claim = undefined;
      const { claim: previous } = value;
      if (previous?.run === token) {
        claim = previous;
        return undefined;
      }
      if (previous !== undefined && stored !== undefined && this.#watch.isHeld(id, previous, stored)) {
        claim = 'held';
        return undefined;
      }
      const time = Math.max(0, Math.floor(now));
      const due = owed(schedule, value, now) ?? (isDueNow ? { time } : undefined);
      if (due === undefined) return undefined;
      const attempt = previous?.occurrence === due.time ? previous.attempt + 1 : 1;
      claim = { run: token, by: name, occurrence: due.time, attempt, started: time, beat: 0 };
      return { ...value, failures: value.failures + (previous === undefined ? 0 : 1), claim };
    });
    if (claim === undefined) return 'nothing due';
    if (claim === 'held') return claim;
    const { occurrence, attempt } = claim;
    const begun = { schedule, occurrence, attempt };
    const started = instant(clock);
    try {
      const finished = await runClaimed({ state, id, claim, clock, claimed, signal: this.#signal }, async (signal) => {
        signal.throwIfAborted();
        await hooks?.before?.(begun, signal);
        signal.throwIfAborted();
        return run(schedule, begun, signal);
      });
      return await this.#ended({ ...begun, ...finished });
    } catch (error) {
      // The outcome is not known, and what the hook before the run has begun must still be ended.
      const duration = Math.max(0, Math.round(elapsedSince(started, clock)));
      await this.#ended({ ...begun, end: 'lost', error: codeOf(error), duration });
      throw error;
    }
  }

  async #ended(report: RunReport<T>): Promise<RunReport<T>> {
    try {
      await this.#options.hooks?.after?.(report);
    } catch (error) {
      this.failed(error, report.schedule.id);
    }
    return report;
  }
}

/**
 * Runs schedules when they are due until `signal` aborts; then stops the runs that are under way and resolves. Any number
 * of processes may do so over the same state: each occurrence is claimed by one of them with a conditional write, and
 * another one takes over a minute after that one has died. One run makes up for everything that was missed, because no process
 * ran, the machine slept, or a run took long. A run that fails is not repeated before the next occurrence.
 *
 * It never throws; errors are given to `hooks.failed`, and it tries again.
 */
export async function runSchedules<T>(options: RunnerOptions<T>): Promise<void> {
  const { clock, lookEvery = LOOK_EVERY } = options;
  const runner = new Runner(options);
  const { signal } = runner;
  const active = new Map<string, Promise<void>>();
  let wake = new AbortController();
  const attempt = async (schedule: Schedule<T>): Promise<void> => {
    try {
      const result = await runner.attempt(schedule);
      active.delete(schedule.id);
      // What ran for long may be due again.
      if (typeof result === 'object' && result.end !== 'lost') wake.abort();
    } catch (error) {
      active.delete(schedule.id);
      runner.failed(error, schedule.id);
    }
  };
  while (!signal.aborted) {
    let pause = lookEvery;
    wake = new AbortController();
    try {
      for (const schedule of await runner.schedules()) {
        const { id } = schedule;
        const now = runner.now(id);
        const next = nextRun(schedule, now);
        if (next !== undefined) pause = Math.min(pause, next.start - now);
        if (active.has(id) || !runner.mayBeDue(schedule)) continue;
        pause = Math.min(pause, LOOK_AT_CLAIMS_EVERY);
        active.set(id, attempt(schedule));
      }
    } catch (error) {
      runner.failed(error);
    }
    // Never for long: a timer stands still while the machine sleeps, and schedules are added meanwhile.
    await clock.sleep(Math.max(0, pause), AbortSignal.any([signal, wake.signal])).catch(() => undefined);
  }
  await Promise.all(active.values());
}

/**
 * Runs what is due now, each schedule at most once, and resolves when all of it has ended: for those who have another
 * scheduler, which calls this often. What another process runs is left to it. The claim of a process that has died is
 * taken over after a minute, or after an hour if the storage doesn't tell its time. Runs that fail are in the reports.
 *
 * @throws SecureStoreError if the schedules can't be listed, or the state of one can't be read or written; that is told
 *   to `hooks.failed` for each, and thrown when the others are done
 */
export async function runDueSchedules<T>(options: RunnerOptions<T>): Promise<RunReport<T>[]> {
  const runner = new Runner(options);
  const due = (await runner.schedules()).filter((schedule) => runner.mayBeDue(schedule));
  const results = await Promise.allSettled(due.map((schedule) => runner.attempt(schedule)));
  const errors = results.flatMap((result, index) =>
    result.status === 'rejected' ? [{ error: result.reason as unknown, id: due[index]?.id }] : [],
  );
  for (const { error, id } of errors) runner.failed(error, id);
  const [first] = errors;
  if (first !== undefined) {
    const { error } = first;
    throw SecureStoreError.is(error)
      ? error
      : new SecureStoreError('INTERNAL', `schedule ${first.id} failed unexpectedly`, { cause: error });
  }
  return results.flatMap((result) =>
    result.status === 'fulfilled' && typeof result.value === 'object' ? [result.value] : [],
  );
}

/**
 * Runs one schedule now, whether it is due or not, also if it is paused. It makes up for all that were missed, and does not change when the
 * next one is due.
 *
 * @throws SecureStoreError `NOT_FOUND` if there is no such schedule; `LOCKED` if another process runs it; what the storage throws
 */
export async function runScheduleNow<T>(options: RunnerOptions<T>, id: string): Promise<RunReport<T>> {
  const runner = new Runner(options);
  const schedule = (await runner.schedules()).find((one) => one.id === id);
  if (schedule === undefined) throw noSchedule(id);
  const result = await runner.attempt(schedule, true);
  if (typeof result === 'object') return result;
  throw new SecureStoreError('LOCKED', `another process runs the schedule ${JSON.stringify(id)}`, {
    reason: 'job-running',
    advice: [{ id: 'list-schedules' }],
  });
}
