import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FsBackend } from '../src/index.ts';
import { filePath } from '../src/files/names.ts';
import { mountReadOnly, mountSmall, NO_MOUNTS } from './support/mounts.ts';
import { allKeys, openAt, scratchFolder, snapshot, utf8 } from './support/stores.ts';

describe('reading leaves no trace', () => {
  test('a missing store URL is empty, and is not made by opening, reading, listing or deleting', async () => {
    const root = join(scratchFolder(), 'a', 'vault');
    const backend = await openAt(root);
    expect(await backend.read('store')).toBeUndefined();
    expect(await backend.list('')).toEqual({ entries: [], more: false });
    await backend.delete('store');
    await expect(backend.delete('store', { ifMatch: 'x' })).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(existsSync(join(root, '..'))).toBe(false);
    await backend.write('store', utf8('x'));
    expect(await allKeys(backend)).toEqual(['store']);
  });

  test('an existing store is opened, read, listed and closed without any change', async () => {
    const root = scratchFolder();
    const writer = await openAt(root);
    await writer.write('o/abc', utf8('x'));
    await writer.close();
    const before = snapshot(root);
    const reader = await openAt(root);
    await reader.read('o/abc');
    await reader.read('o/missing');
    await reader.list('');
    await reader.close();
    expect(snapshot(root)).toEqual(before);
  });

  test('everything is for its owner alone, whatever the umask', async () => {
    const root = join(scratchFolder(), 'vault');
    const before = process.umask(0);
    try {
      const backend = await openAt(root);
      await backend.write('b/abc./@1/2', utf8('x'));
      const names = ['.', ...readdirSync(root, { recursive: true, encoding: 'utf8' })];
      for (const name of names) expect([name, statSync(join(root, name)).mode & 0o077]).toEqual([name, 0]);
    } finally {
      process.umask(before);
    }
  });
});

describe('a store that went away', () => {
  test('is an outage: its keys are not missing, and it is not begun anew', async () => {
    const root = join(scratchFolder(), 'vault');
    const backend = await openAt(root);
    await backend.write('o/abc', utf8('x'));
    renameSync(root, `${root}-moved`);
    const calls = () => [
      backend.read('o/abc'),
      backend.list(''),
      backend.write('o/new', utf8('y')),
      backend.delete('o/abc'),
    ];
    for (const call of calls()) await expect(call).rejects.toMatchObject({ code: 'UNAVAILABLE', backend: 'fs' });
    expect(existsSync(root)).toBe(false);
    mkdirSync(root);
    for (const call of calls()) await expect(call).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(readdirSync(root)).toEqual([]);
    rmSync(root, { recursive: true });
    renameSync(`${root}-moved`, root);
    expect((await backend.read('o/abc'))?.size).toBe(1);
    await backend.write('o/new', utf8('y'));
  });

  test.each([
    ['moved aside', (root: string) => renameSync(root, `${root}-aside`)],
    // The copy may be given the very inode.
    ['removed', (root: string) => rmSync(root, { recursive: true })],
  ])('is an outage where an older copy has come in its place, and it was %s', async (_, clear) => {
    const root = join(scratchFolder(), 'vault');
    const backend = await openAt(root);
    await backend.write('o/abc', utf8('old'));
    cpSync(root, `${root}-copy`, { recursive: true });
    await backend.write('o/abc', utf8('new'));
    clear(root);
    cpSync(`${root}-copy`, root, { recursive: true });
    await expect(backend.read('o/abc')).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: false });
    await expect(backend.list('o/')).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: false });
    const opened = await openAt(root);
    expect(Buffer.from((await opened.read('o/abc'))?.body ?? []).toString()).toBe('old');
  });

  test('a removed lock file or temporary folder is noticed', async () => {
    const root = scratchFolder();
    const backend = await openAt(root);
    await backend.write('o/abc', utf8('x'));
    rmSync(join(root, '+lock'));
    await backend.write('o/abc', utf8('y'));
    expect(existsSync(join(root, '+lock'))).toBe(true);
    rmSync(join(root, '+temp'), { recursive: true });
    await expect(backend.write('o/abc', utf8('z'))).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: false });
    expect(Buffer.from((await backend.read('o/abc'))?.body ?? []).toString()).toBe('y');
  });
});

