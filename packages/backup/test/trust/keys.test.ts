import { createFaultInjector } from '@securestore/backend-api';
import { rawKey } from '@securestore/crypto';
import type { ObjectStore } from '@securestore/objects';
import { describe, expect, it } from 'vitest';
import { openAt, patterned, UNLOCK } from '../../../objects/test/support/stores.ts';
import { openBackup, verifyOpenedBackup } from '../../src/index.ts';
import type { Contents, World } from '../support/worlds.ts';
import {
  backupAt,
  backupsOf,
  contentsOf,
  filesAt,
  reached,
  restoredFrom,
  snapshotAt,
  worldOf,
} from '../support/worlds.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';

const NAMES = ['a', 'b', 'c', 'red/a', 'red/b', 'red/c'];
const CATEGORIES = { categories: { red: ['red/**'] } };

const secret = (number: number): ReturnType<typeof rawKey> => rawKey(Buffer.alloc(32, 100 + number));

/** Rotates the keys of a store, to the secret of this number. @returns the ids of the key versions that were retired */
async function rotate(store: ObjectStore, number: number, depth: 'keys' | 'data' = 'keys'): Promise<string[]> {
  if (number === 1) await store.slots.add(secret(0));
  const report = await store.rotateEncryptionKey(secret(number - 1), secret(number), { depth });
  return [...report.retired];
}

async function expectAll(world: World, points: ReadonlyMap<number, Contents>): Promise<void> {
  const { destination, clock } = world;
  for (const [snapshot, expected] of points) {
    const { store } = await restoredFrom(destination, clock, { snapshot });
    expect(await contentsOf(store, NAMES), `snapshot ${snapshot}`).toEqual(expected);
    expect((await store.verify({ payloads: true })).findings).toEqual([]);
    await store.close();
    const backup = await backupAt(destination, clock);
    expect((await verifyOpenedBackup(backup, { depth: 'opens', snapshot })).findings).toEqual([]);
  }
}

