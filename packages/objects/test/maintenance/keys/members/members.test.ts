import { SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../../../src/index.ts';
import { extensionsOf } from '../../../../src/internal.ts';
import { memoryAnchor } from '../../../support/anchors.ts';
import { headAt } from '../../../support/heads.ts';
import { club, person } from '../../../support/members.ts';
import { failure, openAt, patterned, UNLOCK } from '../../../support/stores.ts';

const LARGE = patterned(200_000);
const RED = { categories: ['red'] };

/** A name that is too long for its token. */
const long = (folder: string): string => `${folder}/${'x'.repeat(200)}`;

/** Every call about one object. */
function callsAbout(store: ObjectStore, key: string): [string, () => PromiseLike<unknown>][] {
  return [
    ['store', () => store.store(key, 'x')],
    ['retrieve', () => store.retrieve(key)],
    ['retrieveStream', () => store.retrieveStream(key)],
    ['info', () => store.info(key)],
    ['has', () => store.has(key)],
    ['matches', () => store.matches(key, 'x')],
    ['setMetadata', () => store.setMetadata(key, { a: 1 })],
    ['delete', () => store.delete(key)],
    ['purge', () => store.purge(key)],
    ['undelete', () => store.undelete(key)],
    ['restoreVersion', () => store.restoreVersion(key, '00000000000-00000000')],
    ['history', () => store.history(key)],
  ];
}

describe('a member', () => {
  it('opens the store by their identity, and reads and writes what was granted', async () => {
    const { owner, join, enter } = await club();
    await owner.store('red/small', 'one', { metadata: { by: 'owner' } });
    await owner.store('red/large', LARGE);
    const member = await enter(await join('ann', RED));
    expect(member.fingerprint).toBe(owner.fingerprint);
    expect((await member.retrieve('red/small')).text()).toBe('one');
    expect(LARGE.equals((await member.retrieve('red/large')).data)).toBe(true);
    await member.store('red/small', 'two');
    await member.store('red/new', LARGE);
    await member.setMetadata('red/new', { by: 'ann' });
    expect((await owner.retrieve('red/small')).text()).toBe('two');
    expect(LARGE.equals((await owner.retrieve('red/new')).data)).toBe(true);
    expect(await member.history('red/small')).toHaveLength(2);
    expect((await member.info('red/small')).category).toBe('red');
    await member.delete('red/small');
    expect(await owner.has('red/small')).toBe(false);
    await member.undelete('red/small');
    await member.purge('red/new');
    expect(await owner.has('red/new')).toBe(false);
  });

  it('[I-12] is refused every call about other categories, whether an object is there or not', async () => {
    const { owner, join, enter } = await club();
    for (const key of ['blue/b', 'plain']) await owner.store(key, 'secret');
    const member = await enter(await join('ann', RED));
    for (const key of ['blue/b', 'blue/none', 'plain', 'none']) {
      for (const [call, run] of callsAbout(member, key)) {
        const error = await failure(run(), 'ACCESS_DENIED');
        expect(error.message, call).toContain(key.startsWith('blue') ? '"blue"' : '"default"');
        expect(error.key).toBe(key);
      }
    }
    const [result] = await member.retrieveMany(['blue/b']);
    expect(result).toMatchObject({ ok: false, error: expect.objectContaining({ code: 'ACCESS_DENIED' }) });
    expect((await owner.retrieve('blue/b')).text()).toBe('secret');
  });

  it('sees the names of all objects, but for long ones of other categories, and entries of what was granted', async () => {
    const { owner, join, enter } = await club();
    for (const key of ['red/a', 'blue/b', 'c', long('red'), long('blue')]) await owner.store(key, '1');
    const member = await enter(await join('ann', RED));
    expect(await member.list()).toEqual(['blue/b', 'c', 'red/a', long('red')]);
    const entries = await Array.fromAsync(member.entries());
    expect(entries.map(({ key }) => key).toSorted()).toEqual(['red/a', long('red')]);
  });

  it('can be granted several categories, and more later', async () => {
    const { owner, join, enter } = await club();
    await owner.store('blue/b', 'b');
    await owner.store('c', 'c');
    const ann = await join('ann', { categories: ['red', 'blue'] });
    const member = await enter(ann);
    expect((await member.retrieve('blue/b')).text()).toBe('b');
    await failure(member.retrieve('c'), 'ACCESS_DENIED');
    const info = await owner.members.add('ann', ann.recipient, { categories: ['default', 'red'] });
    expect(info.categories).toEqual(['blue', 'default', 'red']);
    await owner.members.add('bob', (await person()).recipient, RED);
    expect((await (await enter(ann)).retrieve('c')).text()).toBe('c');
  });

  it('who has the store open learns within two seconds what was granted in addition', async () => {
    const { owner, clock, join, enter } = await club();
    await owner.store('c', 'c');
    const ann = await join('ann', RED);
    const member = await enter(ann);
    await owner.members.add('ann', ann.recipient, { categories: ['default'] });
    await failure(member.retrieve('c'), 'ACCESS_DENIED');
    clock.advance(5001);
    expect((await member.retrieve('c')).text()).toBe('c');
  });

  // T-MEMBER-03
  it('administers nothing', async () => {
    const { owner, join, enter } = await club();
    const ann = await join('ann', RED);
    const member = await enter(ann);
    const { recipient } = await person();
    const version = (await owner.encryptionKeys.list())[0]?.id ?? '';
    const calls: Record<string, () => PromiseLike<unknown>> = {
      rotate: () => member.rotateEncryptionKey(Buffer.alloc(32, 7), Buffer.alloc(32, 8)),
      gc: () => member.gc(),
      checkpoint: () => member.checkpoint(),
      verify: () => member.verify(),
      'slots.list': () => member.slots.list(),
      'slots.add': () => member.slots.add({ recipient }),
      'slots.remove': () => member.slots.remove('x'),
      'encryptionKeys.list': () => member.encryptionKeys.list(),
      'encryptionKeys.usage': () => member.encryptionKeys.usage(),
      'encryptionKeys.destroy': () => member.encryptionKeys.destroy('red'),
      'encryptionKeys.undo': () => member.encryptionKeys.undo(version),
      'encryptionKeys.destroyDue': () => member.encryptionKeys.destroyDue(),
      'settings.get': () => member.settings.get(),
      'settings.change': () => member.settings.change({ history: { days: 1 } }),
      'members.list': () => member.members.list(),
      'members.add': () => member.members.add('bob', recipient, RED),
      'members.revoke': () => member.members.revoke('ann'),
      'members.revokeAll': () => member.members.revokeAll(),
      'jobs.list': () => member.jobs.list(),
      'jobs.resume': () => member.jobs.resume('rotation'),
      'policyObject.change': () =>
        extensionsOf(member).policy.change('access.change', () => ({ policy: new Uint8Array() })),
    };
    for (const [name, call] of Object.entries(calls)) {
      const error = await failure((async () => call())(), 'ACCESS_DENIED');
      expect(error.message, name).toContain('only an owner');
      expect(error.advice, name).toEqual([{ id: 'ask-owner' }]);
    }
    const denied = expect.objectContaining({ code: 'ACCESS_DENIED' });
    expect(() => extensionsOf(member).policy.tokenKey).toThrow(denied);
    expect(() => extensionsOf(member).policy.current).toThrow(denied);
  });

  it('must know the store, as whoever has a slot of a recipient must', async () => {
    const { place, clock, owner, join } = await club();
    const { unlock } = await join('ann', RED);
    await failure(openAt(place, { unlock, clock }), 'INVALID_ARGUMENT');
    await failure(openAt(place, { unlock, clock, fingerprint: '0'.repeat(52) }), 'INTEGRITY');
    const anchor = memoryAnchor();
    await openAt(place, { unlock, clock, anchor, trustOnFirstUse: true });
    const again = await openAt(place, { unlock, clock, anchor });
    expect(again.fingerprint).toBe(owner.fingerprint);
  });

  it('is who was added, and no other', async () => {
    const { enter, join } = await club();
    await failure(enter(await person()), 'UNLOCK_FAILED');
    await join('ann', RED);
    await failure(enter(await person()), 'UNLOCK_FAILED');
  });

  it('with a slot of their own as well opens the whole store by that', async () => {
    const { owner, enter, join } = await club();
    await owner.store('blue/b', 'b');
    const ann = await join('ann', RED);
    await owner.slots.add({ recipient: ann.recipient });
    const member = await enter(ann);
    expect((await member.retrieve('blue/b')).text()).toBe('b');
    expect((await member.members.list()).map(({ name }) => name)).toEqual(['ann']);
    await failure(owner.members.revoke('ann'), 'CONFLICT');
  });
});

describe('members.add', () => {
  it('lists who was added, by name', async () => {
    const { owner, join } = await club();
    expect(await owner.members.list()).toEqual([]);
    const bob = await join('bob', { categories: ['default'] });
    const ann = await join('ann', { categories: ['red', 'blue'] });
    const added = expect.any(Date);
    expect(await owner.members.list()).toEqual([
      { name: 'ann', recipient: ann.recipient, added, categories: ['blue', 'red'], areas: [] },
      { name: 'bob', recipient: bob.recipient, added, categories: ['default'], areas: [] },
    ]);
  });

  it('refuses what is there already', async () => {
    const { owner, join } = await club();
    const ann = await join('ann', RED);
    const { recipient } = await person();
    await failure(owner.members.add('ann', ann.recipient, RED), 'ALREADY_EXISTS');
    await failure(owner.members.add('ann', recipient, RED), 'ALREADY_EXISTS');
    await failure(owner.members.add('bob', ann.recipient, RED), 'ALREADY_EXISTS');
    await owner.slots.add({ recipient });
    await failure(owner.members.add('bob', recipient, RED), 'ALREADY_EXISTS');
  });

  it('refuses what can be granted to nobody', async () => {
    const { owner } = await club();
    const { recipient } = await person();
    const add = (...args: unknown[]): PromiseLike<unknown> =>
      (owner.members.add as (...given: unknown[]) => Promise<unknown>)(...args);
    await failure(add('ann', recipient, { categories: ['green'] }), 'NOT_FOUND');
    await failure(add('ann', recipient, { areas: ['backup'] }), 'NOT_FOUND');
    await expect(add('ann', recipient, { areas: ['audit'] })).rejects.toMatchObject({
      message: expect.stringContaining('the store has no audit log') as unknown,
      advice: [{ id: 'enable-audit-log' }],
    });
    for (const grant of [
      {},
      undefined,
      { categories: [] },
      { categories: 'red' },
      { categories: [1] },
      { areas: ['journal'] },
    ]) {
      await failure(add('ann', recipient, grant), 'INVALID_ARGUMENT');
    }
    await failure(add('ann', recipient, { categories: ['red'], other: 1 }), 'INVALID_ARGUMENT');
    await failure(add('ann', 'SSRP1-nonsense', RED), 'INVALID_ARGUMENT');
    for (const name of ['', ' ann', 'ann\n', 'a\u0301', '\ud800', 'x'.repeat(65), 7, undefined]) {
      await failure(add(name, recipient, RED), 'INVALID_ARGUMENT');
    }
    expect(await owner.members.list()).toEqual([]);
  });

  it('leaves one grants object, and none when the last member is gone', async () => {
    const { owner, place, attacker, join } = await club();
    const before = (await attacker.names('p/')).length;
    await join('ann', RED);
    await join('bob', RED);
    expect(await attacker.names('p/')).toHaveLength(before + 1);
    await owner.members.revoke('ann');
    expect(await attacker.names('p/')).toHaveLength(before + 1);
    await owner.members.revoke('bob');
    expect(await attacker.names('p/')).toHaveLength(before);
    expect((await headAt(await place.open())).references.grants).toBeUndefined();
  });
});

describe('members.revoke', () => {
  it('takes everything from the member, and nothing from the others', async () => {
    const { owner, clock, join, enter } = await club();
    await owner.store('red/a', 'before');
    const [ann, bob] = [await join('ann', RED), await join('bob', { categories: ['red', 'blue'] })];
    const [first, second] = [await enter(ann), await enter(bob)];
    expect((await first.retrieve('red/a')).text()).toBe('before');
    const report = await owner.members.revoke('ann');
    expect(report).toMatchObject({ depth: 'keys', rotated: 1, failed: 0, remaining: {} });
    for (const [call, run] of callsAbout(first, 'red/a')) {
      await failure(run(), 'ACCESS_DENIED').catch((error: unknown) => expect.fail(`${call}: ${String(error)}`));
    }
    await failure(first.list(), 'ACCESS_DENIED');
    const refused = await failure(enter(ann), 'UNLOCK_FAILED');
    expect(refused.message).toContain("is not a member's, or was revoked");
    await second.store('red/b', 'after');
    expect((await second.retrieve('red/a')).text()).toBe('before');
    clock.advance(10_000);
    expect((await owner.retrieve('red/b')).text()).toBe('after');
    expect((await owner.members.list()).map(({ name }) => name)).toEqual(['bob']);
  });

  it('makes new keys for what the member had and the journal, retires the old ones, and leaves all others', async () => {
    const { owner, join } = await club();
    await owner.store('red/a', '1');
    await owner.store('blue/b', '1');
    await join('ann', RED);
    const before = await owner.encryptionKeys.list();
    const { retired } = await owner.members.revoke('ann');
    const after = await owner.encryptionKeys.list();
    const touched = before.filter(({ category, kind }) => category === 'red' || kind === 'journal');
    expect([...retired].toSorted()).toEqual(touched.map(({ id }) => id).toSorted());
    expect(
      after
        .filter(({ state }) => state === 'disabled')
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual([...retired].toSorted());
    for (const version of before.filter((one) => !touched.includes(one))) expect(after).toContainEqual(version);
    expect(await owner.jobs.list()).toEqual([]);
  });

  it('refuses whom it does not know, and leaves nothing behind', async () => {
    const { owner, attacker } = await club();
    const before = await attacker.names();
    await failure(owner.members.revoke('ann'), 'NOT_FOUND');
    expect(() => owner.members.revoke('')).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    expect(await attacker.names()).toEqual(before);
    expect(await owner.jobs.list()).toEqual([]);
  });

  it('lets the same identity come back, who opens the store again', async () => {
    const { owner, join, enter } = await club();
    await owner.store('red/a', 'a');
    const ann = await join('ann', RED);
    await owner.members.revoke('ann');
    await owner.members.add('ann', ann.recipient, RED);
    expect((await (await enter(ann)).retrieve('red/a')).text()).toBe('a');
  });
});

describe('members.revokeAll', () => {
  it('takes everything from everybody, with new keys for all', async () => {
    const { owner, join, enter } = await club();
    await owner.store('red/a', 'a');
    await owner.store('blue/b', 'b');
    const people = [await join('ann', RED), await join('bob', { categories: ['red', 'blue'] })];
    const before = await owner.encryptionKeys.list();
    const { retired, rotated } = await owner.members.revokeAll();
    expect([retired.length, rotated]).toEqual([before.length, 2]);
    for (const someone of people) await failure(enter(someone), 'UNLOCK_FAILED');
    expect(await owner.members.list()).toEqual([]);
    await failure(owner.members.revokeAll(), 'NOT_FOUND');
  });

  // T-MEMBER-07
  it.each(['damaged', 'gone'])('does so where the grants are %s, which nothing else gets past', async (what) => {
    const { owner, join, enter, attacker, place } = await club();
    await owner.store('red/a', 'a');
    const ann = await join('ann', RED);
    const name = (await headAt(await place.open())).references.grants?.name ?? '';
    if (what === 'gone') await attacker.remove(name);
    else await attacker.put(name, Buffer.from('something else'));
    await failure(owner.members.list(), 'INTEGRITY');
    await failure(owner.members.add('bob', (await person()).recipient, RED), 'INTEGRITY');
    await failure(owner.members.revoke('ann'), 'INTEGRITY');
    await failure(owner.rotateEncryptionKey(Buffer.alloc(32, 7), Buffer.alloc(32, 8)), 'INTEGRITY');
    expect((await owner.retrieve('red/a')).text()).toBe('a');
    expect(await owner.members.revokeAll()).toMatchObject({ failed: 0, rotated: 1 });
    await failure(enter(ann), 'UNLOCK_FAILED');
    await owner.members.add('ann', ann.recipient, RED);
    expect((await (await enter(ann)).retrieve('red/a')).text()).toBe('a');
  });
});

describe('a store without members', () => {
  it('writes nothing new, and opens to no identity', async () => {
    const { place, clock, attacker, owner } = await club();
    expect(await attacker.names('p/')).toHaveLength(1);
    await owner.rotateEncryptionKey(Buffer.alloc(32, 7), Buffer.alloc(32, 8));
    expect(await attacker.names('p/')).toHaveLength(1);
    const { unlock } = await person();
    const error = await failure(openAt(place, { unlock, clock, fingerprint: owner.fingerprint }), 'UNLOCK_FAILED');
    expect(SecureStoreError.is(error)).toBe(true);
    await failure(openAt(place, { unlock: UNLOCK, clock }), 'UNLOCK_FAILED');
  });
});
