import { lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import { SecureStoreError } from '@securestore/core-format';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exportFile, type ExportSource, fileFormatOf, importFile } from '../../src/index.ts';
import { contents, folder, memoryStore, outcomes } from './support/scene.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';

const MEBIBYTE = 1024 * 1024;

/** An error of a code. */
function refused(code: string): unknown {
  return expect.objectContaining({ code });
}

describe('the format of a file', () => {
  it.each([
    ['.env', 'env'],
    ['conf/prod.env', 'env'],
    ['.env.local', 'env'],
    ['.ENV', 'env'],
    ['conf/a.json', 'json'],
    ['.env.json', 'json'],
    ['env', undefined],
    ['.envrc', undefined],
    ['a.jsonl', undefined],
    ['json', undefined],
    ['.env/x', undefined],
  ])('of %s is %s by its name', (path, format) => {
    expect(fileFormatOf(path)).toBe(format);
  });
});

describe('importing a .env file', () => {
  it('makes an object of each variable, once, and keeps the metadata of those that changed', async () => {
    const path = await folder();
    const store = await memoryStore();
    await store.store('app/B', 'old', { metadata: { owner: 'ops' } });
    await writeFile(path('.env'), "\ufeffA=1\r\nexport B='x y'\r\n# C=3\r\n");
    const { onItem, items } = outcomes();
    const report = await importFile(store, path('.env'), { prefix: 'app/', onItem });
    expect(report).toEqual({ stored: 2, unchanged: 0, skipped: 0, failed: 0, failures: [], bytes: 4 });
    expect(items.map(({ name, status, key }) => ({ name, status, key }))).toEqual([
      { name: 'A', status: 'stored', key: 'app/A' },
      { name: 'B', status: 'stored', key: 'app/B' },
    ]);
    expect(await contents(store)).toEqual({ 'app/A': '1', 'app/B': 'x y' });
    expect((await store.info('app/B')).metadata).toEqual({ owner: 'ops' });
    expect(await importFile(store, path('.env'), { prefix: 'app' })).toMatchObject({ stored: 0, unchanged: 2 });
  });

  it('lists what can be no variable or no key, by its line where the name may be a secret', async () => {
    const path = await folder();
    const store = await memoryStore();
    await writeFile(path('.env'), `A=1\nnot a name=2\n${'N'.repeat(1100)}=3\nA=4\n`);
    const { onItem, of } = outcomes();
    const report = await importFile(store, path('.env'), { onItem });
    expect(report).toMatchObject({ stored: 1, skipped: 1, failed: 2 });
    expect(report.failures.map(({ code }) => code)).toEqual(['INVALID_ARGUMENT', 'INVALID_KEY']);
    expect(of()).toMatchObject({ A: 'stored', 'line 2': 'INVALID_ARGUMENT' });
    expect(await contents(store)).toEqual({ A: '4' });
  });

  it('cuts no value: one that others would cut is listed, and where a quotation mark is open the file is refused', async () => {
    const path = await folder();
    const store = await memoryStore();
    await writeFile(path('.env'), `A=1\nPASSWORD=abc#def\n`);
    const report = await importFile(store, path('.env'));
    expect(report).toMatchObject({ stored: 1, failed: 1, failures: [{ name: 'PASSWORD', code: 'INVALID_ARGUMENT' }] });
    expect(report.failures[0]?.message).toMatch(/^the value on line 2 has a # /);
    await writeFile(path('.env'), `A=2\nB="never closed\n`);
    await expect(importFile(store, path('.env'))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('the quotation mark before the value on line 2 is never closed'),
    });
    expect(await contents(store)).toEqual({ A: '1' });
  });
});

