import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { forwardTo } from '@securestore/backend-api';
import { MemoryBackend } from '@securestore/backend-memory';
import { SecureStoreError } from '@securestore/core-format';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Anchor, AnchorRecord } from '../src/index.ts';
import { cancelMigration, createStore, replicateBack, migrateStore, openStore, rawKey } from '../src/index.ts';
import type { MigrateOptions } from '../src/store/migration.ts';
import { memoryPlace } from './support/round-trip.ts';

const unlock = rawKey(Buffer.alloc(32, 7));
const another = rawKey(Buffer.alloc(32, 8));

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'securestore-places-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function made(url: string = memoryPlace()): Promise<string> {
  await using store = await createStore(url, { unlock, maintenance: false });
  await store.store('k', 'v');
  return url;
}

const move = (from: string, to: string, options: Partial<MigrateOptions> = {}): PromiseLike<unknown> =>
  migrateStore(from, to, { unlock, ...options });

async function refused(run: PromiseLike<unknown>, code: string, message: RegExp): Promise<SecureStoreError> {
  const error = await Promise.resolve(run).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!SecureStoreError.is(error)) throw new Error(`no error of the store: ${String(error)}`);
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  return error;
}

/** Nothing says that the store is being moved, and it is in use. */
async function isUntouched(url: string): Promise<void> {
  await refused(cancelMigration(url, { unlock }), 'NOT_FOUND', /the store is not being migrated/);
  await using store = await openStore(url, { unlock, maintenance: false });
  expect((await store.retrieve('k')).text()).toBe('v');
}

function memoryAnchor(): Anchor & { readonly remembered: Map<string, AnchorRecord> } {
  const remembered = new Map<string, AnchorRecord>();
  return {
    remembered,
    read: async (url) => remembered.get(url),
    write: async (url, record) => void remembered.set(url, record),
  };
}

async function full(): Promise<never> {
  throw new SecureStoreError('NO_SPACE', '/disk: the disk is full; free some space and try again', { key: 'o/x' });
}

describe('a store is not moved, and nothing is changed,', () => {
  it('into its own folder, or into one around it, however that is called', async () => {
    const path = folder();
    const store = await made(`file:${join(path, 'vault')}`);
    symlinkSync(join(path, 'vault'), join(path, 'link'));
    const before = readdirSync(join(path, 'vault')).toSorted();
    for (const inside of ['vault/deep/er', 'vault/o', 'link/deep', 'link/../link/deep']) {
      await refused(move(store, `file:${path}/${inside}`), 'INVALID_ARGUMENT', /the target is inside the store/);
    }
    await refused(move(store, `sqlite:${path}/link/in.db`), 'INVALID_ARGUMENT', /the target is inside the store/);
    const reencrypt = { unlock: another };
    await refused(
      move(store, `file:${path}/link/x`, { reencrypt }),
      'INVALID_ARGUMENT',
      /the target is inside the store/,
    );
    expect(readdirSync(join(path, 'vault')).toSorted()).toEqual(before);
    await isUntouched(store);

    mkdirSync(join(path, 'around'));
    const inner = await made(`sqlite:${join(path, 'around', 'vault.db')}`);
    await refused(move(inner, `file:${path}/around`), 'INVALID_ARGUMENT', /the store is inside the target/);
    await isUntouched(inner);
    expect(await move(inner, `file:${path}/aroundabout`)).toMatchObject({ migrated: true });
  });

  it('to where backups are, its own or others', async () => {
    const path = folder();
    const [store, other] = [await made(`file:${join(path, 'vault')}`), await made()];
    const backups = `file:${join(path, 'backups')}`;
    const opened = await openStore(store, { unlock, maintenance: false });
    await opened.backup(backups);
    await opened.close();
    await refused(move(store, backups), 'ALREADY_EXISTS', /^the target file:.*backups is a destination\. /);
    for (const beside of [`file:${join(path, 'backups', 'vault')}`, `sqlite:${join(path, 'backups', 'vault.db')}`]) {
      await refused(move(store, beside), 'ALREADY_EXISTS', /shares a folder with the destination file:.*backups\. /);
    }
    await refused(move(other, backups), 'ALREADY_EXISTS', /the target has backups\. Nothing was changed/);
    const reencrypt = { unlock: another };
    await refused(move(other, backups, { reencrypt }), 'ALREADY_EXISTS', /the target has backups/);
    // As where the disk that it is on is not mounted.
    rmSync(join(path, 'backups'), { recursive: true });
    await refused(move(store, backups), 'ALREADY_EXISTS', / is a destination\. /);
    await isUntouched(store);
    await isUntouched(other);
  });
});

