import { SecureStoreError } from '@securestore/core-format';
import type { StateStorage } from '@securestore/jobs';
import type { CallOptions, ObjectStore } from '@securestore/objects';
import type { BackupArea } from '@securestore/objects/internal';
import { changeInTime, extensionsOf, inTime } from '@securestore/objects/internal';
import { refuse } from '../repository/errors.ts';
import type { Backups } from './backups.ts';
import type { DestinationFacts } from './destination-facts.ts';
import { factsOfAll } from './destination-facts.ts';
import type { Connect } from '../trust/destinations.ts';
import { Destinations } from '../trust/destinations.ts';
import { registeredAt } from '../trust/registry.ts';
import type { RunHookOptions } from '../schedule/run-hooks.ts';
import { runHooks } from '../schedule/run-hooks.ts';
import type { RunnerOptions, RunReport, Schedule, ScheduleState } from '../schedule/index.ts';
import {
  nextRun,
  noSchedule,
  overdue,
  readScheduleStatus,
  runDueSchedules,
  runScheduleNow,
  runSchedules,
} from '../schedule/index.ts';
import type { BackupTask, ScheduleSettings } from '../schedule/schedule-list.ts';
import {
  changeSchedules,
  checkTask,
  scheduleOf,
  schedulesOf,
  storageIn,
  withSchedule,
} from '../schedule/schedule-list.ts';
import type { AlertSink, Condition, WatchFacts, WatchThresholds } from '../schedule/alerts/index.ts';
import { Alerts, conditionsOf } from '../schedule/alerts/index.ts';

const CHECK_EVERY = 60_000;

/** @param finding the first one */
function damagedBackup(finding: string | undefined, destination: string): SecureStoreError {
  const message = finding ?? `the backup at ${destination} is damaged`;
  return new SecureStoreError('INTEGRITY', message, {
    advice: [
      { id: 'verify-backup', destination },
      { id: 'make-snapshot', destination },
    ],
  });
}

/** A schedule and its state. */
export interface ScheduleInfo extends ScheduleSettings {
  /** When it is due next; absent if it is paused. */
  readonly next?: Date;
  readonly last?: ScheduleState['last'];
  /** Runs that have failed since the last that succeeded. */
  readonly failures: number;
  /** A run was due then, and has not begun. */
  readonly overdueSince?: Date;
}

export interface RunSchedulesOptions extends RunHookOptions {
  /** Runs what is due now, and returns. */
  readonly once?: boolean | undefined;
  /** The name of this process in the state that others read; by default its process id. */
  readonly name?: string | undefined;
  /** Where alerts are sent. */
  readonly sinks?: readonly AlertSink[] | undefined;
  readonly thresholds?: WatchThresholds | undefined;
  /** Called after every run. */
  readonly onRun?: ((report: RunReport<BackupTask>) => Promise<void> | void) | undefined;
  /** Called with what went wrong, except in the runs themselves. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How the destinations are checked. */
interface ConditionsOptions extends CallOptions {
  readonly thresholds?: WatchThresholds | undefined;
  /** How long the check of one destination may take, in milliseconds: one that has not answered by then can't be reached. Default `timeout` alone. */
  readonly within?: number | undefined;
}

/** What is not as it should be with a destination. */
interface DestinationConditions {
  readonly destination: string;
  readonly conditions: readonly Condition[];
  readonly facts: WatchFacts;
}

/** When a store is backed up, verified and tried, and whether it is. */
export class Schedules {
  readonly #area: BackupArea;
  readonly #backups: Backups;
  readonly #destinations: Destinations;
  readonly #storage: StateStorage;

  constructor(store: ObjectStore, backups: Backups, connect: Connect) {
    this.#area = extensionsOf(store).backup;
    this.#backups = backups;
    this.#destinations = new Destinations(this.#area, connect);
    this.#storage = storageIn(this.#area);
  }

  async #change(
    change: (schedules: readonly Schedule<BackupTask>[]) => readonly Schedule<BackupTask>[],
  ): Promise<void> {
    this.#area.checkOpen();
    await changeSchedules(this.#area, change);
  }

  /** All schedules and their states. */
  list(options?: CallOptions): Promise<ScheduleInfo[]> {
    return inTime('schedules.list', options, async () => {
      this.#area.checkOpen();
      const now = this.#area.clock.now();
      return Array.fromAsync(await schedulesOf(this.#area), async (schedule): Promise<ScheduleInfo> => {
        const { task, since: _, ...settings } = schedule;
        const status = await readScheduleStatus(this.#storage, this.#area.clock, schedule.id);
        const next = schedule.paused === true ? undefined : nextRun(schedule, now);
        const late = overdue(schedule, status, now);
        return {
          ...settings,
          ...task,
          ...(next && { next: new Date(next.start) }),
          ...(status.state?.last && { last: status.state.last }),
          failures: status.state?.failures ?? 0,
          ...(late && { overdueSince: new Date(late.start) }),
        };
      });
    });
  }

  /**
   * Adds a schedule, or changes the one with this id. It runs while some process runs the schedules of the store.
   *
   * @throws SecureStoreError `INVALID_ARGUMENT` for an invalid schedule, or a destination that is not registered; `TOO_LARGE`
   */
  add({ destination, ...settings }: ScheduleSettings, options?: CallOptions): Promise<void> {
    return changeInTime('schedules.add', options, this.#area.clock, async () => {
      checkTask(settings);
      const url = this.#destinations.named(destination);
      this.#checkRegistered(url);
      const schedule = scheduleOf({ ...settings, destination: url }, this.#area.clock.now());
      await this.#change((schedules) => withSchedule(schedules, schedule));
    });
  }

  /** @throws SecureStoreError `NOT_FOUND` */
  remove(id: string, options?: CallOptions): Promise<void> {
    return changeInTime('schedules.remove', options, this.#area.clock, () =>
      this.#change((schedules) => {
        if (!schedules.some((schedule) => schedule.id === id)) throw noSchedule(id);
        return schedules.filter((schedule) => schedule.id !== id);
      }),
    );
  }

