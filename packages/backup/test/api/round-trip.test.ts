import { generateRecoveryCode, recoveryCode } from '@securestore/crypto';
import type { Clock } from '@securestore/jobs';
import type { ObjectStore, StoreSettings } from '@securestore/objects';
import { extensionsOf } from '@securestore/objects/internal';
import { forwardTo } from '@securestore/backend-api';
import type { StorageBackend } from '@securestore/backend-api';
import { describe, expect, it } from 'vitest';
import { person } from '../../../objects/test/support/members.ts';
import type { Place } from '../../../objects/test/support/places.ts';
import { PLACES, withoutBatch } from '../../../objects/test/support/places.ts';
import { openAt, patterned, usePlace } from '../../../objects/test/support/stores.ts';
import type { RestoredObject } from '../../src/index.ts';
import { openBackup, restoreInto, restoreStoreTo, verifyOpenedBackup } from '../../src/index.ts';
import type { World } from '../support/worlds.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';
import {
  backupAt,
  contentsAt,
  contentsOf,
  filesAt,
  reached,
  restoredFrom,
  snapshotAt,
  worldOf,
} from '../support/worlds.ts';

/** More than a pack and a part hold; in a short run more than a slice. */
const HUGE = sized({ short: 1_200_000, full: 9 * 1024 * 1024, torture: 9 * 1024 * 1024 });
const DAY = 24 * 60 * 60 * 1000;
const LONG = `long/${'ä'.repeat(400)}`;
const NAMES = [
  'a',
  'a/b',
  'a.b',
  'empty',
  'small',
  'large',
  'huge',
  'gone',
  'purged',
  'back',
  'dated',
  LONG,
  `${LONG}x`,
];

/** Everything that an object can have gone through. */
async function fill(store: ObjectStore, clock: Clock): Promise<void> {
  const soon = new Date(clock.now() + 400 * DAY);
  await store.store('a', 'one', { metadata: { of: 'a' } });
  await store.store('a', 'two');
  await store.store('a/b', 'under', { metadata: { ü: [1, null, { deep: true }] } });
  await store.store('a.b', 'beside');
  await store.store('empty', '');
  await store.store('small', patterned(60_000, 2));
  await store.store('large', patterned(70_000, 3));
  await store.store('large', patterned(200_000, 4), { metadata: { second: true } });
  await store.setMetadata('large', { third: true });
  await store.store('huge', patterned(HUGE, 5));
  await store.store('gone', patterned(100_000, 6));
  await store.delete('gone');
  await store.store('purged', patterned(100_000, 7));
  await store.store('purged', 'again');
  await store.purge('purged');
  await store.store('back', 'first');
  await store.delete('back');
  await store.undelete('back');
  await store.store('dated', 'until then', { expires: soon });
  await store.store(LONG, 'a long name');
  await store.store(LONG, patterned(80_000, 8));
  await store.store(`${LONG}x`, 'another');
  await store.delete(`${LONG}x`);
}

async function change(store: ObjectStore): Promise<void> {
  await store.store('a', 'three');
  await store.delete('a/b');
  await store.store('gone', 'here again');
  await store.store('purged', 'and this');
  await store.purge('large');
  await store.store(LONG, 'shorter');
  await store.store('new', patterned(90_000, 9));
}

async function expectClean(store: ObjectStore): Promise<void> {
  expect(await store.verify({ payloads: true })).toMatchObject({ ok: true, findings: [] });
}

/** Two snapshots with changes in between; what the store had at each. */
async function twoSnapshots(world: World): Promise<readonly (readonly [number, object])[]> {
  const { store, destination, clock } = world;
  await fill(store, clock);
  const first = await snapshotAt(store, destination);
  expect(first).toMatchObject({ number: 1, failed: [], findings: [] });
  const before = await contentsOf(store, NAMES);
  await change(store);
  const second = await snapshotAt(store, destination);
  expect(second).toMatchObject({ number: 2, failed: [], findings: [] });
  return [
    [1, before],
    [2, await contentsOf(store, NAMES)],
  ];
}

const SETTINGS: readonly (readonly [string, Partial<StoreSettings>])[] = [
  ['suite 1', { suite: 1 }],
  ['suite 2', { suite: 2 }],
  ['plain names', { names: 'plain' }],
  ['categories', { categories: { red: ['a/**', 'l*'], blue: ['g*', 'p*'] } }],
  ['the journal from the start', { journal: true }],
];

describe.each(SETTINGS)('a store with %s', (_name, settings) => {
  it('is restored as it was at either snapshot, and is clean', async () => {
    const world = await worldOf({ settings });
    const { clock, destination } = world;
    for (const [snapshot, expected] of await twoSnapshots(world)) {
      expect(await contentsAt(destination, clock, { snapshot }, NAMES)).toEqual(expected);
      const { store, report } = await restoredFrom(destination, clock, { snapshot });
      expect(await contentsOf(store, NAMES)).toEqual(expected);
      expect(report).toMatchObject({ snapshot, failed: [], unreadable: 0 });
      await expectClean(store);
      await store.store('a', 'goes on');
      expect((await store.retrieve('a')).text()).toBe('goes on');
    }
    const report = await verifyOpenedBackup(await backupAt(destination, clock), { depth: 'opens' });
    expect(report).toMatchObject({ ok: true, findings: [], snapshots: 2 });
  });
});

