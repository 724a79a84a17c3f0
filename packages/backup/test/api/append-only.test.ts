import { rawKey } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import { openAt, patterned, UNLOCK, usePlace } from '../../../objects/test/support/stores.ts';
import { TROUBLES } from '../../../objects/test/support/troubles.ts';
import { atEveryCall, change, ended, fill, isInTurn, NAMES } from '../support/faults.ts';
import { expectWhole, locked, newLock } from '../support/locked.ts';
import {
  backupsOf,
  contentsAt,
  contentsOf,
  filesAt,
  memoryAt,
  reached,
  restoredFrom,
  snapshotAt,
  worldOf,
} from '../support/worlds.ts';

const OTHER = rawKey(Buffer.alloc(32, 9));

describe.each([
  ['whose credentials may not delete', true],
  ['whose lock holds what is there', false],
] as const)('a destination %s', (_where, byRights) => {
  // T-BACKUP-04
  it('is backed up to, gone on with, verified, tried and restored from', async () => {
    const world = await worldOf();
    const { store, destination, clock } = world;
    const lock = newLock(byRights);
    const backups = locked(world, lock);
    await fill(store);
    expect(await backups.backup(destination.url)).toMatchObject({ number: 1, failed: [] });
    await change(store);
    expect(await backups.backup(destination.url)).toMatchObject({ number: 2, failed: [] });
    await using following = await backups.startContinuous(destination.url);
    await store.store('f', patterned(80_000, 9));
    await following.caughtUp();
    await following.close();
    expect(await backups.verify(destination.url, { depth: 'opens' })).toMatchObject({ ok: true });
    expect(await backups.verify(destination.url, { within: 86_400_000 })).toMatchObject({ ok: true });
    const scratch = usePlace(() => memoryAt(clock));
    const drilling = backupsOf(store, [destination, scratch], (one) =>
      one === destination ? { wrap: lock.wrap } : {},
    );
    expect(await drilling.drill(destination.url, { scratch: scratch.url })).toMatchObject({ ok: true });
    const restored = await restoredFrom(destination, clock, { reach: { wrap: lock.wrap } });
    expect(await contentsOf(restored.store, NAMES)).toEqual(await contentsOf(store, NAMES));
    await backups.restore(destination.url, { keys: ['a'], snapshot: 1, conflict: 'overwrite' });
    expect((await store.retrieve('a')).text()).toBe('one');
    await expectWhole(world);
  });

  it('follows the keys of the store', async () => {
    const world = await worldOf();
    const { store, destination } = world;
    const backups = locked(world, newLock(byRights));
    await fill(store);
    await backups.backup(destination.url);
    expect(await store.rotateEncryptionKey(UNLOCK, OTHER)).toMatchObject({ pending: [] });
    await change(store);
    await backups.backup(destination.url);
    await expectWhole(world, OTHER);
  });

  it('tells of what could not be copied until it can be, again and again', async () => {
    const world = await worldOf();
    const { store, source, destination } = world;
    const backups = locked(world, newLock(byRights));
    await fill(store);
    const backend = await reached(source);
    const damage = async (): Promise<() => Promise<void>> => {
      const [[name, body] = ['', Buffer.alloc(0)]] = await filesAt(source, 'b/');
      await backend.delete(name);
      return async () => void (await backend.write(name, body));
    };
    const repair = await damage();
    for (const _ of [1, 2, 3]) {
      const { failed } = await backups.backup(destination.url);
      expect(new Set(failed.map(({ name }) => name)).size).toBe(1);
    }
    await repair();
    expect(await backups.backup(destination.url)).toMatchObject({ failed: [] });
    const again = await damage();
    await store.store('other', patterned(70_000, 77));
    await again();
    expect(await backups.backup(destination.url)).toMatchObject({ failed: [] });
    expect(await contentsAt(destination, world.clock, {}, NAMES)).toEqual(await contentsOf(store, NAMES));
  });

  const troubles = TROUBLES.filter((trouble) => isInTurn(trouble, byRights));
  it.each(troubles)('goes on with a run that was interrupted: %s', async (...trouble) => {
    await atEveryCall(trouble, async (injector, what, other) => {
      const world = await worldOf();
      const { store, source, destination, clock } = world;
      const lock = newLock(byRights);
      await fill(store);
      await snapshotAt(store, destination, { wrap: lock.wrap });
      await change(store);
      const process = await openAt(source, { clock, layers: [other.layer] });
      await ended(snapshotAt(process, destination, { wrap: lock.wrap, layers: [injector.layer] }), injector);
      await process.close();
      const next = await snapshotAt(store, destination, { wrap: lock.wrap });
      expect(next.failed, what).toEqual([]);
      expect(await contentsAt(destination, clock, {}, NAMES), what).toEqual(await contentsOf(store, NAMES));
    });
  });
});
