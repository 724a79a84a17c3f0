import { pointName, withChecksum } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { attack } from '../../../objects/test/support/attacker.ts';
import { failure } from '../../../objects/test/support/stores.ts';
import { verifyOpenedBackup } from '../../src/index.ts';
import { expectWhole, locked, newLock } from '../support/locked.ts';
import type { Contents, World } from '../support/worlds.ts';
import { LONG, onlyLong } from '../../../../tools/campaigns/src/size.ts';
import {
  backupAt,
  backupsOf,
  contentsAt,
  contentsOf,
  filesAt,
  reached,
  restoredFrom,
  snapshotAt,
  worldOf,
} from '../support/worlds.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e'];
const GREATEST = Number.MAX_SAFE_INTEGER;

/** Two snapshots of a store. */
async function filled(): Promise<World> {
  const world = await worldOf();
  for (const name of ['a', 'b']) {
    await world.store.store(name, name);
    await backupsOf(world.store, [world.destination]).backup(world.destination.url);
    world.clock.advance(60_000);
  }
  return world;
}

/** What the newest snapshot holds, for who has the store. */
const newestOf = ({ store, destination }: World): Promise<Contents> =>
  backupsOf(store, [destination]).read(destination.url, {}, (view) => contentsOf(view, NAMES));

/** What begins as if a newer release had made it, with the checksum that anybody can make. */
const ofNewerRelease = async (world: World): Promise<Buffer> => {
  const body = (await filesAt(world.destination)).get(pointName(2)) ?? expect.unreachable();
  const sealed = Buffer.from(body.subarray(0, -32));
  return Buffer.from(withChecksum(Buffer.concat([sealed.subarray(0, 4), Buffer.from([9]), sealed.subarray(5)])));
};

const JUNK: readonly [string, (world: World) => Promise<ReadonlyMap<string, Uint8Array>>][] = [
  ['of the greatest number that there is', async () => new Map([[pointName(GREATEST), Buffer.from('junk')]])],
  ['of the number before that', async () => new Map([[pointName(GREATEST - 1), Buffer.from('junk')]])],
  ['of the next number', async () => new Map([[pointName(3), Buffer.from('junk')]])],
  ['of the next numbers', async () => new Map([3, 4, 5, 7].map((one) => [pointName(one), Buffer.alloc(0)]))],
  [
    'that is another point',
    async (world) =>
      new Map([[pointName(9), (await filesAt(world.destination)).get(pointName(2)) ?? expect.unreachable()]]),
  ],
  [
    'that begins as one of a newer release',
    async (world) => new Map([[pointName(GREATEST), await ofNewerRelease(world)]]),
  ],
  [
    'that no point has',
    async () =>
      new Map([
        ['s/strange', Buffer.from('junk')],
        [pointName(0), Buffer.alloc(3)],
      ]),
  ],
];

