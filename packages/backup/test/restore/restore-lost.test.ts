import type { Layer } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { AREAS, objectName, parseStoreKey } from '@securestore/core-format';
import { extensionsOf } from '@securestore/objects/internal';
import { describe, expect, it } from 'vitest';
import { openAt } from '../../../objects/test/support/stores.ts';
import type { World } from '../support/worlds.ts';
import { backupsOf, reached, snapshotAt, worldOf } from '../support/worlds.ts';

/** A store and its backups at a destination, of which the listings of histories are counted. */
async function watched({ source, destination, clock }: World) {
  const listed: string[] = [];
  const counting: Layer = (inner) =>
    forwardTo(inner, {
      list: (prefix, options) => {
        if (prefix.startsWith(AREAS.history)) listed.push(prefix);
        return inner.list(prefix, options);
      },
    });
  const store = await openAt(source, { clock, layers: [counting] });
  return { store, backups: backupsOf(store, [destination]), listed };
}

/** Removes the record of an object, as a failing disk does. */
async function lose({ source, store }: World, key: string): Promise<void> {
  const token = extensionsOf(store).backup.names.tokenOf(parseStoreKey(key));
  await (await reached(source)).delete(objectName(token));
}

describe('a restore of an object that the store has lost', () => {
  it.each([3, 300_000])('continues its history, with %i bytes', async (length) => {
    const world = await worldOf();
    await world.store.store('k', 'one');
    await world.store.store('k', 'x'.repeat(length));
    const [, first] = await world.store.history('k');
    await snapshotAt(world.store, world.destination);
    await lose(world, 'k');
    const { store, backups } = await watched(world);
    expect(await backups.restore(world.destination.url, { keys: ['k'] })).toMatchObject({ created: 1, failed: [] });
    const history = await store.history('k');
    expect(history.map(({ current }) => current)).toEqual([true, false]);
    expect((await store.retrieve('k', { version: String(first?.version) })).text()).toBe('one');
    expect((await store.retrieve('k')).text()).toHaveLength(length);
    expect(await store.verify({ payloads: true })).toMatchObject({ ok: true, findings: [] });
  });

  it('lists the histories once for many objects', async () => {
    const world = await worldOf();
    const keys = Array.from({ length: 40 }, (_, at) => `k${at}`);
    for (const key of keys) await world.store.store(key, 'one');
    await world.store.store('k7', 'two');
    await snapshotAt(world.store, world.destination);
    for (const key of keys) await lose(world, key);
    const { store, backups, listed } = await watched(world);
    expect(await backups.restore(world.destination.url, { prefix: 'k' })).toMatchObject({ created: 40, failed: [] });
    // One page of all histories, and the history of the only object that has one.
    expect(listed.filter((prefix) => prefix === AREAS.history)).toHaveLength(1);
    expect(listed).toHaveLength(2);
    expect(await store.history('k7')).toHaveLength(2);
  });

  it('begins the history of a purged object afresh', async () => {
    const world = await worldOf();
    await world.store.store('k', 'one');
    await world.store.store('k', 'two');
    await snapshotAt(world.store, world.destination);
    await world.store.purge('k');
    const { store, backups } = await watched(world);
    expect(await backups.restore(world.destination.url, { keys: ['k'] })).toMatchObject({ created: 1 });
    expect(await store.history('k')).toHaveLength(2);
    expect((await store.history('k')).filter(({ deleted }) => !deleted)).toHaveLength(1);
  });
});
