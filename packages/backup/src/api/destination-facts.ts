import { asBuffer, SecureStoreError } from '@securestore/core-format';
import type { StateStorage } from '@securestore/jobs';
import type { BackupArea } from '@securestore/objects/internal';
import { inTime } from '@securestore/objects/internal';
import type { Backups } from './backups.ts';
import { findDestination } from '../repository/destination.ts';
import { lostBackup } from '../repository/errors.ts';
import { drilledAt } from '../restore/receipts.ts';
import type { ManagedPorts } from '../trust/destinations.ts';
import type { FoundPoint } from '../repository/snapshots.ts';
import { Points } from '../repository/snapshots.ts';
import type { RegisteredDestination } from '../trust/registry.ts';
import { registryOf } from '../trust/registry.ts';
import { ownerAt } from '../trust/migrated-from.ts';
import { failedChecksAt } from '../trust/failed-checks.ts';
import { evidenceOf, rolledBack, trustedTipAt } from '../trust/trusted-tip.ts';
import { stillMissing } from '../snapshot/missing-objects.ts';
import { ScrubState } from '../verify/rolling/scrub-state.ts';
import type { Schedule } from '../schedule/index.ts';
import { readScheduleStatus } from '../schedule/index.ts';
import type { BackupTask } from '../schedule/schedule-list.ts';
import { readChainTip } from '../trust/chain-tip.ts';
import type { WatchFacts } from '../schedule/alerts/index.ts';
import { scheduleFacts } from '../schedule/alerts/index.ts';

/** Points that are looked at for their sizes. */
const SIZES = 6;

/** What is known of a destination. */
export interface DestinationFacts {
  readonly destination: RegisteredDestination;
  readonly facts: WatchFacts;
}

export interface FactPorts extends ManagedPorts {
  /** Keeps the states of schedules. */
  readonly storage: StateStorage;
  /** Knows the continuous backups. */
  readonly backups: Pick<Backups, 'continuousStatus'>;
}

type Schedules = readonly Schedule<Pick<BackupTask, 'destination' | 'task'>>[];

/** What the store keeps: the states of its schedules, and of its continuous backup. */
async function knownOf(
  { area, storage, backups }: FactPorts,
  all: Schedules,
  { url }: RegisteredDestination,
  signal: AbortSignal | undefined,
): Promise<WatchFacts> {
  const now = area.clock.now();
  const own = all.filter(({ task }) => task.destination === url);
  const schedules = await Promise.all(
    own.map(async (schedule) => ({
      ...scheduleFacts(schedule, await readScheduleStatus(storage, area.clock, schedule.id), now),
      task: schedule.task.task,
    })),
  );
  const replication = await backups.continuousStatus(url, { signal });
  if (replication === undefined || replication.isOver) return { now, schedules, destination: url };
  const { reached, error, isAlive, silent } = replication;
  // If no process ships any more, the lag is at least the time since the last report.
  const lag = reached === undefined ? (isAlive ? undefined : silent) : Math.max(0, now - reached.time);
  return { now, schedules, destination: url, lag, continuous: { isAlive, error } };
}

/** The points from one on, as many as are looked at. */
async function newestFrom(points: Points, number: number, signal: AbortSignal | undefined): Promise<FoundPoint[]> {
  const found: FoundPoint[] = [];
  for await (const read of points.all(signal)) {
    if (!('error' in read) && read.number <= number) found.push(read);
    if (found.length === SIZES) break;
  }
  return found;
}

/** @param known what the store keeps */
async function factsOf(
  { area, destinations }: FactPorts,
  known: WatchFacts,
  destination: RegisteredDestination,
  signal: AbortSignal | undefined,
): Promise<WatchFacts> {
  const id = Buffer.from(destination.id, 'hex');
  const verified = (await new ScrubState(area, id).since()) ?? destination.registered;
  const drilled = await drilledAt(area, id);
  const failedChecks = await failedChecksAt(area, id, signal);
  const missing = await stillMissing(area, { id }, signal);
  return destinations.at(destination.url, signal, async ({ backend, url }) => {
    const found = await findDestination(backend, url, signal);
    // A registered destination has the keys of its backups.
    if (found === undefined) throw lostBackup(url);
    const there = asBuffer(found.id).toString('hex');
    if (there !== destination.id) {
      const isOther = registryOf(area).destinations.some((one) => one.id === there);
      if (isOther) return { ...known, replacedBy: there };
      throw new SecureStoreError('CONFLICT', `another destination is at ${url}: its id is ${there}`);
    }
    const belongsTo = ownerAt(area, found);
    if (belongsTo !== 'self') return { ...known, belongsTo };
    const points = new Points(found, area.seals);
    const trusted = area.hasKeys ? await trustedTipAt(area, found, signal) : undefined;
    const { newest, damaged } = await readChainTip(points, evidenceOf(area, found, trusted), signal);
    const [top] = damaged;
    if (top !== undefined) throw top.error;
    const gone = rolledBack(found, trusted, newest);
    if (gone !== undefined) throw new SecureStoreError('ROLLBACK', gone.message);
    const last = await newestFrom(points, newest?.number ?? 0, signal);
    return {
      ...known,
      lastGood: newest?.time,
      sizes: last.map(({ totals }) => totals.bytes).toReversed(),
      unverifiedSince: verified,
      missing,
      failedChecks,
      drilled,
    };
  });
}

/** The schedules that are to run and whose destinations are not registered: each run fails. */
export function unregisteredSchedules(
  area: BackupArea,
  schedules: Schedules,
): { readonly id: string; readonly destination: string }[] {
  const registered = new Set(registryOf(area).destinations.map(({ url }) => url));
  return schedules
    .filter(({ paused, task }) => paused !== true && !registered.has(task.destination))
    .map(({ id, task: { destination } }) => ({ id, destination }));
}

/**
 * What is known of all destinations of a store.
 *
 * @param within how long looking at one of them may take, in milliseconds
 */
export async function factsOfAll(
  ports: FactPorts,
  schedules: Schedules,
  { signal, within }: { readonly signal?: AbortSignal | undefined; readonly within?: number | undefined } = {},
): Promise<DestinationFacts[]> {
  // None waits for another, which may never answer.
  const looks = registryOf(ports.area).destinations.map(async (destination): Promise<DestinationFacts> => {
    const known = await knownOf(ports, schedules, destination, signal);
    try {
      const look = (ended: AbortSignal | undefined): Promise<WatchFacts> => factsOf(ports, known, destination, ended);
      return { destination, facts: await inTime('schedules.conditions', { signal, timeout: within }, look) };
    } catch (error) {
      if (!SecureStoreError.is(error) || signal?.aborted === true) throw error;
      // A destination that can't be read is as good as none.
      return { destination, facts: { ...known, unreachable: error.code, why: error.message } };
    }
  });
  return Promise.all(looks);
}
