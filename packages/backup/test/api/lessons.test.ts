import { createFaultInjector } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import { withoutBatch } from '../../../objects/test/support/places.ts';
import { failure, openAt, patterned, usePlace } from '../../../objects/test/support/stores.ts';
import { restoreStoreTo, verifyOpenedBackup } from '../../src/index.ts';
import {
  backupAt,
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

const DAMAGED = new SecureStoreError('INTEGRITY', 'it is damaged');
const DAY = 24 * 60 * 60 * 1000;

describe('a store that was restored from an older snapshot and goes on with the same destination', () => {
  it('is backed up as it is, and not as the newest snapshot was', async () => {
    const { store, destination, clock } = await worldOf();
    await store.store('a', 'one');
    await store.store('b', patterned(100_000));
    await snapshotAt(store, destination);
    await store.store('a', 'two');
    await store.delete('b');
    await store.store('c', 'only later');
    await snapshotAt(store, destination);
    await store.close();
    const { store: restored } = await restoredFrom(destination, clock, { snapshot: 1 });
    const expected = await contentsOf(restored, ['a', 'b', 'c']);
    await failure(snapshotAt(restored, destination), 'CONFLICT');
    expect(await snapshotAt(restored, destination, { takeOver: true })).toMatchObject({ number: 3, failed: [] });
    expect(await contentsAt(destination, clock, {}, ['a', 'b', 'c'])).toEqual(expected);
    await restored.store('b', 'new');
    await snapshotAt(restored, destination);
    expect(await contentsAt(destination, clock, {}, ['a', 'b', 'c'])).toEqual(
      await contentsOf(restored, ['a', 'b', 'c']),
    );
    expect((await contentsAt(destination, clock, { snapshot: 2 }))['c']).toHaveLength(1);
    const report = await verifyOpenedBackup(await backupAt(destination, clock), { depth: 'opens' });
    expect(report.findings).toEqual([]);
  });
});

it('a store that was restored and removes snapshots before it is backed up is backed up as it is', async () => {
  const { store, destination, clock } = await worldOf();
  await store.store('a', 'one');
  await snapshotAt(store, destination);
  await store.store('a', 'two');
  await store.store('b', 'later');
  await snapshotAt(store, destination);
  await store.close();
  const { store: restored } = await restoredFrom(destination, clock, { snapshot: 1 });
  const backups = backupsOf(restored, [destination]);
  await failure(
    backups.forget(destination.url, () => []),
    'CONFLICT',
  );
  await backups.register(destination.url, { takeOver: true });
  await backups.forget(destination.url, () => []);
  expect(await backups.backup(destination.url)).toMatchObject({ findings: [], failed: [] });
  expect(await contentsAt(destination, clock)).toEqual(await contentsOf(restored));
});

it('an object that was deleted and forgotten while nobody backed up is not in the next snapshot', async () => {
  const { store, destination, clock } = await worldOf({ settings: { history: { versions: 0, days: 1 } } });
  await store.store('k', 'v');
  await store.store('stays', 'v');
  await snapshotAt(store, destination);
  await store.delete('k');
  for (let day = 0; day < 12; day++) {
    clock.advance(DAY);
    await store.gc();
  }
  await store.checkpoint();
  await store.gc();
  await expect(store.history('k')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const report = await snapshotAt(store, destination);
  expect(report).toMatchObject({ findings: [], failed: [] });
  expect(await contentsAt(destination, clock, {}, ['k'])).toEqual(await contentsOf(store, ['k']));
});

it('what the store has forgotten of an object that nobody touches is in no later snapshot', async () => {
  const { store, destination, clock } = await worldOf({ settings: { history: { versions: 0, days: 1 } } });
  await store.store('gone', 'v');
  await store.delete('gone');
  await store.store('changed', patterned(100_000));
  await store.store('changed', 'now');
  await store.store('purged', 'v');
  await store.purge('purged');
  const keys = ['gone', 'changed', 'purged'];
  for (let day = 0; day < 6; day++) {
    await snapshotAt(store, destination);
    await store.checkpoint();
    clock.advance(DAY);
    await store.gc();
  }
  const expected = await contentsOf(store, keys);
  expect(Object.keys(expected)).toEqual(['changed']);
  const report = await snapshotAt(store, destination);
  expect(await contentsAt(destination, clock, {}, keys)).toEqual(expected);
  expect(report).toMatchObject({ objects: 1, deleted: 0, versions: 1 });
});

it('newest snapshots that were taken away are not built upon as if nothing had been in them', async () => {
  const { store, destination, clock } = await worldOf();
  await store.store('a', 'one');
  await snapshotAt(store, destination);
  await store.store('a', 'two');
  await store.store('b', 'new');
  await snapshotAt(store, destination);
  const [newest] = (await filesAt(destination, 's/')).keys();
  await (await reached(destination)).delete(newest ?? '');
  await store.store('c', 'newer');
  const report = await snapshotAt(store, destination);
  expect(await contentsAt(destination, clock)).toEqual(await contentsOf(store));
  expect(report.findings).toHaveLength(1);
});

it('an object whose payload is damaged in the store is told of', async () => {
  const { store, source, destination } = await worldOf();
  await store.store('k', patterned(100_000));
  await store.store('l', 'whole');
  const backend = await reached(source);
  const [part] = (await filesAt(source, 'b/')).keys();
  await backend.delete(part ?? '');
  const report = await snapshotAt(store, destination);
  expect(report.failed).toMatchObject([{ code: 'INTEGRITY' }]);
  expect(report.objects).toBe(1);
});

it('what was repaired in the store since is in the next snapshot', async () => {
  const { store, source, destination, clock } = await worldOf();
  await store.store('k', patterned(100_000));
  await store.store('l', 'whole');
  const backend = await reached(source);
  const [[part, body] = ['', Buffer.alloc(0)]] = await filesAt(source, 'b/');
  await backend.write(part, body.subarray(1));
  expect((await snapshotAt(store, destination)).failed).toHaveLength(1);
  expect((await snapshotAt(store, destination)).failed).toHaveLength(1);
  await backend.write(part, body);
  expect((await snapshotAt(store, destination)).failed).toHaveLength(0);
  expect(await contentsAt(destination, clock)).toEqual(await contentsOf(store));
});

it('what could not be shipped continuously is tried again by the next snapshot', async () => {
  const { store, source, destination, clock } = await worldOf();
  const backups = backupsOf(store, [destination]);
  await store.store('l', 'whole');
  await backups.backup(destination.url);
  const injector = createFaultInjector(({ operation, key }) =>
    operation === 'read' && key?.startsWith('b/') === true ? { type: 'fail', error: DAMAGED } : undefined,
  );
  const shipper = await openAt(source, { clock, layers: [injector.layer] });
  const shipping = await backupsOf(shipper, [destination]).startContinuous(destination.url);
  await store.store('k', patterned(100_000));
  await shipping.caughtUp();
  await shipping.close();
  expect(shipping.status.findings).toHaveLength(1);
  expect(await contentsAt(destination, clock, {})).not.toHaveProperty('k');
  expect(await backups.backup(destination.url)).toMatchObject({ failed: [] });
  expect(await contentsAt(destination, clock)).toEqual(await contentsOf(store));
});

it('a pack that an interrupted run left under old keys is of use to the next', async () => {
  const { store, source, destination, clock } = await worldOf();
  await store.slots.add(rawKey(Buffer.alloc(32, 8)));
  await store.store('k', 'v');
  const injector = createFaultInjector(({ operation, key }) =>
    operation === 'write' && key?.startsWith('s/') === true ? { type: 'fail' } : undefined,
  );
  await failure(snapshotAt(store, destination, { layers: [injector.layer] }), 'UNAVAILABLE');
  // Nothing there is registered, so no rotation knows of it, and nobody keeps the journal for it any more.
  const { retired } = await store.rotateEncryptionKey(rawKey(Buffer.alloc(32, 8)), rawKey(Buffer.alloc(32, 9)));
  expect(retired.length).toBeGreaterThan(0);
  for (const id of retired) await store.encryptionKeys.destroy(id, { waitingPeriod: 0 });
  for (let day = 0; day < 9; day++) {
    clock.advance(DAY);
    await store.gc();
  }
  await store.close();
  const again = await openAt(source, { clock });
  await snapshotAt(again, destination);
  const { store: restored } = await restoredFrom(destination, clock);
  expect((await restored.retrieve('k')).text()).toBe('v');
});

it('a restore that was killed when the store was there says that it is done, and leaves nothing behind', async () => {
  const { store, destination, clock } = await worldOf();
  await store.store('k', 'v');
  await snapshotAt(store, destination);
  const to = usePlace(() => memoryAt(clock));
  const injector = createFaultInjector(({ operation }) =>
    operation === 'delete' ? { type: 'kill-before' } : undefined,
  );
  const backup = await backupAt(destination, clock);
  restoreStoreTo(backup, await reached(to, { layers: [injector.layer] })).catch(() => undefined);
  await injector.killed;
  expect(await (await reached(to)).read('w/restore')).toBeDefined();
  const error = await failure(restoreStoreTo(backup, await reached(to)), 'ALREADY_EXISTS');
  expect(error.message).toContain('the restore to the target is already complete');
  expect(await (await reached(to)).read('w/restore')).toBeUndefined();
  const other = await failure(restoreStoreTo(backup, await reached(to)), 'ALREADY_EXISTS');
  expect(other.message).toContain('the target already has a store');
  expect((await (await openAt(to, { clock })).retrieve('k')).text()).toBe('v');
});

describe('a damaged file', () => {
  it('of a payload is noticed by whoever restores it', async () => {
    const { store, destination, clock } = await worldOf();
    await store.store('k', patterned(100_000));
    await store.store('l', 'whole');
    await snapshotAt(store, destination);
    const [part] = [...(await filesAt(destination, 'b/'))].filter(([name]) => !name.endsWith('@'));
    const [name, body] = part ?? ['', Buffer.alloc(0)];
    body[5000] = (body[5000] ?? 0) ^ 1;
    await (await reached(destination)).write(name, body);
    const error = await failure(restoredFrom(destination, clock), 'INTEGRITY');
    expect(error.message).toContain(name);
    const { store: restored, report } = await restoredFrom(destination, clock, { partial: true });
    expect(report.failed).toHaveLength(1);
    expect(await restored.list()).toEqual(['l']);
  });

  it('of an old snapshot keeps nobody from restoring the newest', async () => {
    const { store, destination, clock } = await worldOf();
    for (let serial = 1; serial <= 5; serial++) {
      await store.store('k', `${serial}`);
      await snapshotAt(store, destination);
    }
    const names = [...(await filesAt(destination, 's/')).keys()];
    const backend = await reached(destination);
    for (const name of names.slice(1)) await backend.write(name, Buffer.from('damaged'));
    const { store: restored } = await restoredFrom(destination, clock);
    expect((await restored.retrieve('k')).text()).toBe('5');
  });

  it('that several snapshots share counts its versions once', async () => {
    const { store, destination, clock } = await worldOf();
    for (let serial = 0; serial < 5; serial++) await store.store(`k${serial}`, 'v');
    await snapshotAt(store, destination);
    await store.store('more', 'v');
    await snapshotAt(store, destination);
    const packs = [...(await filesAt(destination, 'd/')).keys()];
    expect(packs).toHaveLength(2);
    const backend = await reached(destination);
    await backend.delete(packs[0] ?? '');
    const { findings } = await verifyOpenedBackup(await backupAt(destination, clock));
    expect(findings).toMatchObject([{ kind: 'missing', name: packs[0], snapshots: [2, 1], versions: 5 }]);
    expect(findings[0]?.keys.toSorted()).toEqual(['k0', 'k1', 'k2', 'k3', 'k4']);
  });

  it.each(['s/', 'x/', 'd/', 'e/', 'b/'])('under %s is a finding when everything is opened, too', async (area) => {
    const { store, destination, clock } = await worldOf();
    await store.store('k', patterned(100_000));
    await snapshotAt(store, destination);
    const [name = ''] = (await filesAt(destination, area)).keys();
    await (await reached(destination)).delete(name);
    const report = await verifyOpenedBackup(await backupAt(destination, clock), { depth: 'opens' });
    expect(report.ok).toBe(false);
  });
});

it.each([
  ['before the others were stopped', 'store'],
  ['while it wrote', 'o/'],
])('a restore in place that was killed %s is gone on with, to the same snapshot', async (_when, where) => {
  const { store, source, destination, clock } = await worldOf();
  const backups = backupsOf(store, [destination]);
  await store.store('k', 'wanted');
  await backups.backup(destination.url);
  await store.store('k', 'unwanted');
  await store.store('l', 'unwanted too');
  await store.close();
  const injector = createFaultInjector(({ operation, key }) =>
    operation === 'write' && key?.startsWith(where) === true ? { type: 'kill-before' } : undefined,
  );
  const killed = await openAt(source, { clock, layers: [injector.layer], wrap: withoutBatch });
  const options = { conflict: 'overwrite', deleteExtra: true } as const;
  const running = backupsOf(killed, [destination]).restore(destination.url, options);
  running.catch(() => undefined);
  await injector.killed;
  const next = await openAt(source, { clock });
  await backupsOf(next, [destination]).restore(destination.url, options);
  expect((await next.retrieve('k')).text()).toBe('wanted');
  expect(await next.list()).toEqual(['k']);
  // What was there before is there again after another one.
  const before = await backupsOf(next, [destination]).list(destination.url);
  const { number } = before.find(({ label }) => label === 'before a restore of snapshot 1') ?? { number: 0 };
  await backupsOf(next, [destination]).restore(destination.url, { ...options, snapshot: number });
  expect((await next.retrieve('k')).text()).toBe('unwanted');
});

it('a restore in place that is repeated is of the same snapshot; what undoes it is restored by its number alone', async () => {
  const { store, destination, clock } = await worldOf();
  const backups = backupsOf(store, [destination]);
  const { url } = destination;
  const options = { conflict: 'overwrite', deleteExtra: true } as const;
  await store.store('k', 'good');
  await backups.backup(url);
  await store.store('k', 'bad');
  await store.store('l', 'bad too');
  expect(await backups.restore(url, options)).toMatchObject({ snapshot: 1, before: 2, findings: [] });
  const again = await backups.restore(url, options);
  expect(again).toMatchObject({ snapshot: 1, before: 3, findings: [expect.stringMatching(/snapshot 2 is newer/)] });
  expect(await store.list()).toEqual(['k']);
  expect((await store.retrieve('k')).text()).toBe('good');
  expect((await restoredFrom(destination, clock)).report).toMatchObject({
    snapshot: 1,
    findings: [expect.stringMatching(/snapshot 3 is newer/)],
  });
  expect(await backups.read(url, {}, async (_, { number }) => number)).toBe(1);
  // What undoes a restore stands in for no snapshot, and goes as any other once there is a newer one.
  const kept = async (): Promise<number[]> => {
    const { kept: stay } = await backups.retain(url, { retention: { last: 1 }, dryRun: true });
    return stay.map(({ number }) => number);
  };
  expect(await kept()).toEqual([3, 2, 1]);
  expect(await backups.restore(url, { ...options, snapshot: 2 })).toMatchObject({ before: 4, findings: [] });
  expect((await store.retrieve('k')).text()).toBe('bad');
  await backups.backup(url);
  expect(await kept()).toEqual([5]);
  expect(await backups.restore(url, options)).toMatchObject({ snapshot: 5, findings: [] });
  await backups.forget(url, () => [1, 5]);
  const refused = await failure(Promise.resolve(backups.restore(url, options)), 'NOT_FOUND');
  expect(refused.message).toMatch(/only snapshots that restores made of what they replaced, such as 6$/);
  expect(refused.advice).toEqual([{ id: 'choose-snapshot', destination: url }]);
});

it('a removal that was killed before its points were gone is brought to its end by the next', async () => {
  const { store, destination } = await worldOf();
  const injector = createFaultInjector();
  const backups = backupsOf(store, [destination], () => ({ layers: [injector.layer] }));
  for (let serial = 1; serial <= 3; serial++) {
    await store.store('k', `${serial}`);
    await backups.backup(destination.url);
  }
  injector.plan(({ operation, key }) => (operation === 'delete' && key !== 's/@' ? { type: 'fail' } : undefined));
  await failure(
    backups.forget(destination.url, () => [1]),
    'UNAVAILABLE',
  );
  injector.plan(undefined);
  // What is announced to go is there until it does.
  expect((await backups.list(destination.url)).map(({ number }) => number)).toEqual([3, 2, 1]);
  const { removed } = await backups.forget(destination.url, () => []);
  expect(removed).toContain(1);
  expect((await backups.list(destination.url)).map(({ number }) => number)).toEqual([3, 2]);
});