describe.each(JUNK)('a file at a destination with a name %s', (junk, make) => {
  // In a short run every second test with each name, and the others with the next.
  const turn = JUNK.findIndex(([other]) => other === junk) % 2;
  const [even, odd] = [LONG || turn === 0, LONG || turn === 1];

  const put = async (world: World): Promise<ReadonlyMap<string, Uint8Array>> => {
    const files = await make(world);
    const attacker = await attack(world.destination);
    for (const [name, body] of files) await attacker.put(name, body);
    return files;
  };

  // T-BACKUP-05
  it.runIf(even)(onlyLong('stops no backup, though it can not be removed, and is told', even), async () => {
    const world = await filled();
    const { store, destination, clock } = world;
    const files = await put(world);
    const backups = locked(world, newLock(false));
    const isNamed = [...files.keys()].some((name) => name !== 's/strange' && name !== pointName(0));
    for (const name of ['c', 'd']) {
      await store.store(name, name);
      const { findings: alarms, failed } = await backups.backup(destination.url);
      expect(failed).toEqual([]);
      if (name === 'c')
        expect(alarms.join()).toMatch(isNamed ? /Another writer may be there\. The files are ignored\./ : /^$/);
      expect(await newestOf(world)).toEqual(await contentsOf(store, NAMES));
      clock.advance(60_000);
    }
    const { findings } = await verifyOpenedBackup(await backupAt(destination, clock), { depth: 'opens' });
    expect(new Set(findings.map(({ name }) => name))).toEqual(new Set(files.keys()));
    expect((await backups.list(destination.url)).length).toBe(4);
    for (const { number, time } of await backups.list(destination.url)) {
      const at = new Date(time.getTime() + 1);
      expect(await backups.read(destination.url, { at }, async (_view, found) => found.number)).toBe(number);
    }
  });

  it.runIf(odd)(onlyLong('has changes shipped all the same', odd), async () => {
    const world = await filled();
    const { store, destination } = world;
    const backups = backupsOf(store, [destination]);
    const before = await backups.startContinuous(destination.url);
    await put(world);
    await store.store('c', 'c');
    await before.caughtUp();
    await before.close();
    const continuous = await backups.startContinuous(destination.url);
    for (const name of ['d', 'e']) {
      await store.store(name, name);
      await continuous.caughtUp();
    }
    const { recoveryPoints, error } = continuous.status;
    expect(error).toBeUndefined();
    expect(recoveryPoints).toBeGreaterThan(1);
    await continuous.close();
    expect(await newestOf(world)).toEqual(await contentsOf(store, NAMES));
    const kinds = (await backups.list(destination.url)).map(({ kind }) => kind);
    expect(kinds).toContain('changes');
    expect((await backups.windows(destination.url))[0]?.to).toEqual((await backups.list(destination.url))[0]?.time);
  });

  // T-BACKUP-05
  it.runIf(even)(onlyLong('keeps nothing that is old, and goes when it may', even), async () => {
    const world = await filled();
    const { store, destination, clock } = world;
    const files = await put(world);
    const lock = newLock(false);
    lock.holds = (key) => files.has(key);
    const backups = locked(world, lock);
    await store.store('c', 'c');
    await backups.backup(destination.url);
    const retention = { last: 1 };
    const { done } = await backups.retain(destination.url, { retention });
    expect(done?.removed).toEqual(expect.arrayContaining([1, 2]));
    await backups.retain(destination.url, { retention, damaged: true });
    lock.holds = () => false;
    await backups.retain(destination.url, { retention, damaged: true });
    const left = new Set((await filesAt(destination, 's/')).keys());
    for (const name of files.keys()) expect(left.has(name)).toBe(name === 's/strange' || name === pointName(0));
    for (const name of left) if (files.has(name)) await (await attack(destination)).remove(name);
    await store.store('d', 'd');
    await backups.backup(destination.url);
    expect(await contentsAt(destination, clock, {}, NAMES)).toEqual(await contentsOf(store, NAMES));
    await expectWhole(world);
  });

  it.runIf(odd)(onlyLong('hides no snapshot from who restores without the store', odd), async () => {
    const world = await filled();
    const { destination, clock } = world;
    const files = await put(world);
    if (files.has(pointName(3))) {
      // It may have been one: only the store knows.
      const { message } = await failure(restoredFrom(destination, clock), 'INTEGRITY');
      expect(message).toMatch(/The last undamaged one before it is 2\.$/);
      expect((await restoredFrom(destination, clock, { snapshot: 2 })).report).toMatchObject({ objects: 2 });
    } else expect((await restoredFrom(destination, clock)).report).toMatchObject({ snapshot: 2, objects: 2 });
  });

  // T-BACKUP-05
  it.runIf(odd)(
    onlyLong('does not hide that the newest snapshot was removed, nor that it was damaged', odd),
    async () => {
      for (const change of ['remove', 'damage'] as const) {
        const world = await filled();
        const { store, destination } = world;
        await put(world);
        const attacker = await attack(destination);
        if (change === 'remove') await attacker.remove(pointName(2));
        else await attacker.put(pointName(2), Buffer.from('damaged'));
        await store.store('c', 'c');
        const { findings } = await backupsOf(store, [destination]).backup(destination.url);
        expect(findings.join()).toMatch(change === 'remove' ? /removed or replaced/ : /damaged/);
        expect(await newestOf(world)).toEqual(await contentsOf(store, NAMES));
      }
    },
  );
});

it('a file in the place of a point that comes next does not stop a removal', async () => {
  const world = await filled();
  const { store, destination } = world;
  const lock = newLock(false);
  lock.holds = (key) => key === pointName(1);
  const backups = locked(world, lock);
  const attacker = await attack(destination);
  for (const number of [3, 5]) await attacker.put(pointName(number), Buffer.from('junk'));
  const { refused } = await backups.forget(destination.url, () => [1]);
  expect(refused?.snapshots).toEqual([1]);
  await store.store('c', 'c');
  await backups.backup(destination.url);
  expect((await backups.list(destination.url)).map(({ number }) => number)).toEqual([7, 2, 1]);
});

it('a point that others have published meanwhile is not built over, where a file was in its place', async () => {
  const world = await filled();
  const { store, destination, clock } = world;
  const attacker = await attack(destination);
  await attacker.put(pointName(3), Buffer.from('junk'));
  await store.store('c', 'first');
  let isFirst = true;
  const inner = await reached(destination);
  const backend = new Proxy(inner, {
    get(target, name) {
      if (name === 'write')
        return async (...given: Parameters<typeof target.write>) => {
          if (isFirst && given[0] === pointName(4)) {
            isFirst = false;
            await attacker.remove(pointName(3));
            await store.store('d', 'meanwhile');
            await snapshotAt(store, destination);
          }
          return target.write(...given);
        };
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  await snapshotAt(store, destination, { wrap: () => backend });
  await store.store('e', 'last');
  await snapshotAt(store, destination);
  expect(await contentsAt(destination, clock, {}, NAMES)).toEqual(await contentsOf(store, NAMES));
});
