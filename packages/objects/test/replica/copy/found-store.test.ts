import type { StorageBackend } from '@securestore/backend-api';
import { HEAD_NAME } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../../src/index.ts';
import type { RestoreSource, UnlockedCopy } from '../../../src/internal.ts';
import { anchorOf } from '../../../src/head/trust/anchor.ts';
import { begunWith, extensionsOf, foundStore, unlockCopy } from '../../../src/internal.ts';
import { memoryAnchor } from '../../support/anchors.ts';
import { copiedFrom } from '../../support/copies.ts';
import { furnished } from '../../support/furnished.ts';
import { headAt } from '../../support/heads.ts';
import type { Club } from '../../support/members.ts';
import { club, person } from '../../support/members.ts';
import type { Place } from '../../support/places.ts';
import { memoryPlace } from '../../support/places.ts';
import { failure, openAt, UNLOCK, usePlace } from '../../support/stores.ts';

const POINT: RestoreSource = {
  what: Buffer.from('a point'),
  asked: Buffer.from('the newest'),
  pin: Buffer.from('the first'),
};
const OTHER: RestoreSource = { ...POINT, what: Buffer.from('another point') };

async function textOf(store: ObjectStore, key: string): Promise<string> {
  return Buffer.from((await store.retrieve(key)).data).toString();
}

async function unlocked(owner: ObjectStore, { clock }: Pick<Club, 'clock'>): Promise<UnlockedCopy> {
  return unlockCopy({ keys: await copiedFrom(owner), url: 'memory:copy', unlock: UNLOCK, clock });
}

/** Copies every record and part as a restore of the newest moment does. */
async function adoptAll(source: StorageBackend, copy: UnlockedCopy, target: StorageBackend): Promise<void> {
  const founded = await foundStore(copy, target, POINT);
  for (const area of ['b/', 'h/', 'o/']) {
    const { entries } = await source.list(area);
    for (const { key } of entries) {
      const found = await source.read(key);
      const body = area === 'b/' ? found?.body : founded.adopt(found?.body ?? Buffer.alloc(0));
      if (body !== undefined) await target.write(key, body);
    }
  }
  await founded.finish();
  founded.wipe();
}

interface Restored {
  readonly place: Place;
  readonly backend: StorageBackend;
}

async function restored(all: Club): Promise<Restored> {
  const place = usePlace(() => memoryPlace(() => all.clock.now()));
  const backend = await place.open();
  const copy = await unlocked(all.owner, all);
  await adoptAll(await all.place.open(), copy, backend);
  copy.wipe();
  return { place, backend };
}

