import type { StorageBackend } from '@securestore/backend-api';
import { createFaultInjector } from '@securestore/backend-api';
import { AREAS } from '@securestore/core-format';
import { expect, it } from 'vitest';
import type { ObjectStore } from '../../src/index.ts';
import { namesUnder, skewed } from '../support/collection.ts';
import { EagerClock } from '../support/eager-clock.ts';
import { memoryPlace, withoutBatch } from '../support/places.ts';
import { createAt, failure, openAt, usePlace } from '../support/stores.ts';

interface World {
  readonly clock: EagerClock;
  readonly backend: StorageBackend;
  readonly purger: ObjectStore;
  readonly other: ObjectStore;
  /** Does something before the first look of the purger into a history, or the first after its tombstone. */
  readonly beforeItLooks: (which: 'first' | 'after its tombstone', act: () => Promise<void>) => void;
}

/** @param ahead how far the clock of the other client is ahead, in milliseconds */
async function newWorld(ahead = 0): Promise<World> {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const other = await createAt(place, { clock: skewed(clock, ahead), wrap: withoutBatch });
  const injector = createFaultInjector();
  const purger = await openAt(place, { clock, layers: [injector.layer] });
  const beforeItLooks: World['beforeItLooks'] = (which, act) => {
    let waiting = which === 'first';
    injector.plan(({ operation, key }) => {
      if (operation === 'write' && key?.startsWith(AREAS.objects) === true) waiting = true;
      if (!waiting || operation !== 'list' || key?.startsWith(AREAS.history) !== true) return undefined;
      injector.plan(undefined);
      return { type: 'delay', until: act() };
    });
  };
  return { clock, backend: await place.open(), purger, other, beforeItLooks };
}

/** Whether the versions of an object are deletions, newest first. */
async function deletions(store: ObjectStore, key: string): Promise<boolean[]> {
  return (await store.history(key)).map(({ deleted }) => deleted);
}

it('a purge that finds no object takes one that is stored meanwhile with its past, and not its past alone', async () => {
  const { purger, other, beforeItLooks } = await newWorld();
  beforeItLooks('first', async () => {
    await other.store('k', 'one');
    await other.store('k', 'two');
  });
  expect(await purger.purge('k')).toBe(true);
  expect(await other.history('k')).toMatchObject([{ purged: true }]);
  await other.store('k', 'three');
  await other.delete('k');
  expect((await other.undelete('k')).size).toBe(5);
});

it('a purge that finds no object removes the history that one has left, and leaves the mark of a purge', async () => {
  const { backend, purger, other } = await newWorld();
  await other.store('k', 'one');
  await other.store('k', 'two');
  for (const name of await namesUnder(backend, AREAS.objects)) await backend.delete(name);
  expect(await purger.purge('k')).toBe(true);
  expect(await namesUnder(backend, AREAS.history)).toEqual([]);
  expect(await purger.history('k')).toMatchObject([{ purged: true }]);
  await failure(purger.undelete('k'), 'NOT_FOUND');
  expect((await purger.verify()).findings).toEqual([]);
});

it('the purge of an object that has lost its record contradicts no checkpoint', async () => {
  const { backend, purger, other } = await newWorld();
  await other.store('k', 'one');
  await other.store('k', 'two');
  await other.checkpoint();
  for (const name of await namesUnder(backend, AREAS.objects)) await backend.delete(name);
  expect((await purger.verify()).findings).toMatchObject([{ kind: 'hidden' }]);
  expect(await purger.purge('k')).toBe(true);
  expect((await purger.verify()).findings).toEqual([]);
});

const MINUTE = 60_000;

/** An object with a past whose record is damaged, so that it does not tell its version. */
async function damage({ clock, backend, other }: World): Promise<void> {
  await other.store('k', 'one');
  await other.store('k', 'two');
  for (const name of await namesUnder(backend, AREAS.objects)) await backend.write(name, Buffer.from('damaged'));
  clock.advance(1000);
}

it.each([0, 5 * MINUTE])('a purge of a damaged object removes its past, numbered %d ms ahead', async (ahead) => {
  const world = await newWorld(ahead);
  await damage(world);
  await world.purger.purge('k');
  expect(await namesUnder(world.backend, AREAS.history)).toEqual([]);
  expect(await world.other.history('k')).toMatchObject([{ purged: true }]);
});

it('a purge of a damaged object leaves the past of what is stored after it', async () => {
  const world = await newWorld();
  await damage(world);
  const { purger, other, beforeItLooks } = world;
  beforeItLooks('after its tombstone', async () => {
    await other.store('k', 'three');
    await other.store('k', 'four');
  });
  await purger.purge('k');
  expect(await deletions(other, 'k')).toEqual([false, false, true]);
});
