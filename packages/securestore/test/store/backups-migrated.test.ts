import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { forwardTo } from '@securestore/backend-api';
import { FsBackend } from '@securestore/backend-fs';
import { MemoryBackend } from '@securestore/backend-memory';
import {
  BACKUP_KEYS_NAME,
  decodeBackupKeys,
  decodeHead,
  encodeBackupKeys,
  SecureStoreError,
} from '@securestore/core-format';
import { migrateObjectStore } from '@securestore/migrate';
import { openObjectStore } from '@securestore/objects';
import { describe, expect, onTestFinished, test } from 'vitest';
import { EagerClock } from '../../../objects/test/support/eager-clock.ts';
import type { SecureStore } from '../../src/index.ts';
import {
  addPrincipal,
  createStore,
  failBack,
  grantRole,
  migrateStore,
  openStore,
  rawKey,
  restoreStore,
  setRole,
  verifyBackup,
} from '../../src/index.ts';
import { memoryPlace } from '../support/round-trip.ts';

const unlock = rawKey(Buffer.alloc(32, 1));
const second = rawKey(Buffer.alloc(32, 2));

/** A destination that can go away, and whose files can be replaced. */
function folder() {
  const base = mkdtempSync(join(tmpdir(), 'securestore-migrated-'));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  const [there, elsewhere] = [join(base, 'backup'), join(base, 'unmounted')];
  const using = async <T>(run: (backend: FsBackend) => Promise<T>): Promise<T> => {
    const backend = new FsBackend();
    await backend.init({ url: `file:${there}`, options: {} });
    try {
      return await run(backend);
    } finally {
      await backend.close();
    }
  };
  return {
    url: `file:${there}`,
    away: () => renameSync(there, elsewhere),
    back: () => renameSync(elsewhere, there),
    keys: () => using(async (backend) => Buffer.from((await backend.read(BACKUP_KEYS_NAME))?.body ?? '')),
    plant: (body: Uint8Array) => using(async (backend) => void (await backend.write(BACKUP_KEYS_NAME, body))),
  };
}

/** A store with tokens and two slots, that is backed up. */
async function backedUp() {
  const clock = new EagerClock(Date.now());
  const backend = () => new MemoryBackend({ clock: () => clock.now() });
  const options = () => ({ unlock, clock, maintenance: false, anchor: false, backend: backend() }) as const;
  const [source, target, destination] = [memoryPlace(), memoryPlace(), folder()];
  const at = async <T>(url: string, run: (store: SecureStore) => Promise<T>): Promise<T> => {
    await using store = await openStore(url, options());
    return await run(store);
  };
  const move = (from: string, to: string) => {
    const destinations = { [to]: { backend: backend() } };
    return migrateStore(from, to, { unlock, clock, anchor: false, backend: backend(), destinations });
  };
  await using store = await createStore(source, options());
  await store.store('a', 'first');
  await store.access.change([
    setRole('reader', [{ effect: 'allow', actions: ['read'] }]),
    addPrincipal('ann', 'user'),
    grantRole('ann', 'reader'),
  ]);
  const tokens = [await store.access.createToken('ann'), await store.access.createToken('ann')].map(({ id }) => id);
  const { id: slot } = await store.slots.add(second);
  await store.backup(destination.url);
  const [first = '', other = ''] = tokens;
  /** Restores the backups at a URL as a copy of the store. */
  const restored = async (from: string): Promise<string> => {
    const copy = memoryPlace();
    await restoreStore(from, copy, { unlock, clock, destinations: { [copy]: { backend: backend() } } });
    return copy;
  };
  return { clock, options, source, target, destination, at, move, restored, token: first, other, slot };
}

const revoke =
  (token: string) =>
  async (store: SecureStore): Promise<readonly string[]> =>
    (await store.access.revokeToken(token)).pending;