describe('importing a JSON file', () => {
  it('makes an object of each value, and lists what can be none', async () => {
    const path = await folder();
    const store = await memoryStore({ 'app/db/port': '5432' });
    const text = {
      db: { password: 's3cr3t', port: 5432 },
      'a//b': 'x',
      '': 'y',
      'a\u0000': 'z',
      'u\u0308': 'nfd',
      ok: '',
    };
    await writeFile(path('c.json'), JSON.stringify(text));
    const { onItem, of } = outcomes();
    const report = await importFile(store, path('c.json'), { prefix: 'app', onItem });
    expect(report).toMatchObject({ stored: 2, unchanged: 1, failed: 4 });
    expect(of()).toEqual({
      'db/password': 'stored',
      'db/port': 'unchanged',
      'a//b': 'INVALID_KEY',
      '': 'INVALID_KEY',
      'a\u0000': 'INVALID_KEY',
      'u\u0308': 'INVALID_KEY',
      ok: 'stored',
    });
    expect(await contents(store)).toEqual({ 'app/db/password': 's3cr3t', 'app/db/port': '5432', 'app/ok': '' });
  });

  it('lets an object be the folder of others, as a store does', async () => {
    const path = await folder();
    const store = await memoryStore();
    await writeFile(path('c.json'), '{"a": "1", "a/b": "2"}');
    expect(await importFile(store, path('c.json'))).toMatchObject({ stored: 2, failed: 0 });
    expect(await contents(store)).toEqual({ a: '1', 'a/b': '2' });
  });
});

describe('importing a file', () => {
  it.each([
    ['.env', 'A=1\nsecretpart\n', 'line 2'],
    ['c.json', '{"a": "1", "b": secretpart}', 'line 1 is not JSON'],
    ['c.json', '["secretpart"]', 'not a JSON object'],
    ['c.json', Buffer.from('{"a": "secretpart\xff"}', 'latin1'), 'not UTF-8'],
    ['.env', Buffer.from('\ufeffA=secretpart', 'utf16le'), 'not UTF-8'],
  ])('that is not as its format says stores nothing: %s %s', async (name, data, message) => {
    const path = await folder();
    const store = await memoryStore();
    await writeFile(path(name), data);
    const error: unknown = await importFile(store, path(name)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(message) });
    expect(error).toMatchObject({ message: expect.stringContaining(name) });
    expect((error as SecureStoreError).message).not.toContain('secret');
    expect((error as SecureStoreError).cause).toBeUndefined();
    expect(await store.list()).toEqual([]);
  });

  it('that is larger than 16 MiB is refused, and one that is not is read', async () => {
    const path = await folder();
    const store = await memoryStore();
    await writeFile(path('c.json'), `{"a":"${'x'.repeat(16 * MEBIBYTE - 8)}"}`);
    expect(await importFile(store, path('c.json'))).toMatchObject({ stored: 1, bytes: 16 * MEBIBYTE - 8 });
    await writeFile(path('c.json'), `{"a":"${'x'.repeat(16 * MEBIBYTE - 7)}"}`);
    await expect(importFile(store, path('c.json'))).rejects.toMatchObject({
      code: 'TOO_LARGE',
      message: expect.stringContaining('16 MiB'),
    });
  });

  it('follows a link to it, and takes neither folders nor what is not there', async () => {
    const path = await folder();
    const store = await memoryStore();
    await writeFile(path('real'), 'A=1');
    await symlink('real', path('.env'));
    expect(await importFile(store, path('.env'))).toMatchObject({ stored: 1 });
    await mkdir(path('x.env'));
    await expect(importFile(store, path('x.env'))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(importFile(store, path('y.env'))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/cannot read the file ".*y\.env": no such file or directory/),
    });
  });

  it('refuses options that make no sense before it begins', async () => {
    const path = await folder();
    const store = await memoryStore({ a: '1' });
    for (const call of [importFile, exportFile]) {
      expect(() => call(store, path('no-format'))).toThrow(refused('INVALID_ARGUMENT'));
      expect(() => call(store, '', { format: 'env' })).toThrow(refused('INVALID_ARGUMENT'));
      expect(() => call(store, path('.env'), { format: 'yaml' as 'env' })).toThrow(refused('INVALID_ARGUMENT'));
      expect(() => call(store, path('.env'), { prefix: '' })).toThrow('must name a folder');
      expect(() => call(store, path('.env'), { prefix: 'a//b' })).toThrow(refused('INVALID_KEY'));
      expect(() => call(store, path('.env'), { metadata: true } as object)).toThrow('unknown option "metadata"');
    }
    expect(await readdir(path())).toEqual([]);
  });
});