  /** @throws SecureStoreError `INVALID_ARGUMENT` */
  #checkRegistered(url: string): void {
    if (registeredAt(this.#area, url) !== undefined) return;
    refuse(`${url} is not a registered destination`, { id: 'register-destination', destination: url });
  }

  async #perform({ task, destination, within }: BackupTask, signal: AbortSignal): Promise<void> {
    // Members have the key of schedules, too; the list of destinations is in the head, which the owner signs.
    await this.#area.confirm(signal);
    this.#checkRegistered(destination);
    if (task === 'backup') {
      const { failed } = await this.#backups.backup(destination, { signal });
      const [first] = failed;
      if (first !== undefined)
        throw new SecureStoreError('INTEGRITY', `${failed.length} versions could not be copied: ${first.message}`, {
          advice: [{ id: 'verify-store' }],
        });
    } else if (task === 'verify') {
      const { ok, findings } = await this.#backups.verify(destination, { signal, within });
      if (!ok) throw damagedBackup(findings[0]?.message, destination);
    } else if (task === 'drill') {
      const { ok, problems } = await this.#backups.drill(destination, { signal });
      if (!ok) throw damagedBackup(problems[0], destination);
    } else {
      await this.#backups.retain(destination, { signal });
    }
  }

  async #eachFacts(options?: Parameters<typeof factsOfAll>[2]): Promise<readonly DestinationFacts[]> {
    const [area, destinations, storage, backups] = [this.#area, this.#destinations, this.#storage, this.#backups];
    return factsOfAll({ area, destinations, storage, backups }, await schedulesOf(this.#area), options);
  }

  /** What is not as it should be with the backups, by destination. It needs no scheduler, so that a dead one shows, too. */
  conditions({ thresholds, within, ...options }: ConditionsOptions = {}): Promise<DestinationConditions[]> {
    return inTime('schedules.conditions', options, async (signal) => {
      this.#area.checkOpen();
      const all = await this.#eachFacts({ signal, within });
      return all.map(({ destination, facts }) => ({
        destination: destination.url,
        conditions: conditionsOf(facts, thresholds),
        facts,
      }));
    });
  }

  async #sendAlerts(options: RunSchedulesOptions): Promise<void> {
    const { sinks = [], thresholds, onFailure } = options;
    if (sinks.length === 0) return;
    for (const { destination, facts } of await this.#eachFacts()) {
      const id = `alerts ${destination.id}`;
      const alerts = new Alerts({ storage: this.#storage, id, clock: this.#area.clock, sinks, thresholds });
      const report = await alerts.check(facts);
      for (const { error } of report.failures) onFailure?.(error);
    }
  }

  /**
   * Runs the schedules when they are due, until the signal aborts, and tells what is not as it should be. Any number of processes may
   * do so: each run is one process's. With `once`, runs what is due now.
   *
   * @returns with `once`, the runs
   */
  async run(options: RunSchedulesOptions = {}): Promise<readonly RunReport<BackupTask>[]> {
    this.#area.checkOpen();
    const { once = false } = options;
    const runner = this.#runnerFor(options);
    if (once) {
      const reports = await runDueSchedules(runner);
      await this.#sendAlerts(options);
      return reports;
    }
    const ended = new AbortController();
    const watching = this.#watch(options, ended.signal);
    try {
      await runSchedules(runner);
    } finally {
      ended.abort();
      await watching;
    }
    return [];
  }

  /**
   * Runs one schedule now, whether it is due or not, also if it is paused. The run counts as the last one of the schedule, and makes up for all that
   * were missed. If it fails, the report says so.
   *
   * @throws SecureStoreError `NOT_FOUND` if there is no such schedule; `LOCKED` if another process runs it; what the backend throws
   */
  async runNow(id: string, options: Omit<RunSchedulesOptions, 'once'> = {}): Promise<RunReport<BackupTask>> {
    this.#area.checkOpen();
    const report = await runScheduleNow(this.#runnerFor(options), id);
    await this.#sendAlerts(options);
    return report;
  }

  #runnerFor(options: RunSchedulesOptions): RunnerOptions<BackupTask> {
    const { name = `process ${process.pid}`, onRun, onFailure, signal } = options;
    const { clock } = this.#area;
    const hooks = runHooks(clock, options, (error) => onFailure?.(error));
    return {
      schedules: () => schedulesOf(this.#area),
      state: this.#storage,
      clock,
      name,
      run: (schedule: Schedule<BackupTask>, _: unknown, ended: AbortSignal) => this.#perform(schedule.task, ended),
      hooks: {
        ...hooks,
        async after(report: RunReport<BackupTask>) {
          await hooks.after?.(report).catch((error: unknown) => onFailure?.(error));
          await onRun?.(report);
        },
        failed: (error: unknown) => onFailure?.(error),
      },
      signal,
    };
  }

  async #watch(options: RunSchedulesOptions, ended: AbortSignal): Promise<void> {
    while (!ended.aborted) {
      await this.#sendAlerts(options).catch((error: unknown) => options.onFailure?.(error));
      await this.#area.clock.sleep(CHECK_EVERY, ended).catch(() => undefined);
    }
  }
}
