import type { Layer, StorageBackend } from '@securestore/backend-api';
import { composeLayers } from '@securestore/backend-api';
import type { Hint } from '@securestore/core-format';
import { AREAS, decodeHint, workPrefix } from '@securestore/core-format';
import { FakeClock } from '../../../jobs/test/support/clock.ts';
import type { ObjectStore as Store } from '../../src/index.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { ObjectStore } from '../../src/store/object-store.ts';
import { openParts } from '../../src/store/open.ts';
import { openJournalBody } from '../../src/engine/sealed-objects.ts';
import type { Place } from './places.ts';
import { memoryPlace } from './places.ts';
import { atEnd, createAt, UNLOCK, usePlace } from './stores.ts';

/** An open store with the engine that it works with. */
export interface Process {
  readonly store: Store;
  readonly engine: Engine;
}

export interface ProcessOptions {
  readonly layers?: readonly Layer[];
  readonly wrap?: (backend: StorageBackend) => StorageBackend;
}

/** One place and one clock, that of its backend too, and any number of processes. */
export interface World {
  readonly place: Place;
  readonly clock: FakeClock;
  start(options?: ProcessOptions): Promise<Process>;
}

export async function worldOf({ journal = true, clock = new FakeClock() } = {}): Promise<World> {
  const place = usePlace(() => memoryPlace(() => clock.now()));
  await (await createAt(place, { clock, journal })).close();
  return {
    place,
    clock,
    async start({ layers = [], wrap = (backend) => backend }: ProcessOptions = {}) {
      const backend = composeLayers(wrap(await place.open()), layers);
      const parts = await openParts({ backend, url: place.url, unlock: UNLOCK, clock, maintenance: false });
      const store = new ObjectStore(parts);
      // A store whose backend was stopped by a test never closes.
      atEnd(() =>
        Promise.race([store.close().catch(() => undefined), new Promise<void>((done) => setImmediate(done))]),
      );
      return { store, engine: parts.engine };
    },
  };
}

export async function namesUnder({ backend }: Engine, prefix: string): Promise<string[]> {
  return (await backend.list(prefix)).entries.map(({ key }) => key);
}

/** All hints that lie there, in order. */
export async function hintsAt(engine: Engine): Promise<Hint[]> {
  const names = await namesUnder(engine, AREAS.journal);
  return Promise.all(
    names.map(async (name) => {
      const found = await engine.backend.read(name);
      if (found === undefined) throw new Error(`nothing at ${name}`);
      return decodeHint(await openJournalBody(engine, 'hint', name, found.body));
    }),
  );
}

export function writersAt(engine: Engine): Promise<string[]> {
  return namesUnder(engine, workPrefix('writer'));
}

/** A process that writes, and one that cleans up after it. */
export interface Scene extends Process {
  readonly world: World;
  readonly cleaner: Engine;
}

export async function scene(): Promise<Scene> {
  const world = await worldOf();
  return { world, cleaner: (await world.start()).engine, ...(await world.start()) };
}

export async function storeTimes(store: Process['store'], count: number): Promise<void> {
  for (let n = 0; n < count; n++) await store.store('k', `${n}`);
}

/** No call that a test waits for takes longer, in milliseconds. */
const LONGEST = 10_000;

/** Lets time pass until `work` is done; a process that was stopped never is. */
export async function passing<T>(clock: FakeClock, work: Promise<T>, step = 250): Promise<T> {
  const state = { going: true };
  const stop = (): void => void (state.going = false);
  work.then(stop, stop);
  for (let passed = 0; state.going && passed < LONGEST; passed += step) await clock.pass(step, step);
  return work;
}
