import { AREAS, objectName, parseStoreKey } from '@securestore/core-format';
import { extensionsOf } from '@securestore/objects/internal';
import { describe, expect, it } from 'vitest';
import { DAY } from '../../../objects/test/support/collection.ts';
import { backupsOf, reached, worldOf } from '../support/worlds.ts';

describe('a restore of an object that was purged and forgotten', () => {
  // T-BACKEND-16
  it.each(['missing', 'damaged'])(
    'does not continue a history that the backend has put back, if its record is %s',
    async (state) => {
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
      const token = extensionsOf(store).backup.names.tokenOf(parseStoreKey('k'));
      if (state === 'damaged') await backend.write(objectName(token), Buffer.alloc(300, 1));
      const restored = await backups.restore(destination.url, { keys: ['k'], snapshot: 1, conflict: 'overwrite' });
      expect(restored).toMatchObject({ failed: [] });
      expect((await store.retrieve('k')).text()).toBe('one');
      expect(await store.history('k')).toHaveLength(1);
      expect((await store.verify()).ok).toBe(false);
    },
  );
});
