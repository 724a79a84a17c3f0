import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { filePath } from '../src/files/names.ts';
import { allKeys, openAt, scratchFolder, utf8 } from './support/stores.ts';

function plant(root: string, keys: readonly string[]): void {
  for (const folder of new Set(keys.map((key) => dirname(join(root, filePath(key))))))
    mkdirSync(folder, { recursive: true });
  for (const key of keys) writeFileSync(join(root, filePath(key)), '');
}

test('a folder larger than one pass remembers is listed whole and in order', async () => {
  const root = scratchFolder();
  const keys = Array.from({ length: 20_000 }, (_, index) => `o/n${String(index).padStart(6, '0')}`);
  plant(root, keys);
  const backend = await openAt(root);
  expect(await allKeys(backend)).toEqual(keys);
  expect(await allKeys(backend, 'o/n0199')).toEqual(keys.slice(19_900));
});

test('what is written or deleted between two pages is in or out of the next, beside a remembered pass', async () => {
  const root = scratchFolder();
  const keys = Array.from({ length: 2000 }, (_, index) => `o/n${String(index).padStart(6, '0')}`);
  plant(root, ['store', ...keys]);
  const backend = await openAt(root);
  // The stamp of a folder counts as settled only a while after its last change.
  await new Promise((resolve) => setTimeout(resolve, 100));
  await backend.list('o/', { limit: 10 });
  await backend.write('o/n000010x', utf8('new'));
  await backend.delete('o/n000011');
  const page = await backend.list('o/', { after: 'o/n000009', limit: 3 });
  expect(page.entries.map(({ key }) => key)).toEqual(['o/n000010', 'o/n000010x', 'o/n000012']);
  rmSync(join(root, filePath('o/n000013')));
  const next = await backend.list('o/', { after: 'o/n000012', limit: 1 });
  expect(next.entries.map(({ key }) => key)).toEqual(['o/n000014']);
});

const component = fc
  .string({ unit: fc.constantFrom(...'ab1.@~_-'.split('')), minLength: 1, maxLength: 3 })
  .filter((text) => text !== '.' && text !== '..');
const key = fc.array(component, { minLength: 1, maxLength: 3 }).map((components) => components.join('/'));

test('any keys, prefix, start and page size: as a sorted list would have it', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(key, { maxLength: 30 }),
      fc.record({ near: key, cut: fc.nat(6), limit: fc.integer({ min: 1, max: 5 }) }),
      async (keys, { near, cut, limit }) => {
        const root = scratchFolder();
        plant(root, keys);
        const backend = await openAt(root);
        const sorted = keys.toSorted((a, b) => (a < b ? -1 : 1));
        const prefix = near.slice(0, cut);
        if (/\/\.{1,2}$|^\.{1,2}$/.test(prefix)) return;
        expect(await allKeys(backend, prefix, limit)).toEqual(sorted.filter((name) => name.startsWith(prefix)));
        const page = await backend.list('', { after: near, limit });
        const rest = sorted.filter((name) => name > near);
        expect(page.entries.map((entry) => entry.key)).toEqual(rest.slice(0, limit));
        expect(page.more).toBe(rest.length > limit);
      },
    ),
    { numRuns: 60 },
  );
});

test('files and folders of others are left out', async () => {
  const root = scratchFolder();
  plant(root, ['o/abc', 'store']);
  writeFileSync(join(root, '.DS_Store'), '');
  writeFileSync(join(root, 'o', 'abc+'), 'not in its shard');
  mkdirSync(join(root, 'lost+found'));
  mkdirSync(join(root, 'empty/folder'), { recursive: true });
  expect(await allKeys(await openAt(root))).toEqual(['o/abc', 'store']);
});
