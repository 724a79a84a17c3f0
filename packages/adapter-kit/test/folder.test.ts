import { expect, it } from 'vitest';
import { Folder } from '../src/index.ts';
import { expectCode, openedAt } from './support/stores.ts';

const long = 'x'.repeat(2000);

async function filled(...paths: string[][]): Promise<{ store: Awaited<ReturnType<typeof openedAt>>; folder: Folder }> {
  const store = await openedAt('memory:');
  const folder = new Folder('mine');
  for (const path of paths) {
    const { key, data, ...options } = folder.item(path, path.join());
    await store.store(key, data, options);
  }
  return { store, folder };
}

async function pathsIn(folder: Folder, store: Parameters<Folder['entries']>[0], path?: string[]): Promise<string[]> {
  const found: string[] = [];
  for await (const info of folder.entries(store, path)) found.push(folder.path(info).join(':'));
  return found.toSorted();
}

it('finds what lies below a path, however long', async () => {
  const { store, folder } = await filled(['a', 'b'], ['a', 'bc'], ['a', 'b', 'c'], ['a', 'b', long], ['z', long], ['']);
  expect(await pathsIn(folder, store)).toEqual(['', 'a:b', `a:b:c`, `a:b:${long}`, 'a:bc', `z:${long}`].toSorted());
  expect(await pathsIn(folder, store, ['a'])).toEqual(['a:b', 'a:b:c', `a:b:${long}`, 'a:bc']);
  expect(await pathsIn(folder, store, ['a', 'b'])).toEqual(['a:b:c', `a:b:${long}`]);
});

it('deletes what lies below a path, and nothing else', async () => {
  const { store, folder } = await filled(['a', 'b'], ['a', long], ['ab', 'c'], ['ab', long]);
  await store.store('mine-too/a', 'x');
  await folder.clear(store, ['a']);
  expect(await pathsIn(folder, store)).toEqual(['ab:c', `ab:${long}`]);
  await folder.clear(store);
  expect(await store.list()).toEqual(['mine-too/a']);
});

it('deletes more than it has under way at once', async () => {
  const { store, folder } = await filled(...Array.from({ length: 150 }, (_, at) => [`${at}`]));
  await folder.clear(store);
  expect(await store.list()).toEqual([]);
});

it('refuses a root and a path that are none', async () => {
  await expectCode((async () => new Folder('/x'))(), 'INVALID_KEY');
  await expectCode((async () => new Folder('x').key([1 as unknown as string]))(), 'INVALID_KEY');
});

it.each([
  [
    ['a/b', long],
    ['a', 'b', long],
  ],
  [[`\ud800${long}`], [`\ud801${long}`]],
  [[`${long}\u00e9`], [`${long}e\u0301`]],
])('gives long paths that look alike different keys', (one, other) => {
  const folder = new Folder('mine');
  expect(folder.key(one)).not.toBe(folder.key(other));
  expect(folder.key(one)).toBe(folder.key([...one]));
});
