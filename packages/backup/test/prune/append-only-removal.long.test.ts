import { createFaultInjector } from '@securestore/backend-api';
import { parseFileName, pointNumber } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { failure, openAt, patterned } from '../../../objects/test/support/stores.ts';
import { TROUBLES } from '../../../objects/test/support/troubles.ts';
import { atEveryCall, ended, NAMES } from '../support/faults.ts';
import { expectWhole, locked, newLock } from '../support/locked.ts';
import { backupsOf, contentsAt, contentsOf, filesAt, restoredFrom, snapshotAt, worldOf } from '../support/worlds.ts';

/** Locks everything of the runs from a number on. */
const heldFrom =
  (epoch: number) =>
  (key: string): boolean =>
    (pointNumber(key) ??
      parseFileName(key)?.epoch ??
      (key.startsWith('b/') ? Number.parseInt(key.slice(2, 13), 32) : 0)) >= epoch;

describe('removing snapshots', () => {
  // T-BACKUP-04
  it.each(['ACCESS_DENIED', 'READ_ONLY'] as const)(
    'is refused before anything is announced where nothing may be deleted (%s), and done later',
    async (code) => {
      const world = await worldOf();
      const { store, destination } = world;
      const lock = newLock(true, code);
      const backups = locked(world, lock);
      for (const text of ['one', 'two', 'three']) {
        await store.store('a', text);
        await backups.backup(destination.url);
      }
      const before = await filesAt(destination);
      const error = await failure(backups.retain(destination.url, { retention: { last: 1 } }), code);
      expect(error.message).toMatch(/^nothing can be removed at memory:.*Nothing was changed\.$/);
      expect(error.advice).toEqual([{ id: 'check-backend-access' }]);
      expect([...(await filesAt(destination)).keys()]).toEqual([...before.keys()]);
      expect((await backups.list(destination.url)).map(({ number }) => number)).toEqual([3, 2, 1]);
      // Where nothing is to go, nothing is refused.
      expect(await backups.retain(destination.url, { retention: { last: 3 } })).toMatchObject({ removed: [] });
      lock.holds = () => false;
      expect(await backups.retain(destination.url, { retention: { last: 1 } })).toMatchObject({
        done: { removed: [2, 1] },
      });
      expect((await backups.list(destination.url)).map(({ number }) => number)).toEqual([3]);
      await expectWhole(world);
    },
  );

  it('takes back what it announced where a lock holds some, tells of it, and removes it when that has ended', async () => {
    const world = await worldOf();
    const { store, destination, clock } = world;
    const lock = newLock(false);
    const backups = locked(world, lock);
    for (const at of [1, 2, 3, 4, 5]) {
      await store.store('a', `${at}`);
      await store.store('b', patterned(70_000, at));
      await backups.backup(destination.url);
    }
    const third = await contentsAt(destination, clock, { snapshot: 3 }, NAMES);
    lock.holds = heldFrom(3);
    const { done } = await backups.retain(destination.url, { retention: { last: 1 } });
    expect(done?.removed.toSorted()).toEqual([1, 2]);
    expect(done?.refused).toMatchObject({ snapshots: [4, 3], code: 'ACCESS_DENIED', files: 0 });
    expect(done?.refused?.message).toMatch(
      /^2 snapshots and recovery points could not be removed at \S+ \(ACCESS_DENIED\)\./,
    );
    expect((await backups.list(destination.url)).map(({ number }) => number)).toEqual([5, 4, 3]);
    expect(await contentsAt(destination, clock, { snapshot: 3 }, NAMES)).toEqual(third);
    await expectWhole(world);
    for (const _ of [1, 2]) await backups.retain(destination.url, { retention: { last: 1 } });
    expect((await backups.list(destination.url)).map(({ number }) => number)).toEqual([5, 4, 3]);
    await store.store('a', 'six');
    await backups.backup(destination.url);
    await expectWhole(world);
    lock.holds = () => false;
    const last = await backups.retain(destination.url, { retention: { last: 1 } });
    expect(last.done?.refused).toBeUndefined();
    expect((await backups.list(destination.url)).length).toBe(1);
    await expectWhole(world);
    // Of all the notes that were left on the way the newest stays.
    expect([...(await filesAt(destination, 's/')).keys()].length).toBe(2);
  });

  it('that was announced and not done leaves what can be restored as before', async () => {
    const world = await worldOf();
    const { store, destination, clock } = world;
    for (const text of ['one', 'two']) {
      await store.store('a', text);
      await snapshotAt(store, destination);
    }
    const lock = newLock(false);
    const injector = createFaultInjector(({ operation, key }) =>
      operation === 'delete' && key !== 's/@' ? { type: 'fail' } : undefined,
    );
    const reach = { wrap: lock.wrap, layers: [injector.layer] };
    await failure(
      backupsOf(store, [destination], () => reach).forget(destination.url, () => [1]),
      'UNAVAILABLE',
    );
    const backups = locked(world, lock);
    const [, first] = await backups.list(destination.url);
    expect(first).toMatchObject({ number: 1 });
    expect(await contentsAt(destination, clock, { at: first?.time })).toMatchObject({ a: [{}] });
    const { store: restored } = await restoredFrom(destination, clock, { snapshot: 1 });
    expect((await restored.retrieve('a')).text()).toBe('one');
  });

  it.each(['d/', 'e/', 'x/', 'b/'])('leaves files whole that a lock holds in %s, and says how many', async (area) => {
    const world = await worldOf();
    const { store, destination } = world;
    const lock = newLock(false);
    const backups = locked(world, lock);
    for (const at of [1, 2, 3]) {
      await store.store('a', `${at}`);
      await store.store('b', patterned(70_000, at));
      await backups.backup(destination.url);
      await store.purge('b');
      await store.purge('a');
    }
    lock.holds = (key) => key.startsWith(area);
    const { done } = await backups.retain(destination.url, { retention: { last: 1 } });
    expect(done?.refused).toMatchObject({ snapshots: [], code: 'ACCESS_DENIED' });
    expect(done?.refused?.files).toBeGreaterThan(0);
    await expectWhole(world);
    lock.holds = () => false;
    const after = await backups.retain(destination.url, { retention: { last: 1 } });
    expect(after.done?.files).toBe(done?.refused?.files);
    expect(after.done?.refused).toBeUndefined();
    await expectWhole(world);
  });

  it('keeps the moments that build on each other together', async () => {
    const world = await worldOf();
    const { store, destination, clock } = world;
    const lock = newLock(false);
    const backups = locked(world, lock);
    await store.store('a', 'zero');
    const following = await backups.startContinuous(destination.url);
    for (const at of [1, 2, 3, 4]) {
      await store.store('a', `${at}`);
      await following.caughtUp();
    }
    await following.close();
    await store.store('a', 'last');
    await backups.backup(destination.url);
    const points = (await backups.list(destination.url)).map(({ number }) => number);
    const [held = 0] = points.slice(2);
    const contents = new Map<number, unknown>();
    for (const snapshot of points) contents.set(snapshot, await contentsAt(destination, clock, { snapshot }));
    lock.holds = (key) => pointNumber(key) === held;
    const { refused } = await backups.forget(destination.url, () => points.slice(1));
    const left = (await backups.list(destination.url)).map(({ number }) => number);
    expect(left).toEqual(points.filter((number) => number <= held || number === points[0]));
    expect(refused?.snapshots).toEqual(points.filter((number) => number <= held));
    for (const snapshot of left)
      expect(await contentsAt(destination, clock, { snapshot })).toEqual(contents.get(snapshot));
    await expectWhole(world);
  });

  it.each(TROUBLES)(
    'of which a lock holds some leaves everything whole when it is interrupted: %s',
    async (...trouble) => {
      await atEveryCall(trouble, async (injector, what, other) => {
        const world = await worldOf();
        const { store, source, destination, clock } = world;
        for (const at of [1, 2, 3, 4]) {
          await store.store('a', `${at}`);
          await store.store('b', patterned(70_000, at));
          await snapshotAt(store, destination);
        }
        const lock = newLock(false);
        lock.holds = heldFrom(3);
        const process = await openAt(source, { clock, layers: [other.layer] });
        const reach = { wrap: lock.wrap, layers: [injector.layer] };
        const forgetting = backupsOf(process, [destination], () => reach).forget(destination.url, () => [1, 2, 3]);
        await ended(forgetting, injector);
        await process.close();
        const backups = locked(world, lock);
        await expectWhole(world);
        await backups.forget(destination.url, () => []);
        const left = (await backups.list(destination.url)).map(({ number }) => number);
        // Whatever was announced and is there still can be had again; what was not announced is there as before.
        expect(left.slice(0, 2), what).toEqual([4, 3]);
        expect(await contentsAt(destination, clock, {}, NAMES), what).toEqual(await contentsOf(store, NAMES));
        await expectWhole(world);
      });
    },
  );
});
