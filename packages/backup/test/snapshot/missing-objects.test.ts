import { AREAS } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { DAY } from '../../../objects/test/support/collection.ts';
import type { World } from '../support/worlds.ts';
import { backupAt, reached, snapshotAt, worldOf } from '../support/worlds.ts';

const NONE = { count: 0, keys: [] };

/** Removes the records of all objects, as a failing disk does. */
async function lose({ source }: World): Promise<void> {
  const backend = await reached(source);
  const { entries } = await backend.list(AREAS.objects, { limit: 1000 });
  for (const { key } of entries) await backend.delete(key);
}

/** A world whose store has `a`, in two versions, and `b`, and was backed up. */
async function backedUp(): Promise<World> {
  const world = await worldOf();
  await world.store.store('a', 'one');
  await world.store.store('a', 'two');
  await world.store.store('b', 'x');
  await snapshotAt(world.store, world.destination);
  return world;
}

describe('a snapshot', () => {
  it('names the objects that the store has lost, and keeps them', async () => {
    const world = await backedUp();
    await lose(world);
    await world.store.store('c', 'y');
    const report = await snapshotAt(world.store, world.destination);
    expect(report).toMatchObject({ objects: 3, forgotten: NONE });
    expect({ ...report.missing, keys: report.missing.keys.toSorted() }).toEqual({ count: 2, keys: ['a', 'b'] });
    expect(report.findings).toEqual([
      '2 objects are missing from the store, though they were neither deleted nor purged',
    ]);
    const copy = await (await backupAt(world.destination, world.clock)).open();
    expect(Buffer.from((await copy.retrieve('a')).data).toString('utf8')).toBe('two');
    // Each later snapshot says so again.
    expect(await snapshotAt(world.store, world.destination)).toMatchObject({ missing: { count: 2 } });
  });

  it('takes no deletion, purge or expiry for a loss, also once they are forgotten', async () => {
    const world = await worldOf({ settings: { history: { versions: 0, days: 0 } } });
    const { store, clock, destination } = world;
    await store.store('kept', 'x');
    for (const key of ['deleted', 'purged', 'purged early']) await store.store(key, 'x');
    await store.store('expired', 'x', { expires: new Date(clock.now() + 1000) });
    await snapshotAt(store, destination);
    await store.delete('deleted');
    await store.purge('purged');
    await store.purge('purged early');
    expect(await snapshotAt(store, destination)).toMatchObject({ missing: NONE, findings: [] });
    for (let day = 0; day < 5; day++) {
      clock.advance(DAY);
      await store.gc();
      expect(await snapshotAt(store, destination)).toMatchObject({ missing: NONE, forgotten: NONE, findings: [] });
    }
    const backend = await reached(world.source);
    expect((await backend.list(AREAS.objects, { limit: 100 })).entries).toHaveLength(1);
  });

  it('ends the finding when an object was restored, stored again or purged', async () => {
    const world = await backedUp();
    await lose(world);
    expect(await snapshotAt(world.store, world.destination)).toMatchObject({ missing: { count: 2 } });
    expect(await world.store.purge('a')).toBe(true);
    await world.store.store('b', 'again');
    expect(await snapshotAt(world.store, world.destination)).toMatchObject({ missing: NONE, findings: [], objects: 1 });
  });

  it('says that objects are gone, without a finding, if the journal was not kept for it', async () => {
    const world = await worldOf({ settings: { history: { versions: 0, days: 0 } } });
    const { store, clock, destination } = world;
    for (const key of ['deleted', 'lost']) await store.store(key, 'x');
    await snapshotAt(store, destination);
    await store.delete('deleted');
    await lose(world);
    await store.store('kept', 'x');
    for (let day = 0; day < 9; day++) {
      clock.advance(DAY);
      await store.gc();
    }
    const report = await snapshotAt(store, destination);
    expect(report).toMatchObject({ findings: [], missing: NONE, objects: 1 });
    expect(report.forgotten.count).toBe(2);
  });
});
