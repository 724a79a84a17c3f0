import { MemoryBackend } from '@securestore/backend-memory';
import type { ObjectStore } from '@securestore/objects';
import { extensionsOf } from '@securestore/objects/internal';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../jobs/test/support/clock.ts';
import { DAY, processAt, whileTimePasses } from '../../../objects/test/support/collection.ts';
import { memoryPlace } from '../../../objects/test/support/places.ts';
import { createAt, UNLOCK, usePlace } from '../../../objects/test/support/stores.ts';
import type { OpenedBackup, SnapshotReport } from '../../src/index.ts';
import { makeSnapshot, openBackup } from '../../src/index.ts';

interface World {
  readonly clock: FakeClock;
  readonly store: ObjectStore;
  readonly snapshot: () => Promise<SnapshotReport>;
  readonly open: () => Promise<OpenedBackup>;
}

let count = 0;

async function newWorld(): Promise<World> {
  const clock = new FakeClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  await (await createAt(place, { clock, history: { versions: 0, days: 0 } })).close();
  const { store } = await processAt(place, { clock });
  const url = `memory:backup${(count += 1)}`;
  const backend = new MemoryBackend({ clock: () => clock.now() });
  await backend.init({ url, options: {} });
  return {
    clock,
    store,
    snapshot: () => whileTimePasses(clock, makeSnapshot(extensionsOf(store).backup, { backend, url })),
    open: () => openBackup({ backend, url, unlock: UNLOCK, clock }),
  };
}

describe.each([
  ['a snapshot of long ago', 9],
  ['a snapshot that has the deletion', 2],
])('what was deleted and forgotten since %s', (_, days) => {
  async function forgotten(): Promise<World> {
    const world = await newWorld();
    const { clock, store, snapshot } = world;
    await store.store('kept', 'x');
    await store.store('deleted', 'x');
    await snapshot();
    await store.delete('deleted');
    if (days < 7) await snapshot();
    clock.advance(days * DAY);
    await whileTimePasses(clock, Promise.resolve(store.gc()));
    return world;
  }

  it('is in no later one', async () => {
    const { store, snapshot, open } = await forgotten();
    expect(await snapshot()).toMatchObject({ objects: 1, findings: [], failed: [] });
    await store.store('kept', 'y');
    expect(await snapshot()).toMatchObject({ objects: 1, findings: [], failed: [] });
    const backup = await open();
    expect(await (await backup.open()).has('deleted')).toBe(false);
    expect(await (await backup.open({ snapshot: 1 })).has('deleted')).toBe(true);
  });

  it('is no past of what is stored under its name since', async () => {
    const { clock, store, snapshot, open } = await forgotten();
    await store.store('deleted', 'y');
    expect(await snapshot()).toMatchObject({ objects: 2, versions: 2, deleted: 0, findings: [], failed: [] });
    const latest = await (await open()).open();
    expect(await latest.history('deleted')).toHaveLength(1);
    expect(await whileTimePasses(clock, Promise.resolve(latest.verify()))).toMatchObject({ ok: true, findings: [] });
  });

  it('is no past of what is stored and changed under its name since', async () => {
    const { clock, store, snapshot, open } = await forgotten();
    await store.store('deleted', 'y');
    await store.store('deleted', 'z');
    expect(await snapshot()).toMatchObject({ objects: 2, versions: 3, deleted: 0, findings: [], failed: [] });
    const latest = await (await open()).open();
    expect(await latest.history('deleted')).toHaveLength(2);
    expect(await whileTimePasses(clock, Promise.resolve(latest.verify()))).toMatchObject({ ok: true, findings: [] });
  });
});
