import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import process from 'node:process';
import { composeLayers, createFaultInjector } from '@securestore/backend-api';
import { MemoryBackend } from '@securestore/backend-memory';
import { rawKey } from '@securestore/crypto';
import type { JobProgress } from '@securestore/jobs';
import { createObjectStore } from '@securestore/objects';
import { addPrincipal, createStore, grantRole, setApprovals, setRole } from 'securestore';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  exportFile,
  exportFolder,
  type ExportSource,
  importFolder,
  type ImportTarget,
  type TransferItem,
} from '../../src/index.ts';
import { contents, folder, memoryStore, outcomes } from './support/scene.ts';

/** Writes files `f/0`, `f/1` and so on. */
async function makeFiles(path: (...parts: string[]) => string, count: number): Promise<void> {
  await mkdir(path('in', 'f'), { recursive: true });
  for (let index = 0; index < count; index += 1) await writeFile(path('in', 'f', `${index}`), `${index}`);
}

/** An error of a code. */
function refused(code: string): unknown {
  return expect.objectContaining({ code });
}

const linux = process.platform === 'linux';
const onLinux = linux ? '' : ' (skipped: this is another system)';

describe('importing and exporting a folder', () => {
  it('reports what was done, item by item and in all', async () => {
    const path = await folder();
    await makeFiles(path, 3);
    await writeFile(path('in', 'bad\nname'), 'x');
    const store = await memoryStore({ 'p/f/0': '0' });
    const { onItem, of, items } = outcomes();
    const report = await importFolder(store, path('in'), { prefix: 'p', onItem });
    expect(of()).toEqual({ 'f/0': 'unchanged', 'f/1': 'stored', 'f/2': 'stored', 'bad\nname': 'INVALID_KEY' });
    const message = expect.stringContaining('control character');
    const failure = { name: 'bad\nname', key: 'p/bad\nname', code: 'INVALID_KEY', message };
    expect(report).toEqual({ stored: 2, unchanged: 1, skipped: 0, failed: 1, failures: [failure], bytes: 3 });
    expect(items.find(({ name }) => name === 'bad\nname')?.error?.advice).toEqual([{ id: 'rename-file' }]);
    const { version } = await store.info('p/f/1');
    expect(items).toContainEqual({ name: 'f/1', status: 'stored', key: 'p/f/1', version });

    const exported = await exportFolder(store, path('out', 'new'), { prefix: 'p/f/', metadata: true });
    expect(exported).toEqual({ written: 3, unchanged: 0, skipped: 0, denied: 0, failed: 0, failures: [], bytes: 3 });
    expect(await readFile(path('out', 'new', '2'), 'utf8')).toBe('2');
    const copy = await memoryStore();
    expect(await importFolder(copy, path('out', 'new'))).toMatchObject({ stored: 3, failed: 0 });
    expect(await contents(copy)).toEqual({ '0': '0', '1': '1', '2': '2' });
  });

  it('tells how far it is', async () => {
    const path = await folder();
    const store = await memoryStore(Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`${index}`, 'x'])));
    const waiting = Promise.withResolvers<void>();
    let told = 0;
    const onItem = async (): Promise<void> => {
      told += 1;
      if (told === 5) await waiting.promise;
    };
    const job = exportFolder(store, path('out'), { onItem });
    const seen: JobProgress[] = [];
    for await (const progress of job.progress) {
      seen.push(progress);
      if (progress.done >= 5) waiting.resolve();
    }
    expect(seen.some(({ phase, done, total }) => phase === 'exporting' && total === 40 && done < 40)).toBe(true);
    expect(seen.at(-1)).toMatchObject({ phase: 'exporting', done: 40, total: 40, bytes: 40 });
    expect(await job).toMatchObject({ written: 40 });
  });

  it('tells how much there is to import, before any of it is', async () => {
    const path = await folder();
    const source = await memoryStore(Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`${index}`, 'x'])));
    await source.store('0', 'x', { metadata: { a: 'b' } });
    // With a sidecar, which is no object.
    await exportFolder(source, path('in'), { metadata: true });
    const job = importFolder(await memoryStore({}), path('in'));
    const seen = await Array.fromAsync(job.progress);
    expect(seen.filter(({ done }) => done > 0).every(({ total }) => total === 30)).toBe(true);
    expect(seen.at(-1)).toMatchObject({ phase: 'importing', done: 30, total: 30 });
  });

  it('waits for whoever is told of an item, and ends with what they throw', async () => {
    const path = await folder();
    await makeFiles(path, 60);
    const store = await memoryStore();
    let pending = 0;
    let most = 0;
    const onItem = async (item: TransferItem): Promise<void> => {
      pending += 1;
      most = Math.max(most, pending);
      await new Promise((resolve) => void setImmediate(resolve));
      pending -= 1;
      if (item.name === 'f/30') throw new Error('enough');
    };
    await expect(importFolder(store, path('in'), { onItem })).rejects.toThrow('enough');
    expect(pending).toBe(0);
    expect(most).toBeLessThanOrEqual(16);
    expect((await store.list()).length).toBeLessThan(60);
  });

  it.each(['signal', 'cancel', 'timeout'] as const)('stops by its %s, and the same call goes on', async (how) => {
    const path = await folder();
    await makeFiles(path, 100);
    const store = await memoryStore();
    let left = 0;
    // A busy machine may have stored nothing when the time is up: then it has twice as much.
    for (let timeout = 1000; left === 0; timeout *= 2) {
      const control = new AbortController();
      let told = 0;
      const stopped = Promise.withResolvers<void>();
      const job = importFolder(store, path('in'), {
        ...(how === 'timeout' ? { timeout } : { signal: control.signal }),
        onItem: async () => {
          told += 1;
          if (told < 10) return;
          if (how === 'signal') control.abort();
          if (how === 'cancel') job.cancel('enough');
          if (how === 'timeout') await stopped.promise;
        },
      });
      if (how === 'timeout') setTimeout(() => stopped.resolve(), timeout + 200);
      await expect(job).rejects.toMatchObject({ code: how === 'timeout' ? 'TIMEOUT' : 'ABORTED' });
      left = (await store.list()).length;
    }
    expect(left).toBeLessThan(100);
    const again = await importFolder(store, path('in'));
    expect(again).toMatchObject({ unchanged: left, stored: 100 - left });
  });

  it('ends where every further item would fail as well, and lists what fails alone', async () => {
    const path = await folder();
    await makeFiles(path, 50);
    const injector = createFaultInjector();
    const backend = composeLayers(new MemoryBackend(), [injector.layer]);
    await backend.init({ url: 'memory:', options: {} });
    const store = await createObjectStore({ backend, url: 'memory:', unlock: rawKey(randomBytes(32)) });
    onTestFinished(() => store.close());
    const { onItem, items } = outcomes();
    injector.plan(() => (items.length >= 10 ? { type: 'fail' } : undefined));
    await expect(importFolder(store, path('in'), { onItem })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    injector.plan(() => undefined);
    expect(items.every(({ status }) => status === 'stored')).toBe(true);
    expect(await importFolder(store, path('in'))).toMatchObject({ failed: 0 });
  });

  it('lists the first thousand of what failed, and tells of all', async () => {
    const path = await folder();
    const names = Array.from({ length: 1200 }, (_, index) => `a${index}`);
    const store = await memoryStore(Object.fromEntries(names.map((name) => [name, 'x'])));
    const { onItem, items } = outcomes();
    await mkdir(path('out'));
    await Promise.all(names.map((name) => mkdir(path('out', name))));
    const report = await exportFolder(store, path('out'), { onItem });
    expect(report).toMatchObject({ written: 0, failed: 1200 });
    expect(report.failures).toHaveLength(1000);
    expect(items).toHaveLength(1200);
  });

  it('passes over what is gone since it was listed', async () => {
    const path = await folder();
    const store = await memoryStore(Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`k${index}`, 'x'])));
    const { onItem, items } = outcomes();
    const deleting = async (item: TransferItem): Promise<void> => {
      onItem(item);
      if (items.length === 1) await store.delete('k39').then(() => store.delete('k9'));
    };
    const report = await exportFolder(store, path('out'), { onItem: deleting });
    expect(report.written + report.skipped).toBe(40);
    expect(report.skipped).toBeGreaterThan(0);
    expect(items).toContainEqual({
      name: 'k9',
      status: 'skipped',
      reason: 'it was deleted or has expired meanwhile',
      key: 'k9',
    });
  });

  it.skipIf(!linux)(`stores no file through a folder that became a link since it was listed${onLinux}`, async () => {
    const path = await folder();
    for (const [where, text] of [
      ['in', 'mine'],
      ['elsewhere', 'a secret'],
    ] as const) {
      await mkdir(path(where, 'f'), { recursive: true });
      for (let index = 10; index < 60; index += 1) await writeFile(path(where, 'f', `${index}`), text);
    }
    const store = await memoryStore();
    let swapped: Promise<void> | undefined;
    const swap = async (): Promise<void> => {
      await rename(path('in', 'f'), path('moved'));
      await symlink(path('elsewhere', 'f'), path('in', 'f'));
    };
    const target: ImportTarget = {
      info: async (key, options) => {
        swapped ??= swap();
        await swapped;
        return store.info(key, options);
      },
      matches: store.matches.bind(store),
      store: store.store.bind(store),
    };
    const report = await importFolder(target, path('in'));
    expect(new Set(Object.values(await contents(store)))).toEqual(new Set(['mine']));
    expect(report.failed).toBeGreaterThan(0);
    expect(report.stored + report.failed).toBe(50);
    expect(report.failures[0]).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('was moved or removed'),
    });
  });

  it('reads each object once if it can not be compared otherwise', async () => {
    const path = await folder();
    const large = randomBytes(700_001);
    const store = await memoryStore({ empty: '', small: 'data', large });
    const reads: string[] = [];
    const source: ExportSource = {
      list: (prefix) => store.list(prefix),
      retrieveStream: (key, options) => {
        reads.push(key);
        return store.retrieveStream(key, options);
      },
    };
    expect(await exportFolder(source, path('out'))).toMatchObject({ written: 3, unchanged: 0 });
    expect(await exportFolder(source, path('out'))).toMatchObject({ written: 0, unchanged: 3 });
    const other = Buffer.from(large);
    other.writeUInt8(other.readUInt8(700_000) ^ 1, 700_000);
    await writeFile(path('out', 'large'), other);
    await writeFile(path('out', 'small'), 'DATA');
    await writeFile(path('out', 'empty'), 'x');
    expect(await exportFolder(source, path('out'))).toMatchObject({ written: 3, unchanged: 0 });
    expect(await readFile(path('out', 'large'))).toEqual(large);
    expect(await readFile(path('out', 'small'), 'utf8')).toBe('data');
    expect(reads).toHaveLength(9);
  });

  it('refuses options that make no sense before it begins', async () => {
    const path = await folder();
    const store = await memoryStore();
    for (const call of [importFolder, exportFolder]) {
      for (const options of [null, [], { prefx: 'a' }, { onItem: 1 }, { signal: {} }, { timeout: 0 }, { prefix: 1 }]) {
        expect(() => call(store, path('x'), options as object)).toThrow(refused('INVALID_ARGUMENT'));
      }
      expect(() => call(store, path('x'), { prefix: '/' })).toThrow('must name a folder');
      expect(() => call(store, path('x'), { prefix: '../x' })).toThrow(refused('INVALID_KEY'));
      for (const place of ['', 'a\0b', undefined as unknown as string]) {
        expect(() => call(store, place)).toThrow(refused('INVALID_ARGUMENT'));
      }
    }
    expect(() => exportFolder(store, path('x'), { metadata: 1 as unknown as boolean })).toThrow('"metadata"');
    await expect(importFolder(store, path('x'))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    const aborted = importFolder(store, path('x'), { signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('in a session', () => {
  it('is done what the principal may do, and the rest is listed', async () => {
    const path = await folder();
    await mkdir(path('in', 'db'), { recursive: true });
    for (const name of ['db/a', 'web']) await writeFile(path('in', name), 'new');
    const store = await createStore('memory:', { unlock: rawKey(randomBytes(32)), maintenance: false });
    onTestFinished(() => store.close());
    for (const key of ['db/b', 'secret', 'other']) await store.store(key, 'old');
    await store.access.change([
      setRole('some', [
        { effect: 'allow', actions: ['read', 'list', 'write'], keys: ['db/**'] },
        { effect: 'allow', actions: ['list'], keys: ['secret'] },
      ]),
      addPrincipal('alice', 'service'),
      grantRole('alice', 'some'),
    ]);
    await using session = await store.session(await store.access.createToken('alice').then(({ token }) => ({ token })));
    const imported = outcomes();
    expect(await importFolder(session, path('in'), { onItem: imported.onItem })).toMatchObject({
      stored: 1,
      failed: 1,
    });
    expect(imported.of()).toEqual({ 'db/a': 'stored', web: 'ACCESS_DENIED' });
    const exported = outcomes();
    const report = await exportFolder(session, path('out'), { onItem: exported.onItem });
    expect(report).toMatchObject({ written: 2, denied: 1, failed: 0 });
    expect(exported.of()).toEqual({ 'db/a': 'written', 'db/b': 'written', secret: 'ACCESS_DENIED' });
    expect(exported.items).toContainEqual(expect.objectContaining({ name: 'secret', status: 'denied', key: 'secret' }));
    await exportFile(session, path('all.json'), { onItem: exported.onItem });
    expect(JSON.parse(await readFile(path('all.json'), 'utf8'))).toEqual({ db: { a: 'new', b: 'old' } });
    expect(exported.items.at(-3)).toMatchObject({ name: 'secret', status: 'denied' });

    // The rules allow it, with an approval alone.
    await store.access.change([
      setRole('some', [{ effect: 'allow', actions: ['read', 'list'] }]),
      setApprovals([{ actions: ['read'], keys: ['secret'] }]),
    ]);
    const approved = outcomes();
    expect(await exportFolder(session, path('out'), { onItem: approved.onItem })).toMatchObject({ denied: 1 });
    expect(approved.items.find(({ name }) => name === 'secret')?.error).toMatchObject({ approvals: ['read'] });
  });
});

/** Runs something as a user who may not do everything. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  const { geteuid, seteuid } = process;
  if (geteuid?.() !== 0 || seteuid === undefined) return await work();
  seteuid(65_534);
  try {
    return await work();
  } finally {
    seteuid(0);
  }
}

const posix = process.platform !== 'win32';

describe('a folder that may not be written to', () => {
  it.skipIf(!posix)(`is a failure, and not one of the store${posix ? '' : ' (skipped on Windows)'}`, async () => {
    const path = await folder();
    const store = await memoryStore({ 'a/b': '1', c: '2' });
    await chmod(path(), 0o777);
    await mkdir(path('out', 'a'), { recursive: true });
    await chmod(path('out'), 0o777);
    await chmod(path('out', 'a'), 0o555);
    const { onItem, of } = outcomes();
    const report = await asNobody(async () => await exportFolder(store, path('out'), { onItem }));
    await chmod(path('out', 'a'), 0o755);
    expect(report).toMatchObject({ written: 1, skipped: 0, failed: 1 });
    expect(of()).toEqual({ 'a/b': 'ACCESS_DENIED', c: 'written' });
  });
});
