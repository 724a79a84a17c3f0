import { lazyPart } from '@securestore/core-format';
import type { CallOptions, ObjectStore } from '@securestore/objects';
import type { BackupArea } from '@securestore/objects/internal';
import { changeInTime, extensionsOf, inTime } from '@securestore/objects/internal';
import type { Backups } from './backups.ts';
import type { ConditionsOptions, DestinationConditions, RunSchedulesOptions, ScheduleInfo } from './schedule-types.ts';
import type { ScheduleWork } from './schedule-work.ts';
import type { RunReport } from '../schedule/index.ts';
import type { BackupTask, ScheduleSettings } from '../schedule/schedule-list.ts';
import type { Connect } from '../trust/destinations.ts';
import { Destinations } from '../trust/destinations.ts';

/** When a store is backed up, verified and tried, and whether it is. What the calls do is loaded by the first of them. */
export class Schedules {
  readonly #area: BackupArea;
  readonly #load: () => Promise<ScheduleWork>;

  constructor(store: ObjectStore, backups: Backups, connect: Connect) {
    const { backup: area } = extensionsOf(store);
    this.#area = area;
    this.#load = lazyPart('schedules', async () => {
      const { ScheduleWork: Work } = await import('./schedule-work.ts');
      return new Work(area, backups, new Destinations(area, connect));
    });
  }

  /** All schedules and their states. */
  list(options?: CallOptions): Promise<ScheduleInfo[]> {
    return inTime('schedules.list', options, async () => (await this.#load()).list());
  }

  /**
   * Adds a schedule, or changes the one with this id. It runs while some process runs the schedules of the store.
   *
   * @throws SecureStoreError `INVALID_ARGUMENT` for an invalid schedule, or a destination that is not registered; `TOO_LARGE`
   */
  add(settings: ScheduleSettings, options?: CallOptions): Promise<void> {
    return changeInTime('schedules.add', options, this.#area.clock, async () => (await this.#load()).add(settings));
  }

  /** @throws SecureStoreError `NOT_FOUND` */
  remove(id: string, options?: CallOptions): Promise<void> {
    return changeInTime('schedules.remove', options, this.#area.clock, async () => (await this.#load()).remove(id));
  }

  /** What is not as it should be with the backups, by destination. It needs no scheduler, so that a dead one shows, too. */
  conditions({ thresholds, within, ...options }: ConditionsOptions = {}): Promise<DestinationConditions[]> {
    return inTime('schedules.conditions', options, async (signal) =>
      (await this.#load()).conditions(thresholds, { signal, within }),
    );
  }

  /**
   * Runs the schedules when they are due, until the signal aborts, and tells what is not as it should be. Any number of processes may
   * do so: each run is one process's. With `once`, runs what is due now.
   *
   * @returns with `once`, the runs
   */
  async run(options: RunSchedulesOptions = {}): Promise<readonly RunReport<BackupTask>[]> {
    this.#area.checkOpen();
    return (await this.#load()).run(options);
  }
  /**
   * Runs one schedule now, whether it is due or not, also if it is paused. The run counts as the last one of the schedule, and makes up for all that
   * were missed. If it fails, the report says so.
   *
   * @throws SecureStoreError `NOT_FOUND` if there is no such schedule; `LOCKED` if another process runs it; what the backend throws
   */
  async runNow(id: string, options: Omit<RunSchedulesOptions, 'once'> = {}): Promise<RunReport<BackupTask>> {
    this.#area.checkOpen();
    return (await this.#load()).runNow(id, options);
  }
}
