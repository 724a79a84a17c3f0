import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { openAt, scratchFolder, snapshot, textOf, utf8 } from './support/stores.ts';

/** Runs `sql` on the database at `path`, as another program would. */
function run(path: string, sql: string): void {
  using db = new DatabaseSync(path);
  db.exec(sql);
}

/** A closed store with a few bodies. */
async function storeAt(path: string): Promise<void> {
  const backend = await openAt(path);
  await Promise.all(
    Array.from({ length: 200 }, (_, index) => backend.write(`o/${index}`, new Uint8Array(3000).fill(7))),
  );
  await backend.write('b/large', new Uint8Array(600_000).fill(7));
  await backend.close();
}

describe('what is not ours is refused, and stays as it is', () => {
  test.each([
    ['a database of another application', 'PRAGMA application_id = 77; CREATE TABLE mine(x)'],
    ['a database of nobody in particular', 'CREATE TABLE mine(x); INSERT INTO mine VALUES (1)'],
    ['a database with write-ahead logging', 'PRAGMA journal_mode = WAL; CREATE TABLE entry(key)'],
    ['an empty database with a version of its own', 'PRAGMA user_version = 3'],
  ])('%s', async (_, sql) => {
    const folder = scratchFolder();
    const path = join(folder, 'mine.db');
    run(path, sql);
    const before = snapshot(folder);
    await expect(openAt(path)).rejects.toMatchObject({ code: 'FORMAT_VERSION', operation: 'init' });
    expect(snapshot(folder)).toEqual(before);
  });

  test.each([
    ['text', 'not a database at all '.repeat(100)],
    ['a byte', 'x'],
  ])('%s', async (_, content) => {
    const folder = scratchFolder();
    const path = join(folder, 'mine.txt');
    writeFileSync(path, content);
    const before = snapshot(folder);
    await expect(openAt(path)).rejects.toMatchObject({ code: 'FORMAT_VERSION' });
    expect(snapshot(folder)).toEqual(before);
  });
});

