import { objectName, parseStoreKey } from '@securestore/core-format';
import type { ObjectStore } from '@securestore/objects';
import { extensionsOf } from '@securestore/objects/internal';
import { describe, expect, it } from 'vitest';
import { DAY } from '../../../objects/test/support/collection.ts';
import type { World } from '../support/worlds.ts';
import { backupsOf, memoryAt, reached, snapshotAt, worldOf } from '../support/worlds.ts';
import { usePlace } from '../../../objects/test/support/stores.ts';

const NONE = { count: 0, keys: [] };

/** Removes the record of an object, as a failing disk does. */
async function lose(world: World, store: ObjectStore, key: string): Promise<void> {
  const token = extensionsOf(store).backup.names.tokenOf(parseStoreKey(key));
  await (await reached(world.source)).delete(objectName(token));
}

/** A store with a snapshot of `a`, in two versions, `b` and `c`, a minute and more ago. */
async function scene() {
  const world = await worldOf({ settings: { history: { versions: 0, days: 0 } } });
  const { store, clock, destination } = world;
  const scratch = usePlace(() => memoryAt(clock));
  for (const [key, data] of Object.entries({ a: 'one', b: 'x', c: 'y' })) await store.store(key, data);
  await store.store('a', 'two');
  clock.advance(5 * 60_000);
  await snapshotAt(store, destination);
  clock.advance(5 * 60_000);
  const backups = backupsOf(store, [destination, scratch]);
  const drill = () => backups.drill(destination.url, { scratch: scratch.url });
  return { world, store, clock, backups, drill };
}

describe('a drill of a store that has lost objects', () => {
  it('names each of them, and finds nothing wrong with the backup', async () => {
    const { world, store, drill } = await scene();
    for (const key of ['a', 'b']) await lose(world, store, key);
    const report = await drill();
    expect(report).toMatchObject({ ok: true, found: 0, problems: [], missing: { count: 2 } });
    expect(report.missing.keys.toSorted()).toEqual(['a', 'b']);
  });

  it('names them days later if the last backup missed them, or older versions exist', async () => {
    const { world, store, clock, drill } = await scene();
    for (const key of ['a', 'b']) await lose(world, store, key);
    await store.store('d', 'z');
    expect(await snapshotAt(store, world.destination)).toMatchObject({ missing: { count: 2 } });
    clock.advance(2 * DAY);
    expect(await drill()).toMatchObject({ ok: true, missing: { count: 2 } });
  });

  it('takes no deletion and no purge for a loss, also once they are forgotten', async () => {
    const { world, store, clock, drill } = await scene();
    await store.delete('a');
    await store.purge('b');
    expect(await drill()).toMatchObject({ ok: true, problems: [], missing: NONE });
    for (let day = 0; day < 9; day++) {
      clock.advance(DAY);
      await store.gc();
    }
    expect((await (await reached(world.source)).list('o/', { limit: 10 })).entries).toHaveLength(1);
    expect(await drill()).toMatchObject({ ok: true, problems: [], missing: NONE });
  });

  it('counts no object that was stored again', async () => {
    const { world, store, drill } = await scene();
    await lose(world, store, 'c');
    await store.store('c', 'other');
    expect(await drill()).toMatchObject({ missing: NONE });
  });
});