describe('exporting to a file', () => {
  it('writes a .env file that its owner alone may read, once', async () => {
    const path = await folder();
    const store = await memoryStore({ 'app/A': 'x y', 'app/b-c': "it's", 'app/MULTI': 'a\nb', other: '1' });
    const { onItem, of } = outcomes();
    const report = await exportFile(store, path('.env'), { prefix: 'app', onItem });
    expect(report).toMatchObject({ written: 3, unchanged: 0, failed: 0 });
    expect(of()).toEqual({ A: 'written', 'b-c': 'written', MULTI: 'written' });
    const text = await readFile(path('.env'), 'utf8');
    expect(parseEnv(text)).toEqual({ A: 'x y', 'b-c': "it's", MULTI: 'a\nb' });
    expect((await stat(path('.env'))).mode & 0o777).toBe(0o600);
    expect(await readdir(path())).toEqual(['.env']);
    const before = await stat(path('.env'));
    expect(await exportFile(store, path('.env'), { prefix: 'app' })).toMatchObject({ written: 0, unchanged: 3 });
    expect((await stat(path('.env'))).ino).toBe(before.ino);
  });

  it('leaves out what can not be in the file, and lists it', async () => {
    const path = await folder();
    const data = { binary: Uint8Array.of(0xff), nul: 'a\0b', cr: 'a\rb', 'x/y': '1', __proto__x: '1', ok: 'fine' };
    const store = await memoryStore(data);
    await store.store('__proto__', 'lost by parseEnv');
    const env = outcomes();
    expect(await exportFile(store, path('.env'), { onItem: env.onItem })).toMatchObject({ written: 2, failed: 5 });
    const code = 'INVALID_ARGUMENT';
    expect(new Map(Object.entries(env.of()))).toEqual(
      new Map([
        ['__proto__x', 'written'],
        ['ok', 'written'],
        ...['binary', 'nul', 'cr', 'x/y', '__proto__'].map((name) => [name, code] as const),
      ]),
    );
    expect(parseEnv(await readFile(path('.env'), 'utf8'))).toEqual({ __proto__x: '1', ok: 'fine' });
    const json = outcomes();
    expect(await exportFile(store, path('c.json'), { onItem: json.onItem })).toMatchObject({ written: 6, failed: 1 });
    expect(json.of()).toMatchObject({ binary: code, nul: 'written', cr: 'written', 'x/y': 'written' });
  });

  it('has no member of JSON that is a text and an object', async () => {
    const path = await folder();
    const store = await memoryStore({ foo: '1', 'foo/bar': '2', 'p/q': '3', 'p/q/q': '4' });
    const { onItem, of } = outcomes();
    expect(await exportFile(store, path('c.json'), { onItem })).toMatchObject({ written: 2, failed: 2 });
    expect(of()).toEqual({ foo: 'ALREADY_EXISTS', 'foo/bar': 'written', 'p/q': 'ALREADY_EXISTS', 'p/q/q': 'written' });
    expect(JSON.parse(await readFile(path('c.json'), 'utf8'))).toEqual({ foo: { bar: '2' }, p: { q: { q: '4' } } });
    const below = outcomes();
    await exportFile(store, path('.env'), { prefix: 'p/q', onItem: below.onItem });
    expect(new Map(below.items.map(({ key, status }) => [key, status]))).toEqual(
      new Map([
        ['p/q', 'written'],
        ['p/q/q', 'failed'],
      ]),
    );
  });

  it('writes nothing where there is nothing to write, and leaves what was there', async () => {
    const path = await folder();
    const store = await memoryStore({ binary: Uint8Array.of(0xff) });
    await writeFile(path('c.json'), 'precious');
    expect(await exportFile(store, path('c.json'), { prefix: 'none' })).toMatchObject({ written: 0, failed: 0 });
    expect(await exportFile(store, path('c.json'))).toMatchObject({ written: 0, failed: 1 });
    expect(await readFile(path('c.json'), 'utf8')).toBe('precious');
  });

  it('leaves out an object that is too large, and writes no file that an import could not read', async () => {
    const path = await folder();
    const store = await memoryStore({ small: '1', large: Buffer.alloc(16 * MEBIBYTE + 1, 'x') });
    const { onItem, of } = outcomes();
    expect(await exportFile(store, path('c.json'), { onItem })).toMatchObject({ written: 1, failed: 1 });
    expect(of()).toEqual({ small: 'written', large: 'TOO_LARGE' });
    await writeFile(path('c.json'), 'precious');
    for (const key of ['large', 'also']) await store.store(key, Buffer.alloc(9 * MEBIBYTE, 'x'));
    await expect(exportFile(store, path('c.json'))).rejects.toMatchObject({ code: 'TOO_LARGE' });
    expect(await readFile(path('c.json'), 'utf8')).toBe('precious');
    expect(await readdir(path())).toEqual(['c.json']);
  });

  it('replaces no link and no folder, and makes no folder', async () => {
    const path = await folder();
    const store = await memoryStore({ A: 'secret' });
    await writeFile(path('target'), 'untouched');
    await symlink('target', path('.env'));
    await expect(exportFile(store, path('.env'))).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
      message: expect.stringContaining('a symbolic link already exists at'),
    });
    expect((await lstat(path('.env'))).isSymbolicLink()).toBe(true);
    expect(await readFile(path('target'), 'utf8')).toBe('untouched');
    await mkdir(path('x.json'));
    await expect(exportFile(store, path('x.json'))).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await expect(exportFile(store, path('no', 'y.json'))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect((await readdir(path())).toSorted()).toEqual(['.env', 'target', 'x.json']);
  });

  it('never writes over the store itself', async () => {
    const path = await folder();
    await writeFile(path('v.env'), 'a store');
    const store = await memoryStore({ A: '1' });
    const source: ExportSource = {
      url: `sqlite:${path('v.env')}`,
      info: (...call) => store.info(...call),
      list: (...call) => store.list(...call),
      matches: (...call) => store.matches(...call),
      retrieveStream: (...call) => store.retrieveStream(...call),
    };
    await expect(exportFile(source, path('v.env'))).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
      message: expect.stringContaining('the store itself'),
    });
    expect(await readFile(path('v.env'), 'utf8')).toBe('a store');
  });
});