describe('a store that was founded from a copy', () => {
  it('[P-18] is a new instance with a new root key of the same lineage and identity, opened by the same secret', async () => {
    const all = await furnished();
    const before = await headAt(await all.place.open());
    const { place, backend } = await restored(all);
    const head = await headAt(backend);
    expect(head.lineage).toEqual(before.lineage);
    expect(head.identity).toEqual(before.identity);
    expect(head.instance).not.toEqual(before.instance);
    expect(head.parent).toEqual({ instance: before.instance, generation: before.generation });
    expect(head.generation).toBe(before.generation + 1);
    expect(head.rootNumber).toBe(before.rootNumber + 1);
    expect(head.state).toBe('open');
    expect(head.references.checkpoint ?? head.references.formerCheckpoint).toBeUndefined();
    expect(head).toMatchObject({ versionFloor: before.versionFloor, history: before.history, naming: before.naming });
    const store = await openAt(place, { clock: all.clock, fingerprint: all.owner.fingerprint });
    expect(await textOf(store, 'red/small')).toBe('second of red');
    expect((await store.retrieve('blue/large')).data).toHaveLength(200_000);
    expect(await store.history('red/small')).toHaveLength(2);
    await failure(store.retrieve('red/gone'), 'NOT_FOUND');
    await store.store('red/small', 'third');
    expect((await store.verify()).findings).toEqual([]);
    await failure(openAt(place, { clock: all.clock, unlock: rawKey(Buffer.alloc(32, 8)) }), 'UNLOCK_FAILED');
  });

  it('[P-19] has new primary keys, and disables those of before, but for those of the audit log and of backups', async () => {
    const all = await furnished();
    const { owner, clock } = all;
    await extensionsOf(owner).audit.enable({ auditor: Buffer.alloc(32, 9), mode: 'batched' });
    await extensionsOf(owner).backup.makeKeys();
    const secret = Buffer.alloc(32, 7);
    await owner.rotateEncryptionKey(secret, secret, { depth: 'keys' });
    const before = new Map((await owner.encryptionKeys.list()).map((key) => [key.id, key]));
    expect(new Set([...before.values()].map(({ kind }) => kind)).size).toBe(4);
    const { place } = await restored(all);
    const store = await openAt(place, { clock });
    const keys = await store.encryptionKeys.list();
    const groups = Map.groupBy(keys, ({ kind, category = '' }) => `${kind} ${category}`);
    expect(groups.size).toBe(6);
    for (const [group, versions] of groups) {
      expect(
        versions.filter(({ state }) => state === 'primary'),
        group,
      ).toHaveLength(1);
    }
    for (const { id, kind, state } of keys) {
      const isNew = !before.has(id);
      const isKept = kind === 'audit' || kind === 'backup';
      expect(state, `${kind} ${id}`).toBe(isNew ? 'primary' : isKept ? 'enabled' : 'disabled');
    }
    for (const id of before.keys()) expect(keys.map((key) => key.id)).toContain(id);
  });

  it('[P-18] grants what was granted, and has the policy and destinations of before', async () => {
    const all = await furnished();
    const { clock, owner, ann } = all;
    await extensionsOf(owner).backup.changeDestinations(() => Buffer.from('destinations'));
    const { place } = await restored(all);
    const store = await openAt(place, { clock });
    expect(Buffer.from(extensionsOf(store).policy.current ?? []).toString()).toBe('the policy');
    expect(Buffer.from(extensionsOf(store).backup.destinations ?? []).toString()).toBe('destinations');
    expect(await store.members.list()).toEqual(await owner.members.list());
    const member = await openAt(place, { clock, unlock: ann.unlock, fingerprint: owner.fingerprint });
    expect(await textOf(member, 'red/small')).toBe('second of red');
    await member.store('red/new', 'by ann');
    expect(await textOf(store, 'red/new')).toBe('by ann');
    await failure(member.retrieve('blue/small'), 'ACCESS_DENIED');
  });

  it('[P-18] tells of the instance of before where that was audited', async () => {
    const all = await furnished();
    const first = await headAt(await all.place.open());
    const plain = await restored(all);
    expect((await headAt(plain.backend)).instances).toBeUndefined();
    await extensionsOf(all.owner).audit.enable({ auditor: Buffer.alloc(32, 9), mode: 'batched' });
    const second = await restored(all);
    const head = await headAt(second.backend);
    expect(head.instances).toEqual([first.instance]);
    expect(head.audit?.auditor).toEqual(Buffer.alloc(32, 9));
    const owner = await openAt(second.place, { clock: all.clock });
    const third = await restored({ ...all, owner, place: second.place });
    expect((await headAt(third.backend)).instances).toEqual([head.instance, first.instance]);
  });

  it('[F-03] is accepted by an anchor as long as that has seen nothing newer of the store than the copy', async () => {
    const all = await furnished();
    const { clock, owner } = all;
    const source = await all.place.open();
    const atCopy = anchorOf(await headAt(source));
    const { place } = await restored(all);
    const anchored = async (
      record: ReturnType<typeof anchorOf>,
      more: { acceptRollback?: boolean } = {},
    ): Promise<ObjectStore> => {
      const anchor = memoryAnchor();
      anchor.remembered.set(place.url, record);
      return openAt(place, { clock, anchor, ...more });
    };
    await anchored(atCopy);
    await anchored({ ...atCopy, generation: 1 });
    await extensionsOf(owner).policy.change('access.change', () => ({ policy: Buffer.from('another policy') }));
    const later = anchorOf(await headAt(source));
    expect(later.generation).toBe(atCopy.generation + 1);
    await failure(anchored(later), 'ROLLBACK');
    await failure(anchored({ ...atCopy, instance: '00'.repeat(16) }), 'ROLLBACK');
    await failure(anchored({ ...atCopy, fingerprint: '0'.repeat(52) }), 'ROLLBACK');
    await anchored(later, { acceptRollback: true });
  });
});

