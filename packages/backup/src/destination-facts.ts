import { SecureStoreError } from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects';
import { findDestination } from './destination.ts';
import type { Places } from './places.ts';
import { Points } from './points.ts';
import type { RegisteredDestination } from './registry.ts';
import { registryOf } from './registry.ts';
import { CheckedMemory } from './rolling/memory.ts';
import type { Schedule } from './schedule/index.ts';
import { readScheduleStatus } from './schedule/index.ts';
import type { StateStorage } from './shared-state.ts';
import type { WatchFacts } from './watch/index.ts';
import { scheduleFacts } from './watch/index.ts';

/** Points that are looked at for their sizes. */
const SIZES = 6;

/** What is known of a destination. */
export interface DestinationFacts {
  readonly destination: RegisteredDestination;
  readonly facts: WatchFacts;
}

export interface FactPorts {
  readonly area: BackupArea;
  readonly places: Places;
  /** Where it stands how schedules go. */
  readonly storage: StateStorage;
}

type Schedules = readonly Schedule<{ readonly destination: string }>[];

async function factsOf(
  { area, places, storage }: FactPorts,
  all: Schedules,
  destination: RegisteredDestination,
): Promise<WatchFacts> {
  const now = area.clock.now();
  const schedules = all.filter(({ task }) => task.destination === destination.location);
  const facts = await Promise.all(
    schedules.map(async (schedule) =>
      scheduleFacts(schedule, await readScheduleStatus(storage, area.clock, schedule.id), now),
    ),
  );
  const memory = new CheckedMemory(area, Buffer.from(destination.id, 'hex'));
  const verified = (await memory.since()) ?? destination.registered;
  return places.at(destination.location, undefined, async ({ backend, location }) => {
    const found = await findDestination(backend, location);
    if (found === undefined) return { now, schedules: facts };
    const points = new Points(found, area.seals);
    const numbers = (await points.numbers()).slice(0, SIZES);
    const newest = await Promise.all(numbers.map((number) => points.read(number)));
    return {
      now,
      lastGood: newest[0]?.time,
      sizes: newest.map(({ totals }) => totals.bytes).toReversed(),
      unverifiedSince: verified,
      schedules: facts,
    };
  });
}

/** What is known of all destinations of a store. */
export async function factsOfAll(ports: FactPorts, schedules: Schedules): Promise<DestinationFacts[]> {
  const all: DestinationFacts[] = [];
  for (const destination of registryOf(ports.area).destinations) {
    try {
      all.push({ destination, facts: await factsOf(ports, schedules, destination) });
    } catch (error) {
      if (!SecureStoreError.is(error)) throw error;
      // What can't be looked at is as good as not there.
      all.push({ destination, facts: { now: ports.area.clock.now() } });
    }
  }
  return all;
}