it('a store is not backed up into its own folder', async () => {
  const path = folder();
  await using store = await openStore(await made(`file:${join(path, 'vault')}`), { unlock, maintenance: false });
  symlinkSync(join(path, 'vault'), join(path, 'link'));
  for (const inside of [`file:${path}/vault/backups`, `sqlite:${path}/link/backups.db`]) {
    await refused(
      store.backup(inside),
      'INVALID_ARGUMENT',
      /is in the folder of the store\. Backups need a destination/,
    );
  }
  await store.backup(`file:${path}/backups`);
});

// Each waits for other processes: six seconds where the journal comes, six before a move.
describe.concurrent('a store that is moved', { timeout: 600_000 }, () => {
  it('is remembered at its new place, whatever was remembered of that', async ({ expect: expectHere }) => {
    const path = mkdtempSync(join(tmpdir(), 'securestore-places-'));
    try {
      const anchor = memoryAnchor();
      const [from, to] = [`file:${join(path, 'vault')}`, `sqlite:${join(path, 'vault.db')}`];
      await (await createStore(to, { unlock: another, anchor })).close();
      rmSync(join(path, 'vault.db'));
      const created = await createStore(from, { unlock, anchor, maintenance: false });
      const { fingerprint } = created;
      await created.close();
      await move(from, to, { anchor });
      const there = anchor.remembered.get(to);
      expectHere(there).toMatchObject({ fingerprint });
      expectHere(there?.instance).not.toBe(anchor.remembered.get(from)?.instance);
      await move(to, from, { anchor });
      expectHere(anchor.remembered.get(from)?.instance).not.toBe(there?.instance);
      await (await openStore(from, { unlock, anchor, maintenance: false })).close();

      await move(from, to, { anchor });
      rmSync(join(path, 'vault.db'));
      await refused(openStore(to, { unlock, anchor }), 'ROLLBACK', /no store is here, though one was before$/);
    } finally {
      rmSync(path, { recursive: true });
    }
  });

  it('is remembered where it was sealed anew', async ({ expect: expectHere }) => {
    const anchor = memoryAnchor();
    const [from, to] = [await made(), memoryPlace()];
    await move(from, to, { anchor, reencrypt: { unlock: another } });
    const opened = await openStore(to, { unlock: another, anchor, maintenance: false });
    expectHere(anchor.remembered.get(to)).toMatchObject({ fingerprint: opened.fingerprint });
    await opened.close();
  });

  it('says where it is, and how it goes on, where moving it fails', async ({ expect: expectHere }) => {
    const [from, to] = [await made(), memoryPlace()];
    const backend = new MemoryBackend();
    await backend.init({ url: 'memory:', options: {} });
    const filling = forwardTo(backend, {
      write: (key, body, options) => (key.startsWith('o/') ? full() : backend.write(key, body, options)),
      batch: full,
    });
    const failed = await refused(
      move(from, to, { destinations: { [to]: { backend: filling } } }),
      'NO_SPACE',
      /the disk is full.* The store is still at memory:\S+\.$/,
    );
    expectHere(failed.key).toBeUndefined();
    expectHere(failed.advice).toEqual([
      { id: 'resume-migration', source: from, target: to },
      { id: 'cancel-migration', source: from },
    ]);
    expectHere(await cancelMigration(from, { unlock })).toEqual({ source: from, target: to });
    await isUntouched(from);
    const again = refused(
      move(from, to, { destinations: { [to]: { backend: filling } } }),
      'NO_SPACE',
      /The store is still at/,
    );
    await again;
    expectHere(await move(from, to, { destinations: { [to]: { backend } } })).toMatchObject({ migrated: true });
  });

  it('is kept in line where it was until it moves back there', async ({ expect: expectHere }) => {
    const [from, to] = [await made(), memoryPlace()];
    await move(from, to);
    const keeping = replicateBack(to, from, { unlock });
    for await (const { phase } of keeping.progress) if (phase === 'replicating back') break;
    expectHere(await move(to, from)).toMatchObject({ migrated: true });
    expectHere(await keeping).toMatchObject({ migratesBack: true, failures: 0 });
  });
});
