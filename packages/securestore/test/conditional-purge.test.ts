import { expect, test } from 'vitest';
import { World } from './support/access-world.ts';

const CONFLICT = expect.objectContaining({ code: 'CONFLICT' });

test('a purge with a condition removes nothing but what it says, a deletion included', async () => {
  const store = await new World().open();
  const { version } = await store.store('db/a', 'one');
  await store.store('db/a', 'two');
  await expect(store.purge('db/a', { ifVersion: version })).rejects.toEqual(CONFLICT);
  await expect(store.purge('db/a', { ifDamaged: true })).rejects.toEqual(CONFLICT);
  await expect(store.purge('db/none', { ifVersion: version })).rejects.toEqual(CONFLICT);
  await expect(store.purge('db/a', { ifVersion: 'no version' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  await expect(store.purge('db/a', { ifAbsent: true } as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  expect(await store.history('db/a')).toHaveLength(2);
  await store.delete('db/a');
  const [deletion] = await store.history('db/a');
  expect(await store.purge('db/a', { ifVersion: deletion?.version ?? '' })).toBe(true);
  expect(await store.history('db/a')).toMatchObject([{ purged: true }]);
});

test('a version is made current again over nothing that is there, if it is to be absent', async () => {
  const store = await new World().open();
  const { version } = await store.store('db/a', 'one');
  await expect(store.restoreVersion('db/a', version, { ifAbsent: true })).rejects.toEqual(CONFLICT);
  await store.delete('db/a');
  await store.restoreVersion('db/a', version, { ifAbsent: true });
  expect((await store.retrieve('db/a')).text()).toBe('one');
});
