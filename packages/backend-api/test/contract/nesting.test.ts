import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { FsBackend } from '@securestore/backend-fs';
import { MemoryBackend } from '@securestore/backend-memory';
import { SqliteBackend } from '@securestore/backend-sqlite';
import type { StorageBackend } from '../../src/index.ts';
import { forwardTo, nestingOf } from '../../src/index.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'securestore-nesting-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  mkdirSync(join(path, 'store', 'o'), { recursive: true });
  writeFileSync(join(path, 'store', 'own.db'), '');
  mkdirSync(join(path, 'storeroom'));
  return path;
}

async function at(url: string, backend: StorageBackend): Promise<StorageBackend> {
  await backend.init({ url, options: {} });
  onTestFinished(() => backend.close());
  return backend;
}

const file = (path: string): Promise<StorageBackend> => at(`file:${path}`, new FsBackend());
const sqlite = (path: string): Promise<StorageBackend> => at(`sqlite:${path}`, new SqliteBackend());

it('tells that a place lies in the folder of another, however it is called', async () => {
  const path = folder();
  symlinkSync(join(path, 'store'), join(path, 'link'));
  symlinkSync('store/not/yet', join(path, 'dangling'));
  symlinkSync('link/new.db', join(path, 'dangling.db'));
  const store = await file(join(path, 'store'));
  for (const inside of [
    'store/o',
    'store/deep/er',
    'link/deep',
    'storeroom/../store/deep',
    'dangling',
    'dangling/er',
  ]) {
    const other = await file(join(path, inside));
    expect([inside, await nestingOf(other, store), await nestingOf(store, other)]).toEqual([
      inside,
      'inside',
      'around',
    ]);
  }
  for (const inside of ['store/new.db', 'store/deep/new.db', 'store/own.db', 'link/own.db', 'dangling.db']) {
    expect([inside, await nestingOf(await sqlite(join(path, inside)), store)]).toEqual([inside, 'inside']);
  }
  expect(await nestingOf(await file(path), store)).toBe('around');
});

it('tells nothing of places beside each other, of the same place, and of what has none on this machine', async () => {
  const path = folder();
  symlinkSync(join(path, 'store'), join(path, 'link'));
  symlinkSync('around', join(path, 'around'));
  const store = await file(join(path, 'store'));
  for (const beside of ['storeroom', 'storeroom/deep', 'store2', 'store', 'link', 'store/o/..', 'nowhere/store']) {
    const other = await file(join(path, beside));
    expect([beside, await nestingOf(other, store), await nestingOf(store, other)]).toEqual([
      beside,
      undefined,
      undefined,
    ]);
  }
  expect(await nestingOf(await at('memory:', new MemoryBackend()), store)).toBeUndefined();
  const odd: StorageBackend = { ...forwardTo(store, {}), localPath: () => join(path, 'around') };
  expect(await nestingOf(odd, store)).toBeUndefined();
});

it('sees through layers, also where they are around a backend that is not ready yet', async () => {
  const path = folder();
  const store = await file(join(path, 'store'));
  const layered = forwardTo(new SqliteBackend(), {});
  await at(`sqlite:${join(path, 'store', 'new.db')}`, layered);
  expect(await nestingOf(layered, forwardTo(store, {}))).toBe('inside');
});
