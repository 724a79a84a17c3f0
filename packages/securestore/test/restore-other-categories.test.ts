import { randomUUID } from 'node:crypto';
import { forwardTo } from '@securestore/backend-api';
import { MemoryBackend } from '@securestore/backend-memory';
import { expect, onTestFinished, test } from 'vitest';
import { World } from './support/access-world.ts';
import { VAULT } from './support/calls.ts';

test('all of a snapshot is restored but an object whose name is in another category now', async () => {
  const world = new World();
  const [inner, url] = [new MemoryBackend({ clock: () => world.clock.now() }), `memory:${randomUUID()}`];
  const vault = forwardTo(inner, { init: () => inner.init({ url, options: {} }) });
  const store = await world.open({ destinations: { [VAULT]: { backend: vault } } });
  const ticking = setInterval(() => world.clock.advance(500), 2);
  onTestFinished(() => clearInterval(ticking));
  await store.store('pii/1', 'secret');
  await store.store('other', 'other');
  await store.backups.register(VAULT);
  await store.backup(VAULT);
  await store.purge('pii/1');
  for (let round = 0; round < 4; round++) {
    world.clock.advance(40 * 86_400_000);
    await store.checkpoint();
    await store.gc();
  }
  await store.settings.change({ categories: { pii: ['pii/**'] } });
  const failed = [{ key: 'pii/1', code: 'INTEGRITY', message: expect.stringContaining('category') }];
  const beside = await store.restore(VAULT, { snapshot: 1, into: 'r/', conflict: 'skip' });
  expect(beside).toMatchObject({ created: 1, failed });
  expect((await store.retrieve('r/other')).text()).toBe('other');
  expect(await store.restore(VAULT, { snapshot: 1, conflict: 'skip' })).toMatchObject({ unchanged: 1, failed });
  expect(await store.restore(VAULT, { snapshot: 1, keys: ['pii/1'] })).toMatchObject({ created: 0, failed });
  expect(await store.restore(VAULT, { snapshot: 1, deleteExtra: true, conflict: 'overwrite' })).toMatchObject({
    failed,
  });
  await store.store('x', 'y');
});