describe('keys that are rotated, retired and destroyed between snapshots', () => {
  it.each(['keys', 'data'] as const)('to the depth "%s" leave older and newer ones to be restored', async (depth) => {
    const world = await worldOf({ settings: CATEGORIES });
    const { store, destination } = world;
    const backups = backupsOf(store, [destination]);
    const points = new Map<number, Contents>();
    for (let round = 1; round <= sized({ short: 3, full: 4, torture: 4 }); round++) {
      await store.store('a', `${round}`);
      await store.store('red/a', patterned(70_000 + round, round));
      if (round === 2) await store.store('b', patterned(90_000, 9));
      if (round === 3) await store.delete('b');
      const { number } = await backups.backup(destination.url);
      points.set(number, await contentsOf(store, NAMES));
      const retired = await rotate(store, round, depth);
      expect(retired.length).toBeGreaterThan(0);
      // To the depth "data" every version is sealed anew under the same number.
      for (const id of retired) await store.encryptionKeys.destroy(id, { waitingPeriod: 0 });
      await expectAll(world, points);
    }
    const files = await filesAt(destination, 'e/');
    const used = new Set(
      (await store.encryptionKeys.list()).filter(({ state }) => state === 'primary').map(({ id }) => id),
    );
    // Nothing that is needed lies under a key that is gone.
    for (const body of files.values()) expect([...used].some((id) => body.toString('hex').includes(id))).toBe(true);
  });

  it('by a store that was restored and goes on with the destination leave those of before to be restored', async () => {
    const world = await worldOf();
    const { store, destination, clock } = world;
    await store.store('a', 'one');
    await store.store('b', patterned(80_000));
    await backupsOf(store, [destination]).backup(destination.url);
    const points = new Map([[1, await contentsOf(store, NAMES)]]);
    await store.close();
    const { store: restored } = await restoredFrom(destination, clock);
    const backups = backupsOf(restored, [destination]);
    await restored.store('c', 'later');
    await backups.backup(destination.url, { takeOver: true });
    points.set(2, await contentsOf(restored, NAMES));
    const retired = await rotate(restored, 1);
    for (const id of retired) await restored.encryptionKeys.destroy(id, { waitingPeriod: 0 });
    await expectAll(world, points);
  });

  it('to the depth "data", while the destination is down, leave older snapshots whole', async () => {
    const world = await worldOf();
    const { store, destination } = world;
    const injector = createFaultInjector();
    const backups = backupsOf(store, [destination], () => ({ layers: [injector.layer] }));
    await store.store('a', 'one');
    await store.store('a', 'two');
    await store.store('b', patterned(90_000, 2));
    await backups.backup(destination.url);
    const points = new Map([[1, await contentsOf(store, NAMES)]]);
    injector.plan(() => ({ type: 'fail' }));
    await rotate(store, 1, 'data');
    injector.plan(undefined);
    const { number } = await backups.backup(destination.url);
    points.set(number, await contentsOf(store, NAMES));
    await expectAll(world, points);
  });

  it('retires none while a destination is down, and does when it is there again', async () => {
    const world = await worldOf({ settings: CATEGORIES });
    const { store, destination } = world;
    const injector = createFaultInjector();
    const backups = backupsOf(store, [destination], () => ({ layers: [injector.layer] }));
    await store.store('a', 'one');
    await backups.backup(destination.url);
    const points = new Map([[1, await contentsOf(store, NAMES)]]);
    injector.plan(() => ({ type: 'fail' }));
    await store.slots.add(secret(0));
    const report = await store.rotateEncryptionKey(secret(0), secret(1));
    expect(report.pending).toEqual([destination.url]);
    const kinds = new Map((await store.encryptionKeys.list()).map(({ id, kind }) => [id, kind]));
    expect(report.retired.filter((id) => kinds.get(id) === 'category')).toEqual([]);
    await expectAll(world, points);
    injector.plan(undefined);
    // Those of the rotation before, too.
    expect((await rotate(store, 2)).filter((id) => kinds.get(id) === 'category')).toHaveLength(4);
    await expectAll(world, points);
  });

  it.each(['keys', 'data'] as const)('to the depth "%s" leave whole what a run has read before', async (depth) => {
    const world = await worldOf();
    const { store, source, destination, clock } = world;
    await store.store('a', 'one');
    const backups = backupsOf(store, [destination]);
    await backups.backup(destination.url);
    await store.store('a', 'two');
    const runner = await openAt(source, { clock });
    const injector = createFaultInjector();
    const [begun, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    injector.plan(({ operation, key }) => {
      if (operation !== 'write' || key?.startsWith('e/') !== true) return undefined;
      begun.resolve();
      return { type: 'delay', until: goOn.promise };
    });
    const running = snapshotAt(runner, destination, { layers: [injector.layer] });
    await begun.promise;
    const retired = await rotate(store, 1, depth);
    await Promise.all(retired.map((id) => store.encryptionKeys.destroy(id, { waitingPeriod: 0 })));
    goOn.resolve();
    const { number } = await running;
    const points = new Map([[number, await contentsOf(store, NAMES)]]);
    await expectAll(world, points);
  });
});

const filled = async (world: World): Promise<void> => {
  const { store } = world;
  await store.store('a', 'stays');
  await store.store('red/a', 'goes');
  await store.store('red/b', patterned(90_000, 3));
};

/** Whether anybody opens what was of the category, by what lies at the destination and the secret. */
async function opens(world: World, keys?: Buffer): Promise<boolean> {
  const { destination, clock } = world;
  const backend = await reached(destination);
  if (keys !== undefined) await backend.write('keys', keys);
  const backup = await openBackup({ backend, url: destination.url, unlock: UNLOCK, clock });
  await using store = await backup.open();
  expect((await store.retrieve('a')).text()).toBe('stays');
  return store.retrieve('red/a').then(
    () => true,
    (error: unknown) => {
      expect(error).toMatchObject({ code: 'KEY_DESTROYED' });
      return false;
    },
  );
}

describe('a category that is destroyed', () => {
  it('opens from no destination any more, and is left out of what is restored', async () => {
    const world = await worldOf({ settings: CATEGORIES });
    const { store, destination, clock } = world;
    await filled(world);
    await backupsOf(store, [destination]).backup(destination.url);
    const before = (await filesAt(destination)).get('keys');
    expect(await opens(world)).toBe(true);
    const reports = await store.encryptionKeys.destroy('red', { waitingPeriod: 0 });
    expect(reports.flatMap(({ pendingAt = [] }) => pendingAt)).toEqual([]);
    const after = (await filesAt(destination)).get('keys');
    expect(await opens(world)).toBe(false);
    const { store: restored, report } = await restoredFrom(destination, clock);
    expect(await restored.list()).toEqual(['a']);
    expect(report).toMatchObject({ unreadable: 2, failed: [] });
    expect((await restored.verify({ payloads: true })).findings).toEqual([]);
    const verified = await verifyOpenedBackup(await backupAt(destination, clock), { depth: 'opens' });
    expect(verified.findings).toEqual([]);
    // Only whoever has kept what lay there before opens it.
    expect(before?.equals(after ?? Buffer.alloc(0))).toBe(false);
    expect(await opens(world, before)).toBe(true);
  });

  it('is pending where a destination is down, until it is finished there', async () => {
    const world = await worldOf({ settings: CATEGORIES });
    const { store, destination } = world;
    const injector = createFaultInjector();
    const backups = backupsOf(store, [destination], () => ({ layers: [injector.layer] }));
    await filled(world);
    await backups.backup(destination.url);
    injector.plan(() => ({ type: 'fail' }));
    const reports = await store.encryptionKeys.destroy('red', { waitingPeriod: 0 });
    expect(reports.flatMap(({ pendingAt = [] }) => pendingAt)).toEqual([destination.url]);
    expect(await opens(world)).toBe(true);
    expect(await store.encryptionKeys.destroyDue()).toMatchObject({ pending: [destination.url] });
    injector.plan(undefined);
    expect(await store.encryptionKeys.destroyDue()).toMatchObject({ pending: [] });
    expect(await opens(world)).toBe(false);
  });

  it('is not brought back by a snapshot of what was there before', async () => {
    const world = await worldOf({ settings: CATEGORIES });
    const { store, destination, clock } = world;
    await filled(world);
    const backups = backupsOf(store, [destination]);
    await backups.backup(destination.url);
    await store.encryptionKeys.destroy('red', { waitingPeriod: 0 });
    await store.store('a', 'stays');
    const report = await backups.backup(destination.url);
    expect(report).toMatchObject({ failed: [], findings: [] });
    for (const snapshot of [1, 2]) {
      const { store: restored } = await restoredFrom(destination, clock, { snapshot });
      expect(await restored.list()).toEqual(['a']);
      await restored.close();
    }
    expect(await opens(world)).toBe(false);
  });
});