/** Lists two names at a time, whatever it is asked for. */
function tinyPages(inner: StorageBackend): StorageBackend {
  return forwardTo(inner, {
    list: (prefix, options) => inner.list(prefix, { ...options, limit: Math.min(options?.limit ?? 2, 2) }),
  });
}

const WRAPS: readonly (readonly [string, ((inner: StorageBackend) => StorageBackend) | undefined])[] = [
  ['with batches', undefined],
  ['without batches', withoutBatch],
  ['that lists two names at a time', tinyPages],
];

describe.each(PLACES)('a destination and a new place on %s', (name, make) => {
  const turn = PLACES.findIndex(([other]) => other === name) % WRAPS.length;
  // In a short run each kind with another place.
  const wraps = sized({ short: WRAPS.slice(turn, turn + 1), full: WRAPS, torture: WRAPS });
  it.each(wraps)('%s hold and give back what the store had', async (_kind, wrap) => {
    const reach = wrap === undefined ? {} : { wrap };
    const world = await worldOf({ reach });
    const { store, clock } = world;
    const destination: Place = usePlace(make);
    await fill(store, clock);
    await snapshotAt(store, destination, reach);
    await change(store);
    await snapshotAt(store, destination, reach);
    const backup = await backupAt(destination, clock, reach);
    const to = usePlace(make);
    await restoreStoreTo(backup, await reached(to, reach));
    const restored = await openAt(to, { clock, ...reach });
    expect(await contentsOf(restored, NAMES)).toEqual(await contentsOf(store, NAMES));
    await expectClean(restored);
    expect(await verifyOpenedBackup(backup, { depth: 'opens' })).toMatchObject({ ok: true, findings: [] });
  });
});

it('is opened and restored by a recovery code, and so is what was restored', async () => {
  const { store, destination, clock } = await worldOf();
  const code = generateRecoveryCode();
  await store.slots.add(recoveryCode(code));
  await store.store('k', 'v');
  await snapshotAt(store, destination);
  const by = await restoredFrom(destination, clock, { unlock: recoveryCode(code) });
  expect((await by.store.retrieve('k')).text()).toBe('v');
  expect(by.store.fingerprint).toBe(store.fingerprint);
  const again = await openAt(by.place, { clock });
  expect((await again.retrieve('k')).text()).toBe('v');
  const wrong = recoveryCode(generateRecoveryCode());
  const settings = { backend: await reached(destination), url: destination.url, clock };
  await expect(openBackup({ ...settings, unlock: wrong })).rejects.toMatchObject({ code: 'UNLOCK_FAILED' });
});