describe('a store that has migrated', () => {
  test('takes access away at its destinations without a backup before, and goes on with the backups there', async () => {
    const { source, target, destination, at, move, restored, token, slot, clock } = await backedUp();
    await move(source, target);
    expect(await at(target, revoke(token))).toEqual([]);
    const before = await destination.keys();
    expect(await at(target, async (store) => (await store.slots.remove(slot)).pending)).toEqual([]);
    await expect(verifyBackup(destination.url, { unlock: second, clock })).rejects.toMatchObject({
      code: 'UNLOCK_FAILED',
    });
    expect(await at(target, (store) => store.backups.verify(destination.url, { depth: 'opens' }))).toMatchObject({
      ok: true,
    });
    // The slot that was removed is noticed if it is put back.
    const now = await destination.keys();
    await destination.plant(before);
    await expect(restoreStore(destination.url, memoryPlace(), { unlock: second, clock })).rejects.toMatchObject({
      code: 'ROLLBACK',
    });
    await destination.plant(now);
    await at(target, async (store) => {
      await store.store('b', 'second');
      await store.backup(destination.url);
      expect(await store.backups.verify(destination.url, { depth: 'opens' })).toMatchObject({ ok: true });
    });
    await at(await restored(destination.url), async (store) => {
      expect([(await store.retrieve('a')).text(), (await store.retrieve('b')).text()]).toEqual(['first', 'second']);
      expect((await store.access.tokens()).map(({ id }) => id)).not.toContain(token);
    });
  });

  test('rotates the keys of the backups that its source made', async () => {
    const { source, target, destination, at, move, clock } = await backedUp();
    await move(source, target);
    const next = rawKey(Buffer.alloc(32, 3));
    const report = await at(target, async (store) => store.rotateEncryptionKey(unlock, next));
    expect(report).toMatchObject({ pending: [], failures: [] });
    await expect(verifyBackup(destination.url, { unlock, clock })).rejects.toMatchObject({ code: 'UNLOCK_FAILED' });
    expect(await verifyBackup(destination.url, { unlock: next, clock, depth: 'opens' })).toMatchObject({ ok: true });
  });

  test('does so after it came back, or migrated twice, and backs up there', async () => {
    const { source, target, destination, at, move, token, other } = await backedUp();
    await move(source, target);
    expect(await at(target, revoke(token))).toEqual([]);
    await move(target, source);
    const third = memoryPlace();
    await move(source, third);
    expect(await at(third, revoke(other))).toEqual([]);
    await move(third, target);
    // The head names another instance before this one than that which was there last.
    await at(target, async (store) => store.backup(destination.url));
    await move(target, third);
    await move(third, source);
    await at(source, async (store) => {
      await store.backup(destination.url);
      expect(await store.backups.verify(destination.url, { depth: 'opens' })).toMatchObject({ ok: true });
    });
  });

  test('migrates without its destinations, and reaches them once they answer', async () => {
    const { source, target, destination, at, move, token, other } = await backedUp();
    destination.away();
    expect((await move(source, target)).migrated).toBe(true);
    expect(await at(target, revoke(token))).toEqual([destination.url]);
    destination.back();
    expect(await at(target, revoke(other))).toEqual([]);
  });

  test('does so once the same migration is repeated, or a backup is told to, if the process died before it was noted', async () => {
    for (const isRepeated of [true, false]) {
      const { source, target, destination, at, move, token, other, options } = await backedUp();
      const { backend, ...open } = options();
      await backend.init({ url: source, options: {} });
      const there = options().backend;
      await there.init({ url: target, options: {} });
      await using leaving = await openObjectStore({
        ...open,
        anchor: undefined,
        url: source,
        backend,
        ignoreRedirect: true,
      });
      expect((await migrateObjectStore(leaving, { backend: there, url: target })).migrated).toBe(true);
      expect(await at(target, revoke(token))).toEqual([destination.url]);
      if (isRepeated) await move(source, target);
      else {
        await at(target, async (store) => {
          await expect(store.backup(destination.url)).rejects.toMatchObject({ code: 'CONFLICT' });
          return store.backup(destination.url, { takeOver: true });
        });
      }
      expect(await at(target, revoke(other))).toEqual([]);
    }
  });

  test('leaves each destination alone until something changes there: then the source needs another one if it is opened again', async () => {
    for (const isChanged of [false, true]) {
      const { source, target, destination, at, move, token, other, options, clock } = await backedUp();
      const before = await destination.keys();
      await move(source, target);
      expect(await destination.keys()).toEqual(before);
      if (isChanged) expect(await at(target, revoke(token))).toEqual([]);
      const lost = forwardTo(options().backend, {
        read: () => Promise.reject(new SecureStoreError('UNAVAILABLE', 'the target is lost')),
      });
      const destinations = { [target]: { backend: lost } };
      await failBack(source, { unlock, clock, anchor: false, backend: options().backend, destinations });
      expect(await at(source, revoke(other))).toEqual(isChanged ? [destination.url] : []);
      const again = at(source, async (store) => store.backup(destination.url));
      if (isChanged) {
        await expect(again).rejects.toMatchObject({ code: 'CONFLICT' });
        continue;
      }
      expect(await again).toMatchObject({ number: 2 });
      // If the target is found again after all, the head there is newer than the one with which the store migrated.
      expect(await at(target, revoke(token))).toEqual([destination.url]);
    }
  });
});

describe('no destination is taken over', () => {
  test('by a store that was restored from the backups of a migrated one', async () => {
    const { source, target, destination, at, move, restored, token } = await backedUp();
    await move(source, target);
    const elsewhere = folder();
    await at(target, async (store) => store.backup(elsewhere.url));
    const before = await destination.keys();
    const copy = await restored(elsewhere.url);
    expect(await at(copy, revoke(token))).toEqual(expect.arrayContaining([destination.url, elsewhere.url]));
    expect(await destination.keys()).toEqual(before);
    // Not either if it migrates itself: it was never the instance that has left its head there.
    const moved = memoryPlace();
    await move(copy, moved);
    const { id } = await at(moved, (store) => store.access.createToken('ann'));
    expect(await at(moved, revoke(id))).toContain(destination.url);
    expect(await destination.keys()).toEqual(before);
  });

  test('whose head is not that of the source, as the source left it', async () => {
    const { source, target, destination, at, move, other, options } = await backedUp();
    await move(source, target);
    const genuine = await destination.keys();
    const keys = decodeBackupKeys(genuine);
    const { head } = decodeHead(keys.head);
    const forged = Buffer.from(keys.head);
    forged.writeUInt8(forged.readUInt8(forged.length - 1) ^ 1, forged.length - 1);
    // A head that its signature does not fit.
    const planted = [encodeBackupKeys({ ...keys, head: forged })];
    // Another destination.
    planted.push(encodeBackupKeys({ ...keys, destination: Buffer.alloc(keys.destination.length, 1) }));
    // The backups of another store.
    const foreign = folder();
    await using stranger = await createStore(memoryPlace(), options());
    await stranger.store('x', 'y');
    await stranger.backup(foreign.url);
    planted.push(await foreign.keys());
    for (const body of planted) {
      await destination.plant(body);
      const { id } = await at(target, (store) => store.access.createToken('ann'));
      expect(await at(target, revoke(id))).toEqual([destination.url]);
      expect(await destination.keys()).toEqual(body);
    }
    await destination.plant(genuine);
    expect(await at(target, revoke(other))).toEqual([]);
    expect(decodeHead(decodeBackupKeys(await destination.keys()).head).head.instance).not.toEqual(head.instance);
  });
});