describe('versions and damage', () => {
  test('a newer layout is FORMAT_VERSION and names both', async () => {
    const path = join(scratchFolder(), 'vault.db');
    await storeAt(path);
    run(path, 'PRAGMA user_version = 3');
    await expect(openAt(path)).rejects.toThrow(/layout 3, .*layout 2/);
  });

  test('the layout of an earlier release is FORMAT_VERSION, names both and stays as it is', async () => {
    const folder = scratchFolder();
    const path = join(folder, 'vault.db');
    run(
      path,
      `CREATE TABLE clock(id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL, modified INTEGER NOT NULL) STRICT;
       CREATE TABLE segment(id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
       PRAGMA application_id = 1397978226; PRAGMA user_version = 1`,
    );
    const before = snapshot(folder);
    await expect(openAt(path)).rejects.toMatchObject({
      code: 'FORMAT_VERSION',
      message: expect.stringMatching(/layout 1 of an earlier release, .*layout 2/),
    });
    expect(snapshot(folder)).toEqual(before);
  });

  test('tables that are not those of this layout are INTEGRITY', async () => {
    const path = join(scratchFolder(), 'vault.db');
    await storeAt(path);
    run(path, 'CREATE TRIGGER sly AFTER INSERT ON segment BEGIN DELETE FROM segment; END');
    await expect(openAt(path)).rejects.toMatchObject({ code: 'INTEGRITY' });
  });

  test('a body without all its segments is INTEGRITY', async () => {
    const path = join(scratchFolder(), 'vault.db');
    await storeAt(path);
    run(
      path,
      `DELETE FROM segment WHERE id IN (SELECT revision * 64 + (size > 500000) FROM entry WHERE key IN ('o/1', 'b/large'))`,
    );
    const backend = await openAt(path);
    await expect(backend.read('o/1')).rejects.toMatchObject({ code: 'INTEGRITY', key: 'o/1' });
    await expect(backend.read('b/large')).rejects.toMatchObject({ code: 'INTEGRITY' });
    await expect(backend.read('b/large', { start: 300_000, end: 300_010 })).rejects.toMatchObject({
      code: 'INTEGRITY',
    });
    expect((await backend.read('b/large', { start: 0, end: 10 }))?.body).toHaveLength(10);
    expect((await backend.read('o/2'))?.size).toBe(3000);
  });

  test('a body that is larger than any that was written is INTEGRITY, and is not loaded', async () => {
    const path = join(scratchFolder(), 'vault.db');
    await storeAt(path);
    run(
      path,
      `UPDATE segment SET data = zeroblob(200000000) WHERE id = (SELECT revision * 64 FROM entry WHERE key = 'o/1');
       UPDATE entry SET size = 4000000000 WHERE key = 'o/2';
       UPDATE segment SET data = zeroblob(200000000) WHERE id = (SELECT revision * 64 + 1 FROM entry WHERE key = 'b/large')`,
    );
    const backend = await openAt(path);
    const before = process.memoryUsage().rss;
    for (const key of ['o/1', 'o/2', 'b/large']) {
      for (const range of [{}, { start: 0, end: 300_000 }]) {
        await expect(backend.read(key, range), key).rejects.toMatchObject({ code: 'INTEGRITY', key });
      }
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
    expect((await backend.read('o/3'))?.size).toBe(3000);
    await backend.close();
  });

  test('overwritten and cut-off pages are INTEGRITY', async () => {
    const path = join(scratchFolder(), 'vault.db');
    await storeAt(path);
    const whole = readFileSync(path);
    writeFileSync(path, Buffer.concat([whole.subarray(0, 8192), Buffer.alloc(whole.length - 8192, 0xa5)]));
    const read = async (key: string): Promise<unknown> => (await openAt(path)).read(key);
    await expect(read('o/1')).rejects.toMatchObject({ code: 'INTEGRITY' });
    writeFileSync(path, whole);
    truncateSync(path, Math.floor(whole.length / 16_384) * 8192);
    await expect(read('b/large')).rejects.toMatchObject({ code: 'INTEGRITY' });
  });

  test('an empty file and an interrupted creation are places for a new store', async () => {
    const folder = scratchFolder();
    for (const [name, sql] of [
      ['empty.db', ''],
      ['begun.db', 'PRAGMA journal_mode = WAL'],
    ] as const) {
      const path = join(folder, name);
      run(path, sql);
      if (sql === '') writeFileSync(path, '');
      const backend = await openAt(path);
      expect(await backend.read('store')).toBeUndefined();
      await backend.write('store', utf8('x'));
      expect(await textOf(backend, 'store')).toBe('x');
    }
  });
});

describe('what stays on the disk', () => {
  test('replaced and deleted key material is in no file any more', async () => {
    const folder = scratchFolder();
    const backend = await openAt(join(folder, 'vault.db'));
    const secret = 'old-keyring-'.repeat(50);
    await backend.write('store', utf8(secret));
    await backend.write('k/1-abc', utf8(secret));
    const bytes = (): string =>
      snapshot(folder)
        .map(([, , content]) => Buffer.from(content, 'base64').toString('latin1'))
        .join('');
    expect(bytes()).toContain(secret);
    await backend.write('store', utf8('new'));
    await backend.delete('k/1-abc');
    expect(bytes()).not.toContain('old-keyring-');
  });

  test('the write-ahead log stays small beside a stream of large bodies', async () => {
    const path = join(scratchFolder(), 'vault.db');
    const backend = await openAt(path);
    const body = new Uint8Array(8 * 1024 * 1024);
    for (let part = 0; part < 10; part++) {
      await backend.write(`b/x./@1/${part}`, body, { ifAbsent: true });
      expect(statSync(`${path}-wal`).size).toBeLessThan(40 * 1024 * 1024);
    }
  });
});
