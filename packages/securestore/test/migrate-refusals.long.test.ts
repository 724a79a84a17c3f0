import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { forwardTo } from '@securestore/backend-api';
import { MemoryBackend } from '@securestore/backend-memory';
import { SqliteBackend } from '@securestore/backend-sqlite';
import { SecureStoreError } from '@securestore/core-format';
import type { Job } from '@securestore/jobs';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { MigrateOptions } from '../src/store/migration.ts';
import {
  cancelMigration,
  createStore,
  generateIdentity,
  identity,
  replicateBack,
  migrateStore,
  openStore,
  rawKey,
  recipientOf,
  restoreStore,
  finalizeMigration,
} from '../src/index.ts';
import { memoryPlace } from './support/round-trip.ts';

const unlock = rawKey(Buffer.alloc(32, 7));
const wrong = rawKey(Buffer.alloc(32, 8));
const MAGIC_LENGTH = 4;

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'securestore-refusals-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** The phases of a job in which others do not see it yet. */
const UNSEEN = ['waiting', 'starting', 'preparing', 'making new keys'];

async function underWay(job: Job<unknown>): Promise<void> {
  for await (const { phase } of job.progress) if (!UNSEEN.includes(phase)) return;
}

async function made(url: string = memoryPlace()): Promise<string> {
  await using store = await createStore(url, { unlock, maintenance: false, categories: { team: ['team/**'] } });
  await store.store('k', 'v');
  return url;
}

const move = (from: string, to: string, options: Partial<MigrateOptions> = {}): PromiseLike<unknown> =>
  migrateStore(from, to, { unlock, ...options });

