import { expect, it } from 'vitest';
import { EagerClock } from '../../../objects/test/support/eager-clock.ts';
import type { Place } from '../../../objects/test/support/places.ts';
import { sqlitePlace } from '../../../objects/test/support/places.ts';
import { createAt, failure, openAt, usePlace } from '../../../objects/test/support/stores.ts';
import { Backups } from '../../src/index.ts';
import { Shelf } from '../support/shelf.ts';

const PLACE = 'memory:backups';
const START = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const MONTH: number = 30 * 24 * 60 * MINUTE;

/** A database on a machine whose clock is another one from time to time. */
class Machine {
  clock = new EagerClock(START);
  readonly shelf: Shelf = new Shelf(() => this.clock.now());
  readonly place: Place = usePlace(() => sqlitePlace(() => this.clock));

  /** Runs `use` with the store and its backups, as a process that has the clock of now. */
  async run<T>(use: (store: Awaited<ReturnType<typeof openAt>>, backups: Backups) => Promise<T>): Promise<T> {
    const store = await openAt(this.place, { clock: this.clock });
    try {
      return await use(store, new Backups(store, this.shelf.connect));
    } finally {
      await store.close();
    }
  }

  /** The value of an object at a moment, by the backup. */
  valueAt(at: number): Promise<string> {
    return this.run((_, backups) =>
      backups.read(PLACE, { at: new Date(at) }, async (store) => (await store.retrieve('a')).text()),
    );
  }
}

async function machine(): Promise<Machine> {
  const made = new Machine();
  await (await createAt(made.place, { clock: made.clock })).close();
  return made;
}

it('a store whose clock is up to ten minutes ahead is backed up, and continuously', async () => {
  const world = await machine();
  await world.run((store) => store.store('a', '1'));
  world.clock = new EagerClock(START - 9 * MINUTE);
  await world.run(async (store, backups) => {
    await store.store('a', '2');
    await backups.backup(PLACE);
    await using continuous = await backups.startContinuous(PLACE);
    for (const value of ['3', '4']) {
      await store.store('a', value);
      await continuous.caughtUp();
    }
    expect(continuous.status).toMatchObject({ findings: [] });
    expect(continuous.status.error).toBeUndefined();
  });
  expect(await world.valueAt(START + MONTH)).toBe('4');
});

it('a write that waits for the backup of another process does not take a point of a wrong clock for its own', async () => {
  const world = await machine();
  world.clock = new EagerClock(START + MONTH);
  await world.run(async (store, backups) => {
    await store.store('a', '1');
    await backups.backup(PLACE);
  });
  world.clock = new EagerClock(START + 20 * MINUTE);
  const backend = await world.place.open();
  await backend.resetClock?.();
  await backend.close();
  await world.run(async (store, backups) => {
    const end = backups.waitForBackup(PLACE);
    expect(await failure(store.store('a', '2'), 'UNAVAILABLE')).toMatchObject({ outcome: 'unknown' });
    await end();
    const other = await openAt(world.place, { clock: world.clock });
    await using _ = await new Backups(other, world.shelf.connect).startContinuous(PLACE);
    const again = backups.waitForBackup(PLACE);
    await store.store('a', '3');
    await again();
    expect(await world.valueAt(world.clock.now())).toBe('3');
  });
});

it('a store that was used with a clock a month ahead is mended: versions stay in order, and each moment is found', async () => {
  const world = await machine();
  const versions: string[] = [];
  const write = async (value: string): Promise<void> =>
    world.run(async (store, backups) => {
      versions.push((await store.store('a', value)).version);
      await backups.backup(PLACE);
    });
  await write('1');
  const first = world.clock.now();
  world.clock = new EagerClock(START + MONTH);
  await write('2');
  world.clock = new EagerClock(START + 20 * MINUTE);
  await world.run(async (store, backups) => {
    const refused = await failure(store.store('a', '3'), 'UNAVAILABLE');
    expect(refused.message).toMatch(/clock of the store is 25\d{5} s ahead of this machine's/);
    expect(refused.advice).toContainEqual({ id: 'reset-clock' });
    const backend = await world.place.open();
    expect(await backend.resetClock?.()).toBeGreaterThan(MONTH - 20 * MINUTE);
    await backend.close();
    // A process that has the store open sees it when it reads the head the next time.
    await world.clock.sleep(5_000);
    versions.push((await store.store('a', '3')).version);
    await backups.backup(PLACE);
    await store.store('a', '4');
    await backups.backup(PLACE);
    expect((await store.verify()).ok).toBe(true);
    expect(await backups.verify(PLACE, { depth: 'opens' })).toMatchObject({ ok: true });
  });
  expect(versions).toEqual(versions.toSorted());
  expect(await world.valueAt(first + MINUTE)).toBe('1');
  expect(await world.valueAt(world.clock.now())).toBe('4');
});
