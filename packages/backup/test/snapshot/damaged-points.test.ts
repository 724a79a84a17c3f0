import { pointName } from '@securestore/core-format';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { failure, patterned } from '../../../objects/test/support/stores.ts';
import { verifyOpenedBackup } from '../../src/index.ts';
import type { World } from '../support/worlds.ts';
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

const NAMES = ['a', 'b', 'c', 'd'];

async function worldWith(snapshots: number): Promise<World> {
  const world = await worldOf();
  for (let number = 1; number <= snapshots; number++) {
    await world.store.store(NAMES[number % NAMES.length] ?? 'a', `value ${number}`);
    await snapshotAt(world.store, world.destination);
    world.clock.advance(60_000);
  }
  return world;
}

async function damage({ destination }: World, name: string): Promise<void> {
  const backend = await reached(destination);
  const body = (await filesAt(destination)).get(name) ?? expect.unreachable(`${name} is missing`);
  body[body.length >> 1] = (body[body.length >> 1] ?? 0) ^ 1;
  await backend.write(name, body);
}

async function isWhole({ destination, clock, store }: World): Promise<void> {
  const { store: restored } = await restoredFrom(destination, clock);
  expect(await contentsOf(restored, NAMES)).toEqual(await contentsOf(store, NAMES));
}

describe('the newest snapshot is damaged', () => {
  it('and the next one is made all the same, tells it, and is whole', async () => {
    const world = await worldWith(3);
    const { store, destination, clock } = world;
    await damage(world, pointName(3));
    await store.store('a', 'after');
    const { number, findings: alarms } = await snapshotAt(store, destination);
    expect(number).toBe(4);
    expect(alarms.join()).toMatch(/checksum does not match.*The whole store is read/s);
    await isWhole(world);
    const { findings } = await verifyOpenedBackup(await backupAt(destination, clock));
    expect(findings.map(({ name }) => name)).toEqual([pointName(3)]);
    expect((await snapshotAt(store, destination)).findings).toEqual([]);
  });

  it('and so are all others', async () => {
    const world = await worldWith(2);
    for (const number of [1, 2]) await damage(world, pointName(number));
    expect(await snapshotAt(world.store, world.destination)).toMatchObject({ number: 3, objects: 2 });
    await isWhole(world);
  });

  it('and the continuous backup goes on', async () => {
    const world = await worldWith(2);
    const { store, destination } = world;
    await damage(world, pointName(2));
    const continuous = await backupsOf(store, [destination]).startContinuous(destination.url);
    await store.store('b', 'later');
    await continuous.caughtUp();
    expect(continuous.status.findings.join()).toMatch(/The whole store is read/);
    await continuous.close();
    await isWhole(world);
  });

  it('and a restore says which one can be had instead', async () => {
    const world = await worldWith(3);
    await damage(world, pointName(3));
    using backup = await backupAt(world.destination, world.clock);
    const moment = new Date(world.clock.now());
    expect((await failure(backup.choose({}), 'INTEGRITY')).message).toContain('checksum');
    expect((await failure(backup.choose({ at: moment }), 'INTEGRITY')).message).toMatch(
      /^snapshot 3.*undamaged one before it is 2\.$/s,
    );
    expect(await backup.choose({ snapshot: 2 })).toMatchObject({ number: 2 });
  });
});

it('where a removal has left a hole before the newest snapshots, and these are damaged, the next one comes after them', async () => {
  const world = await worldWith(4);
  const { store, destination } = world;
  const backups = backupsOf(store, [destination]);
  await backups.forget(destination.url, () => [2, 3]);
  for (const number of [4, 5]) await damage(world, pointName(number));
  await store.store('a', 'after');
  const { number, findings } = await backups.backup(destination.url);
  expect(number).toBe(6);
  expect(findings.join()).toMatch(/The whole store is read/);
  await isWhole(world);
  expect((await backups.backup(destination.url)).findings).toEqual([]);
});

describe('the index of the newest snapshot is damaged', () => {
  it('and the next one is made of the whole store, and is whole', async () => {
    const world = await worldWith(3);
    const { store, destination } = world;
    for (const name of (await filesAt(destination, 'x/')).keys()) await damage(world, name);
    // What has not changed is not read again: so that every page is, everything does.
    for (const name of NAMES) await store.store(name, 'after');
    const { findings } = await snapshotAt(store, destination);
    expect(findings.join()).toMatch(/not the digest of its contents.*The whole store is read/s);
    await isWhole(world);
  });

  it('and an object that is tried again is not taken for what is wrong', async () => {
    const world = await worldWith(1);
    const { store, source, destination } = world;
    // Its name is in the index already, so that trying it again reads a page.
    await store.store('a', patterned(100_000));
    await snapshotAt(store, destination);
    await store.store('a', patterned(90_000));
    const backend = await reached(source);
    const parts = [...(await filesAt(source, 'b/'))];
    const [part, body] =
      parts.find(([, { length }]) => length < 100_000) ?? expect.unreachable('no part of 90,000 bytes');
    await backend.write(part, body.subarray(1));
    // The second of these has nothing else to read, and tries it again.
    for (let tries = 1; tries <= 2; tries++) expect((await snapshotAt(store, destination)).failed).toHaveLength(1);
    await backend.write(part, body);
    for (const name of (await filesAt(destination, 'x/')).keys()) await damage(world, name);
    const { failed, findings } = await snapshotAt(store, destination);
    expect({ failed, alarms: findings.join() }).toEqual({
      failed: [],
      alarms: expect.stringContaining('The whole store is read'),
    });
    await isWhole(world);
  });
});

