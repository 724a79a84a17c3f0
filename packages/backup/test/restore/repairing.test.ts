import { objectName, parseStoreKey } from '@securestore/core-format';
import { extensionsOf } from '@securestore/objects/internal';
import { describe, expect, it } from 'vitest';
import { DAY } from '../../../objects/test/support/collection.ts';
import type { Place } from '../../../objects/test/support/places.ts';
import type { World } from '../support/worlds.ts';
import { backupsOf, reached, worldOf } from '../support/worlds.ts';

/** Remembers all files of a place. @returns puts them back as they were, and removes all others */
async function remembered(place: Place): Promise<() => Promise<void>> {
  const backend = await reached(place);
  const names = async (): Promise<string[]> => (await backend.list('', { limit: 1000 })).entries.map(({ key }) => key);
  const files = new Map<string, Uint8Array>();
  for (const name of await names()) files.set(name, Buffer.from((await backend.read(name))?.body ?? []));
  return async () => {
    for (const name of await names()) if (!files.has(name)) await backend.delete(name);
    for (const [name, body] of files) await backend.write(name, body);
  };
}

const tokenOf = ({ store }: World, key: string): string => extensionsOf(store).backup.names.tokenOf(parseStoreKey(key));

/** Removes the record of an object, as a failing disk does. */
async function lose(world: World, key: string): Promise<void> {
  await (await reached(world.source)).delete(objectName(tokenOf(world, key)));
}

/** A store without a history, which was backed up with two objects: `kept`, and `k`, which tests lose. */
async function backedUp() {
  const world = await worldOf({ settings: { history: { versions: 0, days: 0 } } });
  const { store, clock, destination } = world;
  const backups = backupsOf(store, [destination]);
  await store.store('kept', 'x');
  await store.store('k', 'one');
  await backups.backup(destination.url);
  return {
    world,
    store,
    clock,
    destination,
    backups,
    /** The tokens of objects that the backup brings back. */
    lost: (): Promise<string[]> => backups.repairing(destination.url, async (_, tokens) => Array.fromAsync(tokens)),
    /** Collects the garbage of three days. */
    collected: async (): Promise<void> => {
      for (let day = 0; day < 3; day++) {
        clock.advance(DAY);
        await store.gc();
      }
    },
  };
}

describe('the objects that a backup is asked to bring back', () => {
  // T-BACKEND-15
  it('are none that was deleted after the destination was removed', async () => {
    const { world, store, destination, backups, lost, collected } = await backedUp();
    await lose(world, 'k');
    await backups.backup(destination.url);
    expect(await lost()).toEqual([tokenOf(world, 'k')]);
    await backups.unregister(destination.url);
    await store.store('k', 'again');
    await store.delete('k');
    await collected();
    expect((await (await reached(world.source)).list('o/', { limit: 10 })).entries).toHaveLength(1);
    expect(await lost()).toEqual([]);
  });

  // T-BACKEND-15
  it('are none of a snapshot that is older than the newest one was', async () => {
    const { world, store, clock, destination, backups, lost, collected } = await backedUp();
    const setBack = await remembered(destination);
    await store.store('k', 'two');
    await collected();
    await backups.backup(destination.url);
    await lose(world, 'k');
    await backups.backup(destination.url);
    clock.advance(DAY);
    expect(await lost()).toEqual([tokenOf(world, 'k')]);
    await setBack();
    expect(await lost()).toEqual([]);
  });

  it('are those that the last backup missed, also days later', async () => {
    const { world, clock, destination, backups, lost } = await backedUp();
    await lose(world, 'k');
    await backups.backup(destination.url);
    clock.advance(5 * DAY);
    expect(await lost()).toEqual([tokenOf(world, 'k')]);
  });
});