it('brings back the policy, the members and their keys', async () => {
  const { store, source, destination, clock } = await worldOf({ settings: { categories: { red: ['red/**'] } } });
  const [ann, bob] = [await person(), await person()];
  await snapshotAt(store, destination);
  await store.members.add('ann', ann.recipient, { categories: ['red'] });
  await store.members.add('bob', bob.recipient, { areas: ['backup'] });
  await extensionsOf(store).policy.change('test', () => ({ policy: Buffer.from('a policy') }));
  await store.store('red/k', 'r');
  await store.store('k', 'd');
  // With the keys of backups alone a member copies what it can't read.
  const operator = await openAt(source, { clock, unlock: bob.unlock, fingerprint: store.fingerprint });
  expect(await snapshotAt(operator, destination)).toMatchObject({ number: 2, objects: 2, failed: [], findings: [] });
  const { store: owner, place } = await restoredFrom(destination, clock);
  expect(Buffer.from(extensionsOf(owner).policy.current ?? []).toString()).toBe('a policy');
  expect((await owner.members.list()).map(({ name }) => name)).toEqual(['ann', 'bob']);
  const member = await openAt(place, { clock, unlock: ann.unlock, fingerprint: store.fingerprint });
  expect((await member.retrieve('red/k')).text()).toBe('r');
  await expect(member.retrieve('k')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
});

it('brings the parts of the audit log back as they are', async () => {
  const { store, source, destination, clock } = await worldOf();
  const backend = await reached(source);
  // Nobody opens them here: whatever lies there is copied.
  const [one, two] = ['a/00000000000-0/00000000001', 'a/00000000000-0/00000000002'];
  await backend.write(one, patterned(5000, 1));
  await store.store('k', 'v');
  await snapshotAt(store, destination);
  await backend.write(two, patterned(5000, 2));
  await snapshotAt(store, destination);
  for (const [snapshot, names] of [
    [1, [one]],
    [2, [one, two]],
  ] as const) {
    const { place } = await restoredFrom(destination, clock, { snapshot });
    const files = await filesAt(place, 'a/');
    expect([...files.keys()]).toEqual(names);
    expect(files.get(one)?.equals(patterned(5000, 1))).toBe(true);
  }
});

it('restores the objects under a prefix alone, also those with long names', async () => {
  const { store, destination, clock } = await worldOf();
  await fill(store, clock);
  await snapshotAt(store, destination);
  const { store: restored } = await restoredFrom(destination, clock, { prefix: 'long/' });
  const all = await contentsOf(store, NAMES);
  const under = Object.fromEntries(Object.entries(all).filter(([name]) => name.startsWith('long/')));
  expect(Object.keys(under)).toHaveLength(2);
  expect(await contentsOf(restored, NAMES)).toEqual(under);
  await expectClean(restored);
});

it('finds the last snapshot that is not after a moment', async () => {
  const { store, destination, clock } = await worldOf();
  const times: Date[] = [];
  for (const text of ['one', 'two', 'three']) {
    await store.store('k', text);
    times.push((await snapshotAt(store, destination)).time);
    clock.advance(DAY);
  }
  const backup = await backupAt(destination, clock);
  for (const [at, time] of times.entries()) {
    for (const later of [0, DAY / 2]) {
      const { number } = await backup.describe({ at: new Date(time.getTime() + later) });
      expect(number).toBe(at + 1);
    }
  }
  const early = new Date((times[0]?.getTime() ?? 0) - 1);
  await expect(backup.describe({ at: early })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(await backup.describe()).toMatchObject({ number: 3 });
});

const byKey = (objects: RestoredObject[]): RestoredObject[] => objects.toSorted((a, b) => (a.key < b.key ? -1 : 1));

describe('restoring into a store', () => {
  it('creates what is gone, replaces by policy, keeps the past, and does nothing the second time', async () => {
    const { store, destination, clock } = await worldOf();
    await fill(store, clock);
    await snapshotAt(store, destination);
    const before = await contentsOf(store);
    await change(store);
    const backup = await backupAt(destination, clock);
    const source = await backup.open();
    await expect(restoreInto(source, store)).rejects.toMatchObject({ code: 'CONFLICT' });
    const told: [RestoredObject[], RestoredObject[]] = [[], []];
    const options = { conflict: 'overwrite', deleteExtra: true } as const;
    const onPlanned = (object: RestoredObject): void => void told[0].push(object);
    const planned = await restoreInto(source, store, { ...options, dryRun: true, onObject: onPlanned });
    const done = await restoreInto(source, store, { ...options, onObject: (object) => void told[1].push(object) });
    expect(done).toEqual({ ...planned, dryRun: false });
    expect(byKey(told[1])).toEqual(byKey(told[0]));
    const of = (type: RestoredObject['type']) => told[1].filter((object) => object.type === type);
    expect([of('create').length, of('replace').length, of('delete').length]).toEqual([2, 2, 3]);
    expect(told[1].reduce((sum, { bytes }) => sum + bytes, 0)).toBe(done.bytes);
    expect(done).toMatchObject({ created: 2, replaced: 2, deleted: 3, skipped: 0, failed: [] });
    const after = await contentsOf(store);
    const current = (contents: typeof after): object =>
      Object.fromEntries(
        Object.entries(contents).map(([key, [newest]]) => [key, [newest?.data, newest?.metadata, newest?.expires]]),
      );
    expect(current(after)).toEqual(current(before));
    expect(after['a']?.length).toBe(4);
    const again = await restoreInto(source, store, { deleteExtra: true });
    expect(again).toMatchObject({ created: 0, replaced: 0, deleted: 0, renamed: 0, failed: [] });
    await expectClean(store);
  });

  it('renames, skips and moves', async () => {
    const { store, destination, clock } = await worldOf();
    await store.store('a/k', 'old', { metadata: { of: 'old' } });
    await store.store('a/l', 'same');
    await snapshotAt(store, destination);
    await store.store('a/k', 'new');
    const backup = await backupAt(destination, clock);
    const source = await backup.open();
    expect(await restoreInto(source, store, { conflict: 'skip' })).toMatchObject({ skipped: 1, unchanged: 1 });
    expect(await restoreInto(source, store, { conflict: 'newer' })).toMatchObject({ skipped: 1, replaced: 0 });
    expect(await restoreInto(source, store, { conflict: 'rename' })).toMatchObject({ renamed: 1, unchanged: 1 });
    expect((await store.retrieve('a/k (restored)')).text()).toBe('old');
    expect(await restoreInto(source, store, { prefix: 'a/', into: 'b/' })).toMatchObject({ created: 2 });
    expect(await store.retrieve('b/k')).toMatchObject({ metadata: { of: 'old' } });
    expect(await restoreInto(source, store, { keys: ['a/k'], into: 'c' })).toMatchObject({ created: 1 });
    expect(await restoreInto(source, store, { keys: ['a/k', 'a/l'], into: 'd/' })).toMatchObject({ created: 2 });
    expect(await store.list()).toEqual(['a/k', 'a/k (restored)', 'a/l', 'b/k', 'b/l', 'c', 'd/a/k', 'd/a/l']);
    const several = restoreInto(source, store, { keys: ['a/k', 'a/l'], into: 'e' });
    await expect(several).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', option: 'into' });
    expect((await store.retrieve('a/k')).text()).toBe('new');
  });
});