describe('what was exported', () => {
  const key = fc.array(fc.constantFrom('a', 'B', 'c-d', '__proto__', '1', 'ü', 'x y'), { minLength: 1, maxLength: 3 });
  const objects = fc.dictionary(
    key.map((parts) => parts.join('/')),
    fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 20 }),
      fc
        .array(fc.constantFrom("'", '"', '`', '\\n', '\n', '\r', '#', ' ', '$', '\0', '\ufeff'), { maxLength: 6 })
        .map((parts) => parts.join('')),
    ),
    { maxKeys: 6, noNullPrototype: true },
  );

  it.each(['env', 'json'] as const)('as %s is imported as it was, but for what is listed as failed', async (format) => {
    const path = await folder();
    await fc.assert(
      fc.asyncProperty(objects, async (given) => {
        const store = await memoryStore(given);
        const copy = await memoryStore();
        const { onItem, items } = outcomes();
        const report = await exportFile(store, path('file'), { format, prefix: undefined, onItem });
        const written = items.filter(({ status }) => status !== 'failed').map((item) => item.key ?? '');
        expect(written.length + report.failed).toBe(Object.keys(given).length);
        if (written.length > 0) expect(await importFile(copy, path('file'), { format })).toMatchObject({ failed: 0 });
        const expected = new Map(written.map((name) => [name, given[name]]));
        expect(new Map(Object.entries(await contents(copy)))).toEqual(expected);
      }),
      { numRuns: sized({ short: 8, full: 60, torture: 60 }) },
    );
  });
});
