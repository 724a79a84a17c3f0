import { decodeHead, HEAD_NAME, SecureStoreError } from '@securestore/core-format';
import type { ObjectStore } from '@securestore/objects';
import { openObjectStore } from '@securestore/objects';
import type { Dice } from '../../../objects/test/simulation/dice.ts';
import { trouble } from '../../../objects/test/simulation/actors/trouble.ts';
import type { SimulatedProcess } from '../../../objects/test/simulation/process.ts';
import type { Fate } from '../../../objects/test/simulation/weather.ts';
import { cancelMigration, replicateStoreBack, migrateObjectStore } from '../../src/index.ts';
import type { MigrationReport } from '../../src/index.ts';
import type { MigrationWorld, Site } from './world.ts';

/** How often a move is begun, or gone on with, at most, by how many processes. */
const MAX_LIVES = 6;
const MAX_TRIES = 4;

/** Errors that leave a move to the next try. */
const PASSING: readonly string[] = ['UNAVAILABLE', 'TIMEOUT', 'LOCKED', 'CONFLICT', 'ABORTED'];

/** A change of a head in which something happens to whoever makes it. */
interface Moment {
  readonly name: string;
  readonly at: 'source' | 'target';
  readonly matches: (body: Uint8Array) => boolean;
}

const headWith =
  (matches: (head: ReturnType<typeof decodeHead>['head']) => boolean) =>
  (body: Uint8Array): boolean =>
    matches(decodeHead(body).head);

const MOMENTS: readonly Moment[] = [
  { name: 'announcing', at: 'source', matches: headWith(({ migration }) => migration?.stage === 'announced') },
  { name: 'closing', at: 'source', matches: headWith(({ state }) => state === 'closing') },
  { name: 'landing', at: 'target', matches: () => true },
  { name: 'landing', at: 'target', matches: () => true },
  { name: 'leaving', at: 'source', matches: headWith(({ state }) => state === 'moved') },
];

function drawFate(dice: Dice): Fate {
  const there = dice.magnitude(1, 60);
  const long = dice.pick([dice.magnitude(100, 3000), dice.between(8000, 25_000), dice.between(25_000, 90_000)]);
  switch (dice.pick(['sleeper', 'sleeper', 'answer lost', 'late', 'held', 'on its way'] as const)) {
    case 'answer lost':
      return { name: 'answer lost', arrivals: [there], fails: { after: there + long, certain: false } };
    case 'late':
      return { name: 'late', arrivals: [there + long], fails: { after: dice.magnitude(30, 3000), certain: false } };
    case 'held':
      return { name: 'answered late', arrivals: [there], answer: there + long };
    case 'on its way':
      return { name: 'held on its way', arrivals: [there + long], answer: there };
    default: {
      const stops = { how: dice.pick(['pause', 'suspend'] as const), duration: long };
      return { name: 'sent by a process that then stops', arrivals: [there], answer: there, stops };
    }
  }
}

/** Has something happen to the migrator at a change of a head, which is where it matters most. */
function catchAt(
  world: MigrationWorld,
  process: SimulatedProcess,
  dice: Dice,
  [from, to]: readonly [Site, Site],
): void {
  const dies = world.plan.diesTwice ? (['landing', 'closing'] as const)[world.migrators.length - 1] : undefined;
  if (dies === undefined && !dice.chance(world.plan.caught)) return;
  const { name, at, matches } = MOMENTS.find((moment) => moment.name === dies) ?? dice.pick(MOMENTS);
  const { network } = at === 'source' ? from : to;
  const there = dice.magnitude(1, 60);
  const fate = dies === undefined ? drawFate(dice) : { name: 'its last', arrivals: [there], answer: there };
  const kills = dies !== undefined || dice.chance(0.4);
  const afterwards = dies === undefined ? dice.magnitude(1, 3000) : 0;
  const happens = async (): Promise<void> => {
    await network.catchNext({ process, operation: 'write', prefix: HEAD_NAME, matches, fate });
    world.log.add(process.name, () => `is caught at ${name}${kills ? ', and dies' : ''}`);
    if (kills) world.scheduler.after(dice.chance(0.5) ? 0 : afterwards, () => process.kill());
  };
  void happens();
}

/** Opens what lies at a place for whoever moves it. */
function openForMove(world: MigrationWorld, process: SimulatedProcess, site: Site): Promise<ObjectStore> {
  const { clock, random } = process;
  return openObjectStore({
    backend: world.connect(process, site, []),
    url: site.url,
    unlock: world.secrets.kept,
    clock,
    random,
    maintenance: false,
    ignoreRedirect: true,
  });
}

