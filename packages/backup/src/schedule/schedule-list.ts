import { SecureStoreError } from '@securestore/core-format';
import type { StateStorage } from '@securestore/jobs';
import { isObject, SharedState } from '@securestore/jobs';
import type { BackupArea } from '@securestore/objects/internal';
import { refuseOption } from '../repository/errors.ts';
import { checkWithin } from '../verify/rolling/within.ts';
import type { Schedule } from './index.ts';
import { checkSchedule } from './index.ts';

export const MAX_SCHEDULES = 64;
const TASKS = ['backup', 'verify', 'drill', 'retention'] as const;

/** What a schedule does. */
export interface BackupTask {
  readonly task: (typeof TASKS)[number];
  /** The URL of the destination. */
  readonly destination: string;
  /** Only for `verify`: each run reads what is due, so that everything is read within so many milliseconds. */
  readonly within?: number | undefined;
}

/** When something is done with a destination. */
export interface ScheduleSettings extends Omit<Schedule<never>, 'since' | 'task'>, BackupTask {}

type Schedules = readonly Schedule<BackupTask>[];

interface ScheduleList {
  readonly schedules: Schedules;
}

/** URLs have none, and a log or an alert with one would show lines that are not its own. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Whether an entry of the list is a schedule: every member has the key of the store's states, and could write anything. */
function isSchedule(entry: unknown): entry is Schedule<BackupTask> {
  if (!isObject(entry) || !isObject(entry['task'])) return false;
  const { destination } = entry['task'];
  if (typeof destination !== 'string' || CONTROL.test(destination)) return false;
  try {
    checkSchedule(entry as unknown as Schedule<BackupTask>);
    return true;
  } catch (error) {
    if (SecureStoreError.is(error, 'INVALID_ARGUMENT')) return false;
    throw error;
  }
}

function parseList({ schedules }: Readonly<Record<string, unknown>>): ScheduleList | undefined {
  return Array.isArray(schedules) ? { schedules: schedules.filter((one) => isSchedule(one)) } : undefined;
}

const labelOf = (id: string): string => `state ${id}`;

/** Keeps states in the store, sealed. */
export function storageIn({ states }: BackupArea): StateStorage {
  return {
    read: (id, signal) => states.read(labelOf(id), signal),
    write: (id, state, condition) => states.write(labelOf(id), state, condition),
  };
}

function listOf(area: BackupArea): SharedState<ScheduleList> {
  const kind = { what: 'the list of schedules', version: 1, parse: parseList };
  return new SharedState(storageIn(area), area.clock, 'schedules', kind);
}

/** All schedules of a store. */
export async function schedulesOf(area: BackupArea): Promise<Schedules> {
  return (await listOf(area).read()).value?.schedules ?? [];
}

export async function changeSchedules(area: BackupArea, change: (schedules: Schedules) => Schedules): Promise<void> {
  await listOf(area).update(({ value }) => ({ schedules: change(value?.schedules ?? []) }));
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkTask({ task, within }: Pick<BackupTask, 'task' | 'within'>): void {
  if (!TASKS.includes(task)) refuseOption('task', `must be one of ${TASKS.join(', ')}`);
  if (within === undefined) return;
  checkWithin(within);
  if (task !== 'verify') refuseOption('within', 'is only for the task verify');
}

/** @param since from when on it is to run, in milliseconds since 1970. @throws SecureStoreError `INVALID_ARGUMENT` */
export function scheduleOf(
  { task, destination, within, ...timing }: ScheduleSettings,
  since: number,
): Schedule<BackupTask> {
  const work = { task, destination, ...(within !== undefined && { within }) };
  const schedule = { ...timing, since, task: work };
  checkSchedule(schedule);
  return schedule;
}

/** The list with another schedule, which replaces the one with the same id. @throws SecureStoreError `TOO_LARGE` */
export function withSchedule(schedules: Schedules, schedule: Schedule<BackupTask>): Schedules {
  const others = schedules.filter(({ id }) => id !== schedule.id);
  if (others.length >= MAX_SCHEDULES) {
    throw new SecureStoreError('TOO_LARGE', `a store can have at most ${MAX_SCHEDULES} schedules`, {
      advice: [{ id: 'remove-schedule' }],
    });
  }
  return [...others, schedule].toSorted((a, b) => (a.id < b.id ? -1 : 1));
}
