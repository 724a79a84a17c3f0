import { type Advice, pointNumber, SecureStoreError } from '@securestore/core-format';
import type { StateStorage } from '@securestore/jobs';
import type { BackupArea } from '@securestore/objects/internal';
import { refuse } from '../repository/errors.ts';
import type { BackupVerifyReport } from '../repository/findings.ts';
import type { Backups } from './backups.ts';
import type { DestinationFacts } from './destination-facts.ts';
import { factsOfAll, unregisteredSchedules } from './destination-facts.ts';
import type { Destinations } from '../trust/destinations.ts';
import { registeredAt } from '../trust/registry.ts';
import { runHooks } from '../schedule/run-hooks.ts';
import type { RunFindings, RunnerOptions, RunReport, Schedule } from '../schedule/index.ts';
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
import type { WatchFacts, WatchThresholds } from '../schedule/alerts/index.ts';
import { Alerts, conditionsOf } from '../schedule/alerts/index.ts';
import type { DestinationConditions, RunSchedulesOptions, ScheduleInfo } from './schedule-types.ts';

const CHECK_EVERY = 60_000;

/** The facts about all destinations, and the schedules whose destinations are not registered. */
interface AllFacts {
  readonly facts: readonly DestinationFacts[];
  readonly unregistered: ReturnType<typeof unregisteredSchedules>;
}

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

/** If the newest snapshot is intact, another one repairs nothing: the damaged ones are to be removed. */
function damagedOlder({ findings }: BackupVerifyReport, destination: string, hasRetention: boolean): SecureStoreError {
  const advice: Advice[] = [{ id: 'verify-backup', destination }];
  // A retention knows only whether the own file of a snapshot is whole; its rules remove the others in time.
  if (findings.some(({ name }) => pointNumber(name) !== undefined)) {
    advice.push({ id: 'remove-damaged-snapshots', destination });
  } else if (!hasRetention) advice.push({ id: 'set-retention', destination });
  return new SecureStoreError('INTEGRITY', findings[0]?.message ?? `the backup at ${destination} is damaged`, {
    advice,
  });
}

/** The work of {@link Schedules}, loaded with its first call. */
export class ScheduleWork {
  readonly #area: BackupArea;
  readonly #backups: Backups;
  readonly #destinations: Destinations;
  readonly #storage: StateStorage;

  constructor(area: BackupArea, backups: Backups, destinations: Destinations) {
    this.#area = area;
    this.#backups = backups;
    this.#destinations = destinations;
    this.#storage = storageIn(area);
  }

  async #change(
    change: (schedules: readonly Schedule<BackupTask>[]) => readonly Schedule<BackupTask>[],
  ): Promise<void> {
    this.#area.checkOpen();
    await changeSchedules(this.#area, change);
  }

  /** All schedules and their states. */
  async list(): Promise<ScheduleInfo[]> {
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
  }

  /** @throws SecureStoreError as `Schedules.add` */
  async add({ destination, ...settings }: ScheduleSettings): Promise<void> {
    checkTask(settings);
    const url = this.#destinations.named(destination);
    this.#checkRegistered(url);
    const schedule = scheduleOf({ ...settings, destination: url }, this.#area.clock.now());
    await this.#change((schedules) => withSchedule(schedules, schedule));
  }

  /** @throws SecureStoreError `NOT_FOUND` */
  async remove(id: string): Promise<void> {
    await this.#change((schedules) => {
      if (!schedules.some((schedule) => schedule.id === id)) throw noSchedule(id);
      return schedules.filter((schedule) => schedule.id !== id);
    });
  }

  /** @throws SecureStoreError `INVALID_ARGUMENT` */
  #checkRegistered(url: string): void {
    if (registeredAt(this.#area, url) !== undefined) return;
    refuse(`${url} is not a registered destination`, { id: 'register-destination', destination: url });
  }

  async #perform({ task, destination, within }: BackupTask, signal: AbortSignal): Promise<RunFindings | undefined> {
    // Members have the key of schedules, too; the list of destinations is in the head, which the owner signs.
    await this.#area.confirm(signal);
    this.#checkRegistered(destination);
    if (task === 'backup') {
      const { failed, findings, destinationFindings, missing } = await this.#backups.backup(destination, { signal });
      const [first] = failed;
      if (first !== undefined)
        throw new SecureStoreError('INTEGRITY', `${failed.length} versions could not be copied: ${first.message}`, {
          advice: [{ id: 'verify-store' }],
        });
      return { findings, destinationFindings, missing };
    } else if (task === 'verify') {
      const report = await this.#backups.verify(destination, { signal, within });
      if (!report.ok && report.affectsNewest === false) {
        const { retention } = registeredAt(this.#area, destination) ?? {};
        throw damagedOlder(report, destination, retention !== undefined);
      }
      if (!report.ok) throw damagedBackup(report.findings[0]?.message, destination);
    } else if (task === 'drill') {
      const { ok, problems, missing } = await this.#backups.drill(destination, { signal });
      if (!ok) throw damagedBackup(problems[0], destination);
      return { missing };
    } else {
      await this.#backups.retain(destination, { signal });
    }
    return undefined;
  }

  /** The facts about each destination, and the schedules that have none. */
  async #allFacts(options?: Parameters<typeof factsOfAll>[2]): Promise<AllFacts> {
    const [area, destinations, storage, backups] = [this.#area, this.#destinations, this.#storage, this.#backups];
    const schedules = await schedulesOf(area);
    const facts = await factsOfAll({ area, destinations, storage, backups }, schedules, options);
    return { facts, unregistered: unregisteredSchedules(area, schedules) };
  }

  /** The conditions of all backups that need attention, by destination. */
  async conditions(
    thresholds: WatchThresholds | undefined,
    options: Parameters<typeof factsOfAll>[2],
  ): Promise<DestinationConditions[]> {
    this.#area.checkOpen();
    const { facts: all, unregistered } = await this.#allFacts(options);
    const found = all.map(({ destination, facts }) => ({
      destination: destination.url,
      id: destination.id,
      conditions: conditionsOf(facts, thresholds),
      facts,
    }));
    const now = this.#area.clock.now();
    const others = [...Map.groupBy(unregistered, ({ destination }) => destination)].map(([destination, schedules]) => {
      const facts = { now, destination, unregistered: schedules };
      return { destination, id: '', conditions: conditionsOf(facts, thresholds), facts };
    });
    return [...found, ...others];
  }

  async #sendAlerts(options: RunSchedulesOptions): Promise<void> {
    const { sinks = [], thresholds, onFailure } = options;
    if (sinks.length === 0) return;
    const { clock } = this.#area;
    const send = async (id: string, facts: WatchFacts): Promise<void> => {
      const alerts = new Alerts({ storage: this.#storage, id: `alerts ${id}`, clock, sinks, thresholds });
      const report = await alerts.check(facts);
      for (const { error } of report.failures) onFailure?.(error);
    };
    const { facts: all, unregistered } = await this.#allFacts();
    for (const { destination, facts } of all) await send(destination.id, facts);
    // In one state, so that sinks get the end when a destination is registered again.
    await send('unregistered', { now: clock.now(), unregistered });
  }

  /** Runs the schedules when they are due. @returns with `once`, the runs */
  async run(options: RunSchedulesOptions): Promise<readonly RunReport<BackupTask>[]> {
    this.#area.checkOpen();
    const runner = this.#runnerFor(options);
    if (options.once === true) {
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

  async runNow(id: string, options: Omit<RunSchedulesOptions, 'once'>): Promise<RunReport<BackupTask>> {
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
