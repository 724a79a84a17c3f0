import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mountReadOnly, mountSmall, NO_MOUNTS } from '../../backend-fs/test/support/mounts.ts';
import { openAt, scratchFolder, snapshot, textOf, utf8 } from './support/stores.ts';

describe('reading leaves no trace', () => {
  test('a missing file is an empty store, and is not made by opening, reading, listing or closing', async () => {
    const path = join(scratchFolder(), 'a', 'vault.db');
    const backend = await openAt(path);
    expect(await backend.read('store')).toBeUndefined();
    expect(await backend.list('')).toEqual({ entries: [], more: false });
    expect(existsSync(dirname(path))).toBe(false);
    const writer = await openAt(path);
    await writer.write('store', utf8('x'));
    expect(await textOf(backend, 'store')).toBe('x');
  });

  test('an existing store is opened, read, listed and closed without any change', async () => {
    const folder = scratchFolder();
    const writer = await openAt(join(folder, 'vault.db'));
    await writer.write('o/abc', utf8('x'));
    await writer.close();
    const before = snapshot(folder);
    const reader = await openAt(join(folder, 'vault.db'));
    expect(await textOf(reader, 'o/abc')).toBe('x');
    await reader.list('');
    await reader.close();
    expect(snapshot(folder)).toEqual(before);
  });

  test('the files are for their owner alone, whatever the umask', async () => {
    const path = join(scratchFolder(), 'new', 'vault.db');
    const before = process.umask(0);
    try {
      const backend = await openAt(path);
      await backend.write('store', utf8('x'));
      for (const name of ['.', ...readdirSync(dirname(path))]) {
        expect([name, statSync(join(dirname(path), name)).mode & 0o077]).toEqual([name, 0]);
      }
    } finally {
      process.umask(before);
    }
  });
});

describe('a file that went away', () => {
  test('is an outage: its keys are not missing, and it is not begun anew', async () => {
    const path = join(scratchFolder(), 'vault.db');
    const backend = await openAt(path);
    await backend.write('o/abc', utf8('x'));
    renameSync(path, `${path}-moved`);
    const calls = () => [
      backend.read('o/abc'),
      backend.list(''),
      backend.write('o/new', utf8('y')),
      backend.delete('o/abc'),
    ];
    for (const call of calls()) {
      await expect(call).rejects.toMatchObject({ code: 'UNAVAILABLE', backend: 'sqlite', retryable: false });
    }
    expect(existsSync(path)).toBe(false);
    writeFileSync(path, '');
    for (const call of calls()) await expect(call).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    renameSync(`${path}-moved`, path);
    expect(await textOf(backend, 'o/abc')).toBe('x');
    await backend.write('o/new', utf8('y'));
  });
});