describe('something in the way', () => {
  test('a file at the store URL, or above it', async () => {
    const path = join(scratchFolder(), 'vault');
    const early = await Promise.all([openAt(path), openAt(`${path}/below`)]);
    writeFileSync(path, 'mine');
    const refused = { code: 'INVALID_ARGUMENT', message: expect.stringContaining(`${path} is not a folder`) };
    for (const backend of early) {
      await expect(backend.write('store', utf8('x'))).rejects.toMatchObject({ ...refused, key: 'store' });
      await expect(backend.read('store')).rejects.toMatchObject({ ...refused, key: 'store' });
      await expect(backend.delete('store')).rejects.toMatchObject({ ...refused, key: 'store' });
      await expect(backend.list('')).rejects.toMatchObject(refused);
    }
    for (const url of [path, `${path}/below`, `${path}/far/below`]) {
      await expect(openAt(url)).rejects.toMatchObject({ ...refused, operation: 'init' });
    }
  });

  test.each(['file:', 'file://host/vault', 'sqlite:./vault', 'vault'])('the store URL %s', async (url) => {
    const refused = { code: 'INVALID_ARGUMENT' };
    await expect(new FsBackend().init({ url, options: {} })).rejects.toMatchObject(refused);
  });

  test('unknown options and a client', async () => {
    const url = `file:${scratchFolder()}`;
    const refused = { code: 'INVALID_ARGUMENT', operation: 'init' };
    await expect(new FsBackend().init({ url, options: { mode: 7 } })).rejects.toMatchObject(refused);
    await expect(new FsBackend().init({ url, options: {}, client: {} })).rejects.toMatchObject(refused);
  });

  test.each(['notes.txt', 'src/', 'o/'])(
    '%s of others: no store is begun among it, and one that is there goes on',
    async (name) => {
      const root = scratchFolder();
      const put = (): void =>
        name.endsWith('/') ? mkdirSync(join(root, name)) : writeFileSync(join(root, name), 'mine');
      put();
      const backend = await openAt(root);
      expect(await backend.read('store')).toBeUndefined();
      await expect(backend.write('store', utf8('x'))).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        key: 'store',
        message: expect.stringMatching(/must be empty or the folder of a store, but has ".*"\. Nothing was changed\.$/),
        advice: [{ id: 'choose-store-url' }],
      });
      expect(readdirSync(root)).toEqual([name.replace('/', '')]);
      rmSync(join(root, name), { recursive: true });
      await backend.write('store', utf8('x'));
      if (name !== 'o/') put();
      // As in a copy that has only what was stored.
      for (const own of ['+lock', '+clock', '+temp']) rmSync(join(root, own), { recursive: true });
      await (await openAt(root)).write('o/abc', utf8('y'));
    },
  );

  test("what systems and tools leave in empty folders is in nobody's way", async () => {
    const root = scratchFolder();
    mkdirSync(join(root, 'lost+found'));
    for (const name of ['.DS_Store', '.gitkeep']) writeFileSync(join(root, name), '');
    await (await openAt(root)).write('store', utf8('x'));
  });

  test('a file where a folder should be', async () => {
    const root = scratchFolder();
    const backend = await openAt(root);
    await backend.write('store', utf8('x'));
    writeFileSync(join(root, 'o'), 'mine');
    await expect(backend.read('o/abc')).rejects.toMatchObject({ code: 'UNAVAILABLE', key: 'o/abc' });
    await expect(backend.write('o/abc', utf8('x'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(backend.list('o/')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await backend.write('store', utf8('x'));
    expect(readdirSync(join(root, '+temp')).length).toBe(1);
  });

  test('a link, a pipe or a folder where a file should be is neither followed nor waited for', async () => {
    const root = scratchFolder();
    const backend = await openAt(root);
    await backend.write('o/abc', utf8('x'));
    const path = join(root, filePath('o/abc'));
    for (const plant of [
      () => symlinkSync('/etc/passwd', path),
      () => execFileSync('mkfifo', [path]),
      () => mkdirSync(path),
    ]) {
      rmSync(path, { recursive: true });
      plant();
      await expect(backend.read('o/abc')).rejects.toMatchObject({ code: 'INTEGRITY' });
      await expect(backend.write('o/abc', utf8('y'), { ifMatch: 'x' })).rejects.toMatchObject({ backend: 'fs' });
    }
  });
});

describe('a file that is larger than any body', () => {
  test('is INTEGRITY, named, and not read, whole or in part; what lies beside it is read', async () => {
    const root = scratchFolder();
    const backend = await openAt(root);
    await backend.write('o/huge', utf8('x'));
    await backend.write('o/kept', utf8('kept'));
    // A hole: reading it would take as much memory as if it were full.
    truncateSync(join(root, filePath('o/huge')), 4 * 1024 ** 4);
    const refused = { code: 'INTEGRITY', key: 'o/huge', message: expect.stringContaining('o/huge has') };
    await expect(backend.read('o/huge')).rejects.toMatchObject(refused);
    await expect(backend.read('o/huge', { start: 0, end: 1 })).rejects.toMatchObject(refused);
    expect((await backend.read('o/kept'))?.body).toEqual(utf8('kept'));
    await backend.write('o/huge', utf8('small again'));
    expect((await backend.read('o/huge'))?.body).toEqual(utf8('small again'));
  });
});

describe('the file system refuses', () => {
  test('a full disk is NO_SPACE, loses nothing, leaves nothing behind, and is over when there is space again', async (context) => {
    if (NO_MOUNTS !== undefined) context.skip(NO_MOUNTS);
    using disk = mountSmall(1024);
    const backend = await openAt(join(disk.path, 'vault'));
    await backend.write('o/kept', utf8('kept'));
    await backend.write('o/large', new Uint8Array(600_000).fill(1));
    for (const size of [600_000, 500_000]) {
      await expect(backend.write('o/large', new Uint8Array(size).fill(2))).rejects.toMatchObject({ code: 'NO_SPACE' });
    }
    expect((await backend.read('o/large'))?.body[599_999]).toBe(1);
    expect((await backend.read('o/kept'))?.size).toBe(4);
    await backend.delete('o/large');
    await backend.write('o/large', new Uint8Array(600_000).fill(2));
    await backend.close();
  });

  test('a read-only file system: opening, reading and listing work, writing is READ_ONLY', async (context) => {
    if (NO_MOUNTS !== undefined) context.skip(NO_MOUNTS);
    const root = scratchFolder();
    const writer = await openAt(root);
    await writer.write('o/abc', utf8('x'));
    using mounted = mountReadOnly(root);
    const backend = await openAt(mounted.path);
    expect((await backend.read('o/abc'))?.size).toBe(1);
    expect(await allKeys(backend)).toEqual(['o/abc']);
    await expect(backend.write('o/abc', utf8('y'))).rejects.toMatchObject({ code: 'READ_ONLY', retryable: false });
    await expect(backend.delete('o/abc')).rejects.toMatchObject({ code: 'READ_ONLY' });
    await backend.close();
    const fresh = await openAt(join(mounted.path, 'new'));
    await expect(fresh.write('store', utf8('y'))).rejects.toMatchObject({ code: 'READ_ONLY' });
  });

  test('a folder that may not be entered is no missing key', async (context) => {
    if (process.getuid?.() === 0) context.skip('root may enter every folder');
    const root = scratchFolder();
    const backend = await openAt(root);
    await backend.write('o/abc', utf8('x'));
    chmodSync(join(root, 'o'), 0);
    await expect(backend.read('o/abc')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(backend.write('o/abc', utf8('y'))).rejects.toMatchObject({ code: 'READ_ONLY' });
    chmodSync(join(root, 'o'), 0o700);
  });
});
