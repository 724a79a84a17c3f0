import { AREAS } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { DAY } from '../../../objects/test/support/collection.ts';
import { backupsOf, reached, worldOf } from '../support/worlds.ts';

describe('a restore of an object that was purged and forgotten', () => {
  it('does not continue a history that the backend has put back', async () => {
    const world = await worldOf({ settings: { history: { versions: 0, days: 0 } } });
    const { store, clock, destination } = world;
    const backups = backupsOf(store, [destination]);
    await store.store('k', 'purged');
    await store.store('k', 'one');
    await backups.backup(destination.url);
    const backend = await reached(world.source);
    const { entries } = await backend.list(AREAS.history, { limit: 10 });
    const kept = await Promise.all(entries.map(async ({ key }) => ({ key, body: (await backend.read(key))?.body })));
    expect(kept).toHaveLength(1);
    await store.purge('k');
    await store.checkpoint();
    await backups.backup(destination.url);
    for (let day = 0; day < 3; day++) {
      clock.advance(DAY);
      await store.gc();
    }
    expect((await backend.list(AREAS.objects, { limit: 10 })).entries).toHaveLength(0);
    await store.checkpoint({ afresh: true });
    for (const { key, body = Buffer.alloc(0) } of kept) await backend.write(key, body);
    expect(await backups.restore(destination.url, { keys: ['k'], snapshot: 1 })).toMatchObject({ created: 1 });
    expect(await store.history('k')).toHaveLength(1);
    expect((await store.verify()).ok).toBe(false);
  });
});