describe('founding a store from a copy', () => {
  it('[P-20] leaves what lies there: a store, or the remains of one', async () => {
    const all = await club();
    const { clock, owner } = all;
    await owner.store('red/a', 'x');
    const copy = await unlocked(owner, all);
    const source = await all.place.open();
    const before = await all.attacker.copy();
    await failure(foundStore(copy, source, POINT), 'ALREADY_EXISTS');
    await source.delete(HEAD_NAME);
    await failure(foundStore(copy, source, POINT), 'ALREADY_EXISTS');
    before.delete(HEAD_NAME);
    expect(await all.attacker.copy()).toEqual(before);
    const target = await usePlace(() => memoryPlace(() => clock.now())).open();
    const [first, second] = [await foundStore(copy, target, POINT), await foundStore(copy, target, POINT)];
    expect([first.resumed, second.resumed]).toEqual([false, true]);
    await failure(foundStore(copy, target, OTHER), 'ALREADY_EXISTS');
  });

  it('says how to go on, or to start over, where it was begun of something else, or under keys that changed since', async () => {
    const all = await club();
    const { clock, owner } = all;
    await owner.store('red/a', 'x');
    const copy = await unlocked(owner, all);
    const target = await usePlace(() => memoryPlace(() => clock.now())).open();
    (await foundStore(copy, target, POINT)).wipe();
    const other = await failure(foundStore(copy, target, OTHER), 'ALREADY_EXISTS');
    expect(other.message).toContain('Only the same restore can resume it. Nothing was changed.');
    expect(other.advice).toEqual([{ id: 'choose-store-url' }]);
    await owner.slots.add({ recipient: (await person()).recipient });
    // Whoever else may open it since, it is the same keys that make it.
    expect((await foundStore(await unlocked(owner, all), target, POINT)).resumed).toBe(true);
    await owner.settings.change({ categories: { ...(await owner.settings.get()).categories, new: ['new/**'] } });
    const later = await unlocked(owner, all);
    expect(await begunWith(later, target, POINT.asked)).toBeUndefined();
    const refused = await failure(foundStore(later, target, POINT), 'ALREADY_EXISTS');
    expect(refused.message).toMatch(/that the keys of the backup do not open\. They were changed since/);
    expect(refused.advice).toEqual([{ id: 'choose-store-url' }]);
    for (const { key } of (await target.list('')).entries) await target.delete(key);
    expect((await foundStore(later, target, POINT)).resumed).toBe(false);
  });

  it('gives what was asked for its pin as long as it is not finished', async () => {
    const all = await club();
    const { clock, owner } = all;
    const copy = await unlocked(owner, all);
    const target = await usePlace(() => memoryPlace(() => clock.now())).open();
    expect(await begunWith(copy, target, POINT.asked)).toBeUndefined();
    (await foundStore(copy, target, POINT)).wipe();
    expect(await begunWith(copy, target, POINT.asked)).toEqual(POINT.pin);
    expect(await begunWith(copy, target, Buffer.from('something else'))).toBeUndefined();
    const again = await foundStore(copy, target, POINT);
    await again.finish();
    again.wipe();
    expect(await begunWith(copy, target, POINT.asked)).toBeUndefined();
  });

  it('[P-20] begun again writes the same instance and keys, so that what was adopted before counts', async () => {
    const all = await club();
    const { clock, owner } = all;
    await owner.store('red/a', 'x');
    const copy = await unlocked(owner, all);
    const source = await all.place.open();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const target = await place.open();
    const first = await foundStore(copy, target, POINT);
    const { entries } = await source.list('o/');
    const [name = ''] = entries.map(({ key }) => key);
    const record = (await source.read(name))?.body ?? Buffer.alloc(0);
    const adopted = first.adopt(record);
    if (adopted === undefined) throw new Error('it was not adopted');
    await target.write(name, adopted);
    first.wipe();
    const again = await foundStore(copy, target, POINT);
    expect(again.adopt(record)).toEqual(adopted);
    const { instance } = await again.finish();
    again.wipe();
    expect((await headAt(target)).instance).toEqual(instance);
    expect((await target.list('w/')).entries).toEqual([]);
    const store = await openAt(place, { clock });
    expect(await textOf(store, 'red/a')).toBe('x');
  });

  it('[P-18] is not for members', async () => {
    const all = await furnished();
    const { owner, ann } = all;
    const target = await usePlace(memoryPlace).open();
    const keys = await copiedFrom(owner);
    const member = await unlockCopy({
      keys,
      url: 'memory:copy',
      unlock: ann.unlock,
      fingerprint: owner.fingerprint,
    });
    await failure(foundStore(member, target, POINT), 'ACCESS_DENIED');
    expect((await target.list('')).entries).toEqual([]);
  });
});