it('a continuous backup goes on where the index that it builds on is damaged', async () => {
  const world = await worldWith(3);
  const { store, destination } = world;
  const continuous = await backupsOf(store, [destination]).startContinuous(destination.url);
  for (const name of (await filesAt(destination, 'x/')).keys()) await damage(world, name);
  for (const name of NAMES) await store.store(name, 'after');
  await continuous.caughtUp();
  expect(continuous.status.findings.join()).toMatch(/The whole store is read/);
  await continuous.close();
  await isWhole(world);
});

describe('a snapshot between others is damaged', () => {
  it('and the others are listed, restored and told apart by their times', async () => {
    const world = await worldWith(4);
    await damage(world, pointName(2));
    using backup = await backupAt(world.destination, world.clock);
    await failure(Array.fromAsync(backup.list()), 'INTEGRITY');
    const damaged: number[] = [];
    const listed = await Array.fromAsync(backup.list(undefined, (number) => damaged.push(number)));
    expect(listed.map(({ number }) => number)).toEqual([4, 3, 1]);
    expect(damaged).toEqual([2]);
    const [fourth, third, first] = listed;
    const at = (info: typeof fourth, after: number): { at: Date } => ({
      at: new Date((info?.time.getTime() ?? 0) + after),
    });
    expect(await backup.choose(at(fourth, -1))).toMatchObject({ number: 3 });
    expect(await backup.choose(at(third, 1))).toMatchObject({ number: 3 });
    // It may be of just that moment.
    expect((await failure(backup.choose(at(first, 1)), 'INTEGRITY')).message).toContain(
      'The last undamaged one before it is 1.',
    );
    expect((await backup.windows()).map(({ recoveryPoints }) => recoveryPoints)).toEqual([1, 1, 1]);
  });

  it('and goes when it is removed, and nothing else does until then', async () => {
    const world = await worldWith(4);
    const { store, destination } = world;
    const backups = backupsOf(store, [destination]);
    await damage(world, pointName(2));
    const before = (await filesAt(destination)).size;
    const { message, advice } = await failure(
      backups.forget(destination.url, () => [1]),
      'INTEGRITY',
    );
    expect(message).toMatch(/^snapshot 2 is damaged at \S+: .* so nothing was removed\.$/);
    expect(advice?.map(({ id }) => id)).toEqual(['remove-damaged-snapshots', 'verify-backup']);
    expect((await filesAt(destination)).size).toBe(before);
    expect(await backups.forget(destination.url, () => [1, 2])).toMatchObject({ removed: [2, 1] });
    expect((await backups.list(destination.url)).map(({ number }) => number)).toEqual([4, 3]);
    expect(await verifyOpenedBackup(await backupAt(destination, world.clock), { depth: 'opens' })).toMatchObject({
      ok: true,
    });
  });
});

it('a retention removes a damaged snapshot where it is told to, and else says why it removes nothing', async () => {
  const world = await worldWith(5);
  const { store, destination } = world;
  const backups = backupsOf(store, [destination]);
  await damage(world, pointName(3));
  const retention = { last: 2 };
  for (const dryRun of [true, false]) {
    await failure(backups.retain(destination.url, { retention, dryRun }), 'INTEGRITY');
  }
  const options = { retention, damaged: true };
  expect(await backups.retain(destination.url, { ...options, dryRun: true })).toMatchObject({
    removed: [3, 2, 1],
    removedDamaged: [3],
  });
  expect(await backups.retain(destination.url, options)).toMatchObject({ done: { removed: [3, 2, 1] } });
  expect((await backups.list(destination.url)).map(({ number }) => number)).toEqual([5, 4]);
  await isWhole(world);
});

it('a retention without rules removes damaged snapshots alone', async () => {
  const world = await worldWith(5);
  const { store, destination } = world;
  const backups = backupsOf(store, [destination]);
  await damage(world, pointName(3));
  await failure(backups.retain(destination.url), 'INVALID_ARGUMENT');
  const report = { kept: [5, 4, 2, 1].map((number) => expect.objectContaining({ number })), removed: [3] };
  const preview = await backups.retain(destination.url, { damaged: true, dryRun: true });
  expect(preview).toEqual({ ...report, removedDamaged: [3], removedChanges: 0 });
  expect(await backups.retain(destination.url, { damaged: true })).toMatchObject({ ...report, done: { removed: [3] } });
  expect((await backups.list(destination.url)).map(({ number }) => number)).toEqual([5, 4, 2, 1]);
  await isWhole(world);
  expect(await backups.retain(destination.url, { damaged: true, dryRun: true })).toMatchObject({ removed: [] });
});

it('whichever points are damaged, what is found for a moment is right, or it is refused', async () => {
  const world = await worldWith(12);
  using backup = await backupAt(world.destination, world.clock);
  const times = new Map((await Array.fromAsync(backup.list())).map(({ number, time }) => [number, time.getTime()]));
  const files = await filesAt(world.destination, 's/');
  const backend = await reached(world.destination);
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 6 }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 0, max: 1 }),
      async (damaged, number, after) => {
        for (const [name, body] of files) await backend.write(name, body);
        for (const one of damaged) await damage(world, pointName(one));
        const asked = backup.choose({ at: new Date((times.get(number) ?? 0) + after) });
        if (damaged.includes(number) || (after > 0 && damaged.includes(number + 1))) await failure(asked, 'INTEGRITY');
        else expect((await asked).number).toBe(number);
      },
    ),
    { numRuns: sized({ short: 20, full: 60, torture: 60 }) },
  );
});