describe('something in the way', () => {
  test('a folder at the store URL, or a file above it', async () => {
    const folder = scratchFolder();
    await expect(openAt(folder)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    const file = join(folder, 'file');
    const early = await openAt(join(file, 'vault.db'));
    writeFileSync(file, 'mine');
    const refused = { code: 'INVALID_ARGUMENT', message: expect.stringContaining(`${file} is not a folder`) };
    await expect(early.write('store', utf8('x'))).rejects.toMatchObject({ ...refused, key: 'store' });
    await expect(early.read('store')).rejects.toMatchObject({ ...refused, key: 'store' });
    await expect(early.list('')).rejects.toMatchObject(refused);
    for (const below of ['vault.db', 'deeper/vault.db']) {
      await expect(openAt(join(file, below))).rejects.toMatchObject({ ...refused, operation: 'init' });
    }
  });

  test.each(['sqlite:', 'sqlite::memory:', 'sqlite://host/x.db', 'sqlite:folder/', 'file:x', 'x'])(
    '%s',
    async (url) => {
      const { SqliteBackend } = await import('../src/index.ts');
      await expect(new SqliteBackend().init({ url, options: {} })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
    },
  );

  test('unknown options and a client are refused', async () => {
    const { SqliteBackend } = await import('../src/index.ts');
    const url = `sqlite:${scratchFolder()}/vault.db`;
    const refused = { code: 'INVALID_ARGUMENT' };
    await expect(new SqliteBackend().init({ url, options: { timeout: 1 } })).rejects.toMatchObject(refused);
    await expect(new SqliteBackend().init({ url, options: {}, client: {} })).rejects.toMatchObject(refused);
  });
});

describe('the file system refuses', () => {
  test('a full disk fails what does not fit and nothing beside it, and is over when there is space again', async (context) => {
    if (NO_MOUNTS !== undefined) context.skip(NO_MOUNTS);
    using disk = mountSmall(4096);
    const backend = await openAt(join(disk.path, 'vault.db'));
    await backend.write('o/kept', utf8('kept'));
    const [large, small] = await Promise.allSettled([
      backend.write('o/large', new Uint8Array(6_000_000)),
      backend.write('o/small', utf8('small')),
    ]);
    expect(large).toMatchObject({ status: 'rejected', reason: { code: 'NO_SPACE', key: 'o/large' } });
    expect(small.status).toBe('fulfilled');
    expect(await textOf(backend, 'o/kept')).toBe('kept');
    expect(await backend.read('o/large')).toBeUndefined();
    await backend.write('o/kept', utf8('still'), { ifMatch: (await backend.read('o/kept'))?.etag ?? '' });
    await backend.close();
    const again = await openAt(join(disk.path, 'vault.db'));
    expect([await textOf(again, 'o/kept'), await textOf(again, 'o/small')]).toEqual(['still', 'small']);
    await again.close();
  });

  test('a read-only file system: reading works and follows changes, writing is READ_ONLY', async (context) => {
    if (NO_MOUNTS !== undefined) context.skip(NO_MOUNTS);
    const folder = scratchFolder();
    const path = join(folder, 'vault.db');
    const writer = await openAt(path);
    await writer.write('o/abc', utf8('x'));
    await writer.close();
    using mounted = mountReadOnly(folder);
    const backend = await openAt(join(mounted.path, 'vault.db'));
    expect(await textOf(backend, 'o/abc')).toBe('x');
    expect((await backend.list('')).entries).toHaveLength(1);
    // SQLite opens it in the same way where the mode of the file is what forbids it.
    await expect(backend.write('o/abc', utf8('y'))).rejects.toMatchObject({
      code: 'READ_ONLY',
      key: 'o/abc',
      message: expect.stringContaining('the database, its folder or its file system may not be written'),
      advice: [{ id: 'check-backend-access' }],
    });
    const other = await openAt(path);
    await other.write('o/abc', utf8('changed'));
    await other.close();
    expect(await textOf(backend, 'o/abc')).toBe('changed');
    await backend.close();
  });

  test('a log that was never moved into the file is not left out on a read-only file system', async (context) => {
    if (NO_MOUNTS !== undefined) context.skip(NO_MOUNTS);
    const live = scratchFolder();
    const writer = await openAt(join(live, 'vault.db'));
    await writer.write('o/abc', utf8('x'));
    const copy = scratchFolder();
    for (const name of ['vault.db', 'vault.db-wal']) copyFileSync(join(live, name), join(copy, name));
    using mounted = mountReadOnly(copy);
    await expect(openAt(join(mounted.path, 'vault.db'))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      retryable: false,
    });
    expect(await textOf(await openAt(join(copy, 'vault.db')), 'o/abc')).toBe('x');
  });

  test('a new store on a read-only file system is READ_ONLY', async (context) => {
    if (NO_MOUNTS !== undefined) context.skip(NO_MOUNTS);
    using mounted = mountReadOnly(scratchFolder());
    for (const name of ['vault.db', 'new/vault.db']) {
      const backend = await openAt(join(mounted.path, name));
      await expect(backend.write('store', utf8('x'))).rejects.toMatchObject({ code: 'READ_ONLY' });
    }
  });
});

test('a folder that vanished with its file is an outage', async () => {
  const folder = join(scratchFolder(), 'inner');
  mkdirSync(folder);
  const backend = await openAt(join(folder, 'vault.db'));
  await backend.write('store', utf8('x'));
  rmSync(folder, { recursive: true });
  await expect(backend.write('store', utf8('y'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(existsSync(folder)).toBe(false);
});