async function refused(run: PromiseLike<unknown>, code: string, message: RegExp): Promise<void> {
  await expect(Promise.resolve(run)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
}

const writesNothing = (): Promise<never> => Promise.reject(new SecureStoreError('READ_ONLY', 'the disk is read-only'));

/** Nothing says that the store is being moved, so that it can be rotated, and moved elsewhere. */
async function isUntouched(url: string): Promise<void> {
  await refused(cancelMigration(url, { unlock }), 'NOT_FOUND', /the store is not being migrated/);
  await using store = await openStore(url, { unlock, maintenance: false });
  expect((await store.retrieve('k')).text()).toBe('v');
}

describe('a store is not moved, and nothing is changed,', () => {
  it('where there is none', async () => {
    await refused(move(memoryPlace(), memoryPlace()), 'NOT_FOUND', /no store is here/);
  });

  it('where it or its new place can not be reached', async () => {
    const nowhere = 'redis://127.0.0.1:1/0';
    await refused(move(nowhere, memoryPlace()), 'UNAVAILABLE', /the server cannot be reached/);
    const store = await made();
    await refused(move(store, nowhere), 'UNAVAILABLE', /the server cannot be reached/);
    await isUntouched(store);
    await refused(move(store, 'file:/proc/none/here'), 'UNAVAILABLE', /\/proc\/none\/here/);
    await isUntouched(store);
  });

  it('by what is no store URL, or has no backend', async () => {
    expect(() => move('nowhere', memoryPlace())).toThrow(/the store URL must begin with a scheme/);
    expect(() => move(memoryPlace(), '')).toThrow(/the store URL must not be empty/);
    const store = await made();
    await refused(move(store, 'nothing:here'), 'INVALID_ARGUMENT', /^(?:.*: )?unknown scheme nothing:/);
    await isUntouched(store);
  });

  it('by a wrong secret', async () => {
    const store = await made();
    await refused(move(store, memoryPlace(), { unlock: wrong }), 'UNLOCK_FAILED', /does not unlock/);
    await isUntouched(store);
  });

  it('where a newer release has written its head', async () => {
    const url = `sqlite:${join(folder(), 'vault.db')}`;
    await made(url);
    const backend = new SqliteBackend();
    await backend.init({ url, options: {} });
    const head = await backend.read('store');
    const body = Buffer.from(head?.body ?? []);
    body.writeUInt8(99, MAGIC_LENGTH);
    await backend.write('store', body);
    await backend.close();
    await refused(move(url, memoryPlace()), 'FORMAT_VERSION', /format version 99/);
  });

  it('to where another store is', async () => {
    const [store, other] = [await made(), await made()];
    await refused(move(store, other), 'ALREADY_EXISTS', /the target already has another store\. Nothing was changed/);
    await isUntouched(store);
    await isUntouched(other);
  });

  it('to what remains of a store whose head is gone', async () => {
    const [store, url] = [await made(), `sqlite:${join(folder(), 'vault.db')}`];
    await made(url);
    const backend = new SqliteBackend();
    await backend.init({ url, options: {} });
    await backend.delete('store');
    await backend.close();
    await refused(move(store, url), 'ALREADY_EXISTS', /objects of a store without a head/);
    await isUntouched(store);
  });

  it('to where a copy of it is, restored or taken of its files', async () => {
    const path = join(folder(), 'vault.db');
    const store = await made(`sqlite:${path}`);
    copyFileSync(path, `${path}-copied`);
    await refused(move(store, `sqlite:${path}-copied`), 'ALREADY_EXISTS', /the target is the store itself/);
    const [backups, restored] = [memoryPlace(), memoryPlace()];
    const opened = await openStore(store, { unlock, maintenance: false });
    await opened.backup(backups);
    await opened.close();
    await restoreStore(backups, restored, { unlock });
    await refused(move(store, restored), 'ALREADY_EXISTS', /the target already has a copy of the store/);
    await isUntouched(store);
  });

  it('to where it is, whatever that is called', async () => {
    const path = join(folder(), 'vault.db');
    const store = await made(`sqlite:${path}`);
    await refused(move(store, store), 'INVALID_ARGUMENT', /the source and the target are the same/);
    const around = `sqlite:${join(path, '..')}/../${basename(join(path, '..'))}/vault.db`;
    await refused(move(store, around), 'INVALID_ARGUMENT', /the source and the target are the same/);
    symlinkSync(path, `${path}-link`);
    await refused(move(store, `sqlite:${path}-link`), 'ALREADY_EXISTS', /the target is the store itself/);
    await isUntouched(store);
  });

  it('to a backend that lacks what a store needs', async () => {
    const store = await made();
    for (const lacking of ['ifAbsent', 'ifMatch', 'orderedList', 'listAfterWrite', 'rangeRead', 'modified'] as const) {
      const to = memoryPlace();
      const backend = forwardTo(new MemoryBackend(), {
        declare: (capabilities) => ({ ...capabilities, [lacking]: false }),
      });
      const destinations = { [to]: { backend } };
      await refused(move(store, to, { destinations }), 'UNSUPPORTED', new RegExp(`lacks ${lacking}\\b`));
    }
    await isUntouched(store);
  });

  it('to a backend that writes nothing', async () => {
    const [store, to] = [await made(), memoryPlace()];
    const destinations = { [to]: { backend: forwardTo(new MemoryBackend(), { write: writesNothing }) } };
    await refused(move(store, to, { destinations }), 'READ_ONLY', /the disk is read-only/);
    await isUntouched(store);
  });

  it('by a member', async () => {
    const url = await made();
    const ann = generateIdentity();
    const store = await openStore(url, { unlock, maintenance: false });
    await store.members.add('ann', await recipientOf(ann), { categories: ['team'] });
    const { fingerprint } = store;
    await store.close();
    const as = { unlock: identity(ann), fingerprint };
    await refused(move(url, memoryPlace(), as), 'ACCESS_DENIED', /only an owner can do this/);
    await refused(cancelMigration(url, as), 'ACCESS_DENIED', /only an owner can do this/);
    await refused(finalizeMigration(url, as), 'ACCESS_DENIED', /only an owner can do this/);
    await isUntouched(url);
  });

  it('with options that there are not', async () => {
    const store = await made();
    expect(() => move(store, memoryPlace(), { partial: 'yes' } as never)).toThrow(/"partial"/);
    expect(() => move(store, memoryPlace(), { parcial: true } as never)).toThrow(/"parcial"/);
  });
});

// Each waits for other processes: six seconds where the journal comes, six before a move.
describe.concurrent('a store that is being moved', { timeout: 600_000 }, () => {
  it('is not moved elsewhere, rotated, restored or retired, until that is cancelled', async () => {
    const [store, to] = [await made(), memoryPlace()];
    expect(await move(store, to, { copyOnly: true })).toMatchObject({ migrated: false, failures: 0 });
    await refused(openStore(to, { unlock }), 'INTEGRITY', /no store is here yet: a migration to this store URL/);
    await refused(createStore(to, { unlock }), 'INTEGRITY', /no store is here yet: a migration to this store URL/);
    await refused(move(store, memoryPlace()), 'LOCKED', /already being migrated to memory:/);
    await refused(move(await made(), to), 'ALREADY_EXISTS', /another migration to the target/);
    await refused(
      finalizeMigration(store, { unlock }),
      'LOCKED',
      /being migrated to memory:.*which needs its kept changes/,
    );
    const opened = await openStore(store, { unlock, maintenance: false });
    const backups = memoryPlace();
    await opened.backup(backups);
    const rotating = opened.rotateEncryptionKey(unlock, unlock, { depth: 'keys' });
    await refused(rotating, 'LOCKED', /cannot rotate: the store is being migrated/);
    await refused(opened.restore(backups, { conflict: 'overwrite' }), 'LOCKED', /being migrated/);
    await opened.close();
    expect(await cancelMigration(store, { unlock })).toEqual({ source: store, target: to });
    await isUntouched(store);
    // What was copied is of use to the next one to the same place.
    expect(await move(store, to)).toMatchObject({ migrated: true, versions: 0 });
  });

  it('is moved by one at a time, and can not be cancelled meanwhile', async () => {
    const [store, to] = [await made(), memoryPlace()];
    const moving = migrateStore(store, to, { unlock });
    await underWay(moving);
    await Promise.all([
      refused(move(store, to), 'LOCKED', /another process is migrating the store/),
      refused(move(store, memoryPlace()), 'LOCKED', /being migrated to memory:|another process is migrating/),
      refused(cancelMigration(store, { unlock }), 'LOCKED', /another process is migrating/),
      refused(finalizeMigration(store, { unlock }), 'LOCKED', /being migrated to/),
    ]);
    expect(await moving).toMatchObject({ migrated: true });
    await refused(cancelMigration(store, { unlock }), 'CONFLICT', /the store has already moved$/);
    await refused(finalizeMigration(store, { unlock }), 'LOCKED', /has moved to memory:/);
    await refused(move(store, memoryPlace()), 'LOCKED', /has moved to memory:/);
    await refused(createStore(store, { unlock }), 'ALREADY_EXISTS', /a store already exists here/);
    await refused(move(await made(), store), 'ALREADY_EXISTS', /another store/);
    // By who did not see how it ended.
    expect(await move(store, to)).toMatchObject({ migrated: true, pause: 0 });
    await refused(cancelMigration(to, { unlock }), 'NOT_FOUND', /not being migrated/);
    await refused(
      replicateBack(to, memoryPlace(), { unlock }),
      'INVALID_ARGUMENT',
      /is not a former source of the store/,
    );
    expect(await finalizeMigration(to, { unlock })).toBe(true);
    expect(await finalizeMigration(to, { unlock })).toBe(false);
    expect(await move(to, store)).toMatchObject({ migrated: true });
  });

  it('waits for a rotation that was stopped', async () => {
    const store = await made();
    const opened = await openStore(store, { unlock, maintenance: false });
    const rotation = opened.rotateEncryptionKey(unlock, unlock, { depth: 'keys' });
    await underWay(rotation);
    await refused(move(store, memoryPlace()), 'LOCKED', /cannot migrate the store: a rotation has not ended/);
    await rotation;
    await opened.close();
    await isUntouched(store);
  });
});
