import { MemoryBackend } from '@securestore/backend-memory';
import { describe, expect, test } from 'vitest';
import type { Job, OpenBackupOptions, SnapshotChoice } from '../../src/index.ts';
import {
  addPrincipal,
  generateRecoveryCode,
  hasBackup,
  listSnapshots,
  openStore,
  rawKey,
  readSnapshot,
  recoveryCode,
  restoreStore,
  verifyBackup,
} from '../../src/index.ts';
import { unlock } from '../support/access-world.ts';
import { backedUp, BackupWorld, contentOf, furnish } from '../support/backup-world.ts';

const HOUR = 3_600_000;

/** Interrupts a restore once it has written something. */
async function stopped(restore: (signal: AbortSignal) => Job<unknown>): Promise<void> {
  const ending = new AbortController();
  const job = restore(ending.signal);
  for await (const { bytes } of job.progress) if (bytes > 0) break;
  ending.abort();
  await expect(job).rejects.toMatchObject({ name: expect.any(String) });
}

describe('a backup', () => {
  test('says what is in it, and the second one copies only what has changed', async () => {
    const { world, store, report } = await backedUp();
    expect(report).toMatchObject({ number: 1, objects: 4, deleted: 1, failed: [], findings: [], rewrapped: 0 });
    expect(report.copied).toEqual({ versions: report.versions, bytes: report.bytes });
    world.clock.advance(HOUR);
    await store.store('db/b', 'changed');
    const second = await store.backup(world.backup);
    expect(second).toMatchObject({ number: 2, objects: 4, versions: report.versions + 1 });
    expect(second.copied.versions).toBe(1);
    expect(second.copied.bytes).toBeLessThan(1000);
    expect(second.time.getTime() - report.time.getTime()).toBeGreaterThanOrEqual(HOUR - 1000);
    const listed = await listSnapshots(world.backup, world.secret);
    expect(listed.map(({ number, label, objects }) => ({ number, label, objects }))).toEqual([
      { number: 2, label: '', objects: 4 },
      { number: 1, label: 'first', objects: 4 },
    ]);
    expect(await store.backups.list(world.backup)).toEqual(listed);
  });

  test('is known by its place, and so is that there is none', async () => {
    const { world } = await backedUp();
    expect(await hasBackup(world.backup)).toBe(true);
    expect(await hasBackup(world.target)).toBe(false);
    await expect(listSnapshots(world.target, world.secret)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const wrong: OpenBackupOptions = { unlock: rawKey(Buffer.alloc(32, 9)) };
    await expect(listSnapshots(world.backup, wrong)).rejects.toMatchObject({ code: 'UNLOCK_FAILED' });
    const other = { ...world.secret, fingerprint: 'a'.repeat(52) };
    await expect(listSnapshots(world.backup, other)).rejects.toMatchObject({ code: expect.any(String) });
  });

  test('is read as the store was then, and can not be changed', async () => {
    const { world, store, report } = await backedUp();
    const then = await contentOf(store);
    world.clock.advance(HOUR);
    await store.store('db/a', 'third');
    await store.delete('web/c');
    await store.backup(world.backup);
    for (const choice of [{ snapshot: 1 }, { at: new Date(report.time.getTime() + HOUR / 2) }]) {
      await readSnapshot(world.backup, { ...world.secret, ...choice }, async (view, info) => {
        expect(info).toMatchObject({ number: 1, label: 'first' });
        expect(await contentOf(view)).toEqual(then);
        await expect(view.store('x', 'y')).rejects.toMatchObject({ code: 'READ_ONLY' });
        await expect(view.delete('db/a')).rejects.toMatchObject({ code: 'READ_ONLY' });
      });
    }
    const newest = await readSnapshot(world.backup, world.secret, async (view) => view.list());
    expect(newest).toEqual(['db/a', 'db/b', 'large']);
    const early = { ...world.secret, at: new Date(report.time.getTime() - HOUR) };
    await expect(readSnapshot(world.backup, early, async () => undefined)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const none = { ...world.secret, snapshot: 7 };
    await expect(readSnapshot(world.backup, none, async () => undefined)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('is refused where a store lies, also its own', async () => {
    const { world, store } = await backedUp();
    const other = new BackupWorld();
    await (await other.open()).close();
    for (const place of [world.url, other.url]) {
      await expect(store.backup(place)).rejects.toMatchObject({
        code: 'ALREADY_EXISTS',
        message: expect.stringMatching(/has a store\. Backups need a destination of their own\.$/),
      });
      expect(await hasBackup(place)).toBe(false);
    }
  });

  // T-BACKUP-03
  test('of another store is neither gone on with nor restored', async () => {
    const { world } = await backedUp();
    const other = new BackupWorld();
    const stranger = await other.open();
    await stranger.store('x', 'y');
    await expect(stranger.backup(world.backup)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await expect(stranger.restore(world.backup, { keys: ['db/a'] })).rejects.toMatchObject({
      code: 'INTEGRITY',
      message: expect.stringMatching(/^the backup is of another store/),
    });
    expect(await stranger.list()).toEqual(['x']);
  });

  test('refuses options that it does not know, and labels that are none', async () => {
    const { world, store } = await backedUp();
    for (const options of [{ labl: 'x' }, { label: 'a\nb' }, { label: 'x'.repeat(129) }]) {
      // What callers without types give.
      const job = (async () => store.backup(world.backup, options))();
      await expect(job).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
    expect(await listSnapshots(world.backup, world.secret)).toHaveLength(1);
  });

  test('goes where the option "destinations" says', async () => {
    const world = new BackupWorld();
    const shelf = new MemoryBackend();
    await shelf.init({ url: world.target, options: {} });
    const destinations = { 'memory:shelf': { backend: shelf } };
    const store = await world.open({ destinations });
    await store.store('a', 'one');
    await store.backup('memory:shelf');
    expect(await hasBackup('memory:shelf')).toBe(false);
    expect(await hasBackup('memory:shelf', { destinations })).toBe(true);
    expect(await listSnapshots('memory:shelf', { ...world.secret, destinations })).toHaveLength(1);
    const there = { ...world.secret, destinations };
    expect(await verifyBackup('memory:shelf', there)).toMatchObject({ ok: true });
    const [first] = await store.backups.destinations();
    expect(first).toMatchObject({ url: 'memory:shelf' });
    // It stays the caller's.
    expect(await shelf.read('keys')).toBeDefined();
  });
});

describe('a restored store', () => {
  test('has every object and version, is a store of its own, and needs the old one no more', async () => {
    const { world, store } = await backedUp();
    const then = await contentOf(store);
    await store.close();
    const report = await restoreStore(world.backup, world.target, world.secret);
    expect(report).toMatchObject({ snapshot: 1, objects: 4, unreadable: 0, failed: [] });
    await using again = await openStore(world.target, { unlock, maintenance: false });
    expect(again.fingerprint).toBe(store.fingerprint);
    expect(await contentOf(again)).toEqual(then);
    expect(await again.verify({ payloads: true })).toMatchObject({ ok: true });
    await again.undelete('gone');
    expect((await again.retrieve('gone')).text()).toBe('there once');
    await again.store('new', 'written here');
    await expect(restoreStore(world.backup, world.target, world.secret)).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
    });
    expect((await again.retrieve('new')).text()).toBe('written here');
  });

  test('comes of a recovery code alone', async () => {
    const world = new BackupWorld();
    const store = await world.furnished();
    const code = generateRecoveryCode();
    await store.slots.add(recoveryCode(code));
    await store.backup(world.backup);
    await store.close();
    const byCode = { unlock: recoveryCode(code), fingerprint: store.fingerprint };
    await restoreStore(world.backup, world.target, byCode);
    await using again = await openStore(world.target, { ...byCode, maintenance: false });
    expect((await again.retrieve('db/a')).text()).toBe('second');
  });

  test('has of a prefix what begins with it', async () => {
    const { world } = await backedUp();
    expect(await restoreStore(world.backup, world.target, { ...world.secret, prefix: 'db/' })).toMatchObject({
      objects: 2,
    });
    await using again = await openStore(world.target, { unlock, maintenance: false });
    expect(await again.list()).toEqual(['db/a', 'db/b']);
  });

  test('goes on where it was interrupted, and before that is no store', async () => {
    const { world } = await backedUp();
    await stopped((signal) => restoreStore(world.backup, world.target, { ...world.secret, signal }));
    await expect(openStore(world.target, { unlock })).rejects.toMatchObject({
      code: 'INTEGRITY',
      reason: 'incomplete',
      advice: [{ id: 'resume-restore', url: world.target }, { id: 'choose-store-url' }],
      message: expect.stringContaining('no store is here yet: a restore to this store URL has not ended'),
    });
    // Nothing else may be put into the place of what was begun.
    const other = { ...world.secret, prefix: 'db/' };
    await expect(restoreStore(world.backup, world.target, other)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await restoreStore(world.backup, world.target, world.secret);
    await using again = await openStore(world.target, { unlock, maintenance: false });
    expect(await again.verify({ payloads: true })).toMatchObject({ ok: true });
  });

  test.each<readonly [string, SnapshotChoice]>([
    ['the newest', {}],
    ['a moment that was not over', { at: new Date(Date.UTC(2090)) }],
  ])('goes on with the snapshot that it was begun with, though there are newer ones: %s', async (_, choice) => {
    const { world, store } = await backedUp();
    const then = await contentOf(store);
    const asked = { ...world.secret, ...choice };
    await stopped((signal) => restoreStore(world.backup, world.target, { ...asked, signal }));
    world.clock.advance(HOUR);
    await store.store('db/a', 'later');
    await store.backup(world.backup);
    // What is asked for otherwise is another restore, also of the same snapshot.
    await expect(restoreStore(world.backup, world.target, { ...world.secret, snapshot: 2 })).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
      message: expect.stringContaining('Only the same restore can resume it'),
    });
    expect(await restoreStore(world.backup, world.target, asked)).toMatchObject({
      snapshot: 1,
      findings: expect.arrayContaining([
        expect.stringMatching(/resumed with snapshot 1 of .*Changes up to snapshot 2 were not restored\.$/),
      ]),
    });
    await using again = await openStore(world.target, { unlock, maintenance: false });
    expect(await contentOf(again)).toEqual(then);
    await expect(restoreStore(world.backup, world.target, asked)).rejects.toMatchObject({
      message: expect.stringContaining('the target already has a store'),
    });
  });

  test('goes on where the snapshot is named that it was begun with', async () => {
    const { world, store } = await backedUp();
    await stopped((signal) => restoreStore(world.backup, world.target, { ...world.secret, signal }));
    world.clock.advance(HOUR);
    await store.store('db/a', 'later');
    // Who may do what is as it is at the end.
    await store.access.change(addPrincipal('late', 'service'));
    await store.backup(world.backup);
    expect(await restoreStore(world.backup, world.target, { ...world.secret, snapshot: 1 })).toMatchObject({
      snapshot: 1,
    });
  });

  test('does not go on if the snapshot is gone that it was begun with, and says so', async () => {
    const { world, store } = await backedUp();
    await stopped((signal) => restoreStore(world.backup, world.target, { ...world.secret, signal }));
    world.clock.advance(HOUR);
    await store.backup(world.backup);
    await store.backups.forget(world.backup, () => [1]);
    await expect(restoreStore(world.backup, world.target, world.secret)).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
      message: expect.stringMatching(/^the interrupted restore of snapshot 1 cannot be resumed/),
    });
  });
});

describe('a backup that is looked through', () => {
  test('is whole, and says what was opened', async () => {
    const { world, store } = await backedUp();
    const complete = await verifyBackup(world.backup, world.secret);
    expect(complete).toMatchObject({ ok: true, depth: 'complete', decrypted: 0, snapshots: 1, found: 0 });
    const opens = await verifyBackup(world.backup, { ...world.secret, depth: 'opens' });
    expect(opens).toMatchObject({ ok: true, depth: 'opens' });
    expect(opens.decrypted).toBeGreaterThan(4);
    expect(await store.backups.verify(world.backup, { depth: 'opens' })).toEqual(opens);
  });

  // T-BACKUP-01
  test('shows damage, which a restore refuses, or leaves out with "partial"', async () => {
    const { world } = await backedUp();
    const backend = new MemoryBackend();
    await backend.init({ url: world.backup, options: {} });
    const { entries } = await backend.list('b/');
    const part = entries.find(({ size }) => size > 1_000_000)?.key ?? '';
    await backend.delete(part);
    const report = await verifyBackup(world.backup, world.secret);
    expect(report).toMatchObject({ ok: false, found: 1 });
    expect(report.findings).toMatchObject([{ kind: 'missing', snapshots: [1], versions: 1, keys: ['large'] }]);
    await expect(restoreStore(world.backup, world.target, world.secret)).rejects.toMatchObject({ code: 'INTEGRITY' });
    const partial = await restoreStore(world.backup, world.target, { ...world.secret, partial: true });
    expect(partial.failed).toMatchObject([{ code: 'INTEGRITY' }]);
    await using again = await openStore(world.target, { unlock, maintenance: false });
    expect(await again.list()).toEqual(['db/a', 'db/b', 'web/c']);
    expect(await again.verify()).toMatchObject({ ok: true });
  });
});

// T-BACKUP-02
test('a payload that was changed in the backup is refused, and makes no store that looks whole', async () => {
  const { world } = await backedUp();
  const backend = new MemoryBackend();
  await backend.init({ url: world.backup, options: {} });
  const { entries } = await backend.list('b/');
  const part = entries.find(({ size }) => size > 1_000_000)?.key ?? '';
  const body = Buffer.from((await backend.read(part))?.body ?? []);
  body.writeUInt8(body.readUInt8(100_000) ^ 1, 100_000);
  await backend.write(part, body);
  await expect(restoreStore(world.backup, world.target, world.secret)).rejects.toMatchObject({
    code: 'INTEGRITY',
    message: expect.stringMatching(
      /^the file b\/\S+ of the backup is damaged: its contents are not those that were copied$/,
    ),
    advice: [
      { id: 'verify-backup', destination: world.backup },
      { id: 'choose-snapshot', destination: world.backup },
    ],
  });
  const partial = await restoreStore(world.backup, world.target, { ...world.secret, partial: true });
  expect(partial.failed).toMatchObject([{ code: 'INTEGRITY' }]);
  await using again = await openStore(world.target, { unlock, maintenance: false });
  expect(await again.list()).toEqual(['db/a', 'db/b', 'web/c']);
});

describe('the destinations of a store', () => {
  test('are registered by their first snapshot, once, and unregistered on demand', async () => {
    const { world, store } = await backedUp();
    await store.backup(world.backup);
    const second = new BackupWorld();
    await store.backup(second.backup);
    const found = await store.backups.destinations();
    expect(found.map(({ url }) => url).toSorted()).toEqual([world.backup, second.backup].toSorted());
    await store.backups.setRetention(world.backup, { last: 3 });
    expect((await store.backups.destinations()).find(({ url }) => url === world.backup)).toMatchObject({
      retention: { last: 3 },
    });
    await store.backups.unregister(second.backup);
    expect(await store.backups.destinations()).toHaveLength(1);
    await expect(store.backups.unregister(second.backup)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await listSnapshots(second.backup, second.secret)).toHaveLength(1);
  });

  test('forget the snapshots that are chosen, and never the newest', async () => {
    const { world, store } = await backedUp();
    await store.store('db/a', 'third');
    await store.backup(world.backup);
    const report = await store.backups.forget(world.backup, (points) => points.map(({ number }) => number));
    expect(report.removed).toEqual([1]);
    expect((await listSnapshots(world.backup, world.secret)).map(({ number }) => number)).toEqual([2]);
    expect(await verifyBackup(world.backup, { ...world.secret, depth: 'opens' })).toMatchObject({ ok: true });
  });

  // T-BACKUP-06
  test('follow a rotation: the new secret opens them, and the old one no longer does', async () => {
    const { world, store } = await backedUp();
    const next = rawKey(Buffer.alloc(32, 5));
    expect(await store.rotateEncryptionKey(unlock, next)).toMatchObject({ pending: [], failed: 0 });
    await expect(listSnapshots(world.backup, world.secret)).rejects.toMatchObject({ code: 'UNLOCK_FAILED' });
    const opens = await verifyBackup(world.backup, { unlock: next, depth: 'opens' });
    expect(opens).toMatchObject({ ok: true });
    await restoreStore(world.backup, world.target, { unlock: next });
    await using again = await openStore(world.target, { unlock: next, maintenance: false });
    expect((await again.retrieve('db/a')).text()).toBe('second');
  });
});

test('a store of a store that was restored goes on with the backups of the first', async () => {
  const { world, store } = await backedUp();
  await store.close();
  await restoreStore(world.backup, world.target, world.secret);
  await using again = await openStore(world.target, { unlock, maintenance: false });
  await furnish(again);
  await expect(again.backup(world.backup)).rejects.toMatchObject({ code: 'CONFLICT' });
  expect(await again.backup(world.backup, { takeOver: true })).toMatchObject({ number: 2, failed: [] });
  await using old = await world.open({ create: false });
  await expect(old.backup(world.backup)).rejects.toMatchObject({ code: 'CONFLICT' });
});