/** Moves the store, or goes on with it. @returns what was reported */
export async function moveOnce(
  world: MigrationWorld,
  process: SimulatedProcess,
  [from, to]: readonly [Site, Site],
): Promise<MigrationReport> {
  const store = await openForMove(world, process, from);
  // What a purge has left that never came to its end is no reason to stay.
  const options = { partial: world.plan.habits.purges > 0 };
  return migrateObjectStore(store, { backend: world.connect(process, to, []), url: to.url }, options);
}

async function cancel(
  world: MigrationWorld,
  process: SimulatedProcess,
  [from, to]: readonly [Site, Site],
): Promise<void> {
  try {
    await cancelMigration(await openForMove(world, process, from), (_, body) =>
      body({ backend: world.connect(process, to, []), url: to.url }),
    );
  } catch (error) {
    if (SecureStoreError.is(error, 'NOT_FOUND')) return;
    throw error;
  }
  world.log.add(process.name, () => 'has given up the move');
}

async function keep(world: MigrationWorld, process: SimulatedProcess, dice: Dice, [from, to]: readonly [Site, Site]) {
  const store = await openForMove(world, process, to);
  const ended = new AbortController();
  process.clock.sleep(dice.magnitude(1000, 60_000)).then(
    () => ended.abort(),
    () => undefined,
  );
  const old = { backend: world.connect(process, from, []), url: from.url };
  await replicateStoreBack(store, old, { signal: ended.signal });
}

/** @returns what came of `body`; `undefined` where it is left to the next try */
async function tolerating<T>(
  world: MigrationWorld,
  process: SimulatedProcess,
  body: Promise<T>,
): Promise<T | undefined> {
  try {
    return await body;
  } catch (error) {
    world.log.add(process.name, () => `the move stopped: ${String(error)}`);
    if (!SecureStoreError.is(error) || !PASSING.includes(error.code)) {
      world.complain(`${process.name} failed: ${error instanceof Error ? (error.stack ?? '') : String(error)}`);
    }
    return undefined;
  }
}

/** One process that moves the store, in several tries. @returns whether it came to the end */
export async function live(
  world: MigrationWorld,
  process: SimulatedProcess,
  dice: Dice,
  places: readonly [Site, Site],
): Promise<boolean> {
  catchAt(world, process, dice, places);
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    if (tries > 0 && dice.chance(world.plan.cancels)) {
      await tolerating(world, process, cancel(world, process, places));
      await process.clock.sleep(dice.magnitude(100, 10_000));
    }
    const report = await tolerating(world, process, moveOnce(world, process, places));
    if (report !== undefined) {
      world.report(process, report, places);
      if (report.migrated) {
        if (dice.chance(0.3)) await keep(world, process, dice, places).catch(() => undefined);
        return true;
      }
    }
    await process.clock.sleep(dice.magnitude(100, 20_000));
  }
  return false;
}

/** Whoever wants the store to be elsewhere, and back again: begins processes that move it, each of which goes on where one before has died. */
export async function migrator(world: MigrationWorld, dice: Dice, length: number): Promise<void> {
  const { scheduler, plan } = world;
  let count = 0;
  for (let moves = 0; moves < plan.moves; moves++) {
    const later = dice.chance(0.7) ? plan.calendar.untilLater(dice, scheduler.now) : undefined;
    await scheduler.sleep(later ?? dice.magnitude(100, 15_000));
    const [one, two] = world.sites;
    const places = moves % 2 === 0 ? ([one, two] as const) : ([two, one] as const);
    let moved = false;
    for (let lives = 0; lives < MAX_LIVES && !moved; lives++) {
      const process = world.startProcess(`migrator ${++count}`, {
        skew: dice.between(-5, 5) * 60_000,
        drift: dice.between(-0.0002, 0.0002),
      });
      world.migrators.push(process);
      if (dice.chance(0.5)) trouble(world, process, dice.fork(), length);
      // A process that has died says nothing: whoever looks after it begins another one in time.
      const over = Promise.withResolvers<boolean>();
      live(world, process, dice.fork(), places).then(
        (came) => over.resolve(came),
        (error: unknown) => over.reject(error),
      );
      let done = false;
      const look = (): void => {
        if (!process.alive) over.resolve(false);
        else if (!done) scheduler.after(5000, look);
      };
      look();
      moved = await over.promise;
      done = true;
      if (!moved) await scheduler.sleep(dice.magnitude(100, 40_000));
    }
    // Whether it has moved or not: what was begun is gone on with in the end.
    if (!moved) return;
  }
}
