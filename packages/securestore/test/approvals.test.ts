import { describe, expect, test } from 'vitest';
import type { ApprovalRule, Rule, SecureStore, Session } from '../src/index.ts';
import { addPrincipal, grantRole, openStore, removePrincipal, setApprovals, setRole } from '../src/index.ts';
import { as, PeoplesWorld, unlock } from './support/access-world.ts';
import { extensionsOf } from '@securestore/objects/internal';

const HOUR = 3_600_000;
const EVERYTHING: Rule = { effect: 'allow', actions: ['*'] };
const DENIED = expect.objectContaining({ code: 'ACCESS_DENIED', retryable: false });
const PURGES: ApprovalRule = { actions: ['purge'], keys: ['db/**'] };

interface Scene {
  readonly world: PeoplesWorld;
  readonly store: SecureStore;
  readonly alice: Session;
  readonly bob: Session;
}

/** Alice may do everything, some of it with the approval of somebody like bob, who may do nothing else. */
async function scene(approvals: ApprovalRule[] = [PURGES], approve: Partial<Rule> = {}): Promise<Scene> {
  const world = new PeoplesWorld();
  const store = await world.openWith({
    root: [EVERYTHING],
    alice: [EVERYTHING],
    bob: [{ effect: 'allow', actions: ['approve'], ...approve }],
  });
  await store.access.change(setApprovals(approvals));
  for (const key of ['db/a', 'db/b', 'web/a']) await store.store(key, key);
  const [alice, bob] = [await as(store, 'alice'), await as(store, 'bob')];
  return { world, store, alice, bob };
}

async function approved({ alice, bob }: Scene, action: 'purge' | 'read' | 'rotate', key?: string): Promise<void> {
  await bob.approvals.approve((await alice.approvals.request(action, key)).id);
}

describe('what takes a second person', () => {
  test('is denied until somebody else has approved it, and passes once', async () => {
    const { store, alice, bob } = await scene();
    await expect(alice.purge('db/a')).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: 'purge on this key takes the approval of a second person',
      advice: [{ id: 'request-approval', action: 'purge', call: 'purge', key: 'db/a' }],
    });
    expect(await store.has('db/a')).toBe(true);

    const asked = await alice.approvals.request('purge', 'db/a', { reason: 'it is over' });
    expect(asked).toMatchObject({ principal: 'alice', action: 'purge', key: 'db/a', reason: 'it is over' });
    const { plan, ...told } = asked;
    expect(plan).toMatchObject({ call: 'purge', deletes: 1 });
    expect(await bob.approvals.list()).toMatchObject([told]);
    expect(await alice.approvals.list()).toEqual([asked]);
    expect(await store.access.requests()).toEqual([asked]);
    await expect(alice.purge('db/a')).rejects.toEqual(DENIED);

    expect(await bob.approvals.approve(asked.id)).toMatchObject({ id: asked.id, state: 'approved', by: 'bob' });
    expect(await alice.purge('db/a')).toBe(true);
    expect(await store.access.requests()).toEqual([]);
    await store.store('db/a', 'again');
    await expect(alice.purge('db/a')).rejects.toEqual(DENIED);
  });

  test('is that alone: other keys, other actions and whoever approves are as before', async () => {
    const all = await scene();
    await approved(all, 'purge', 'db/a');
    await expect(all.alice.purge('db/b')).rejects.toEqual(DENIED);
    expect(await all.alice.purge('web/a')).toBe(true);
    expect(await all.alice.delete('db/b')).toBe(true);
    await expect(all.bob.purge('db/a')).rejects.toEqual(DENIED);
    expect(await all.store.has('db/a')).toBe(true);
  });

  test('needs no asking where it takes none, and can not be asked for where the rules do not allow it', async () => {
    const { store, alice, bob } = await scene();
    await expect(alice.approvals.request('purge', 'web/a')).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      approvals: [],
    });
    await expect(alice.approvals.request('approve')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(alice.approvals.request('purge')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(alice.approvals.request('rotate', 'db/a')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(alice.approvals.request('purge', 'db/../a')).rejects.toMatchObject({ code: 'INVALID_KEY' });
    await expect(alice.approvals.request('purge', 'db/a', { reason: 'x'.repeat(501) })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    await expect(bob.approvals.request('purge', 'db/a')).rejects.toEqual(DENIED);
    expect(await store.access.requests()).toEqual([]);
  });

  // T-CALLER-03
  test('is decided under the rules as they are then: an approval gives nothing that they do not', async () => {
    const all = await scene();
    await approved(all, 'purge', 'db/a');
    await all.store.access.change(
      setRole('role of alice', [EVERYTHING, { effect: 'deny', actions: ['purge'], keys: ['db/a'] }]),
    );
    await expect(all.alice.purge('db/a')).rejects.toThrow(/purge on this key is not allowed/);
    await all.store.access.change(setRole('role of alice', []));
    await expect(all.alice.purge('db/a')).rejects.toEqual(DENIED);
    expect(await all.store.has('db/a')).toBe(true);
  });

  test('is decided under the newest rules, also where they were changed elsewhere a moment ago', async () => {
    const all = await scene();
    await approved(all, 'purge', 'db/a');
    const other = await as(await all.world.open(), 'alice');
    expect(await other.has('db/a')).toBe(true);
    await all.store.access.change(setRole('role of alice', [{ effect: 'allow', actions: ['list'] }]));
    await expect(other.purge('db/a')).rejects.toEqual(DENIED);
    expect(await all.store.has('db/a')).toBe(true);
  });

  test('is denied what was refused, and what was approved and taken back', async () => {
    const { alice, bob } = await scene();
    const refused = await alice.approvals.request('purge', 'db/a');
    expect(await bob.approvals.deny(refused.id)).toMatchObject({ state: 'denied', by: 'bob' });
    await expect(bob.approvals.approve(refused.id)).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(alice.purge('db/a')).rejects.toEqual(DENIED);

    const undone = await alice.approvals.request('purge', 'db/a');
    await bob.approvals.approve(undone.id);
    await expect(bob.approvals.approve(undone.id)).rejects.toMatchObject({ code: 'CONFLICT' });
    await bob.approvals.deny(undone.id);
    await expect(alice.purge('db/a')).rejects.toEqual(DENIED);
    expect((await alice.approvals.list()).map(({ state }) => state)).toEqual(['denied', 'denied']);
  });

  test('can be the administration: a job does not begin before, and once', async () => {
    const all = await scene([{ actions: ['rotate', 'access.change'] }]);
    const [from, to] = [Buffer.alloc(32, 3), Buffer.alloc(32, 4)];
    const { generation } = extensionsOf(all.store).policy;
    await expect(all.alice.rotateEncryptionKey(from, to)).rejects.toEqual(DENIED);
    expect(extensionsOf(all.store).policy.generation).toBe(generation);
    const operation = { call: 'rotateEncryptionKey', about: { depth: 'unlock' } } as const;
    await all.bob.approvals.approve((await all.alice.approvals.request('rotate', undefined, { operation })).id);
    const rotation = all.alice.rotateEncryptionKey(from, to, { depth: 'unlock' });
    await all.world.clock.pass(10_000);
    expect((await rotation).depth).toBe('unlock');
    await expect(all.alice.rotateEncryptionKey(to, from)).rejects.toEqual(DENIED);
    await expect(all.alice.access.change(setApprovals([]))).rejects.toEqual(DENIED);
  });

  test('can be seen again only where each of its actions is approved', async () => {
    const all = await scene([{ actions: ['read', 'history'], keys: ['db/a'] }]);
    const version = (await all.store.info('db/a')).version;
    await approved(all, 'read', 'db/a');
    await expect(all.alice.retrieve('db/a', { version })).rejects.toMatchObject({
      message: 'read and history on this key take the approval of a second person',
      advice: [{ action: 'read' }, { action: 'history' }],
    });
    await all.bob.approvals.approve((await all.alice.approvals.request('history', 'db/a')).id);
    expect((await all.alice.retrieve('db/a', { version })).text()).toBe('db/a');
    expect(await all.store.access.requests()).toEqual([]);
  });

  test('is in no listing, and in a batch in its place', async () => {
    const all = await scene([{ actions: ['read', 'list'], keys: ['db/**'] }]);
    expect(await all.alice.list()).toEqual(['web/a']);
    expect(await Array.fromAsync(all.alice.keys())).toEqual(['web/a']);
    expect(await Array.fromAsync(all.alice.entries(), ({ key }) => key)).toEqual(['web/a']);
    await approved(all, 'read', 'db/b');
    const results = await all.alice.retrieveMany(['db/a', 'db/b', 'web/a', 'db/b']);
    expect(results.map((item) => (item.ok ? item.value.text() : item.error.code))).toEqual([
      'ACCESS_DENIED',
      'db/b',
      'web/a',
      'ACCESS_DENIED',
    ]);
  });
});

describe('whoever approves', () => {
  test('needs the right to, for that key', async () => {
    const { alice, bob, store } = await scene([PURGES, { actions: ['rotate'] }], { keys: ['db/b', 'web/**'] });
    const [one, other] = [
      await alice.approvals.request('purge', 'db/a'),
      await alice.approvals.request('purge', 'db/b'),
    ];
    const rotation = await alice.approvals.request('rotate');
    expect(await bob.approvals.list()).toMatchObject([{ id: other.id }]);
    for (const { id } of [one, rotation]) {
      await expect(bob.approvals.approve(id)).rejects.toEqual(DENIED);
      await expect(bob.approvals.deny(id)).rejects.toEqual(DENIED);
    }
    await bob.approvals.approve(other.id);
    await expect(bob.approvals.approve('AAAAAAAAAAA')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await store.access.change(setRole('role of bob', []));
    await expect(bob.approvals.deny(other.id)).rejects.toEqual(DENIED);
  });

  // T-CALLER-05
  test('is somebody else, whatever the name is made to look like', async () => {
    const world = new PeoplesWorld();
    const store = await world.openWith({ alice: [EVERYTHING] });
    await store.access.change([setApprovals([PURGES]), setRole('all', [EVERYTHING])]);
    await store.store('db/a', 'it is there');
    for (const [asking, others] of [
      ['alice', ['alice', 'ALICE', 'Alice', '\uff41lice', 'alice ', ' alice', 'alice\0', 'ali\u00adce', 'alice\u200b']],
      // Known by nobody but who vouches for them: no policy says that there are not two of one fold.
      [
        'corp:Stra\u00dfe',
        ['corp:Stra\u00dfe', 'CORP:STRASSE', 'corp:strasse', 'corp:stra\u017f\u017fe', 'corp:Stra\u1e9ee'],
      ],
    ] as const) {
      const asks = await as(store, asking, 'all');
      const { id } = await asks.approvals.request('purge', 'db/a');
      for (const name of others) {
        const attempt = async (): Promise<unknown> => (await as(store, name, 'all')).approvals.approve(id);
        await expect(attempt(), name).rejects.toMatchObject({
          code: expect.stringMatching(/^(?:ACCESS_DENIED|INVALID_ARGUMENT)$/),
        });
      }
      expect((await store.access.requests()).find((request) => request.id === id)).toMatchObject({ state: 'waiting' });
      await expect(asks.purge('db/a')).rejects.toEqual(DENIED);
    }
  });

  test('may be whoever unlocks the store', async () => {
    const { alice, store } = await scene();
    const { id } = await alice.approvals.request('purge', 'db/a');
    const given = await store.access.approve(id);
    expect(given).toMatchObject({ state: 'approved' });
    expect(given).not.toHaveProperty('by');
    expect(await alice.purge('db/a')).toBe(true);
    const second = await alice.approvals.request('purge', 'db/b');
    expect(await store.access.deny(second.id)).toMatchObject({ state: 'denied' });
    expect(await store.purge('db/b')).toBe(true);
  });
});

describe('a request', () => {
  test('waits a day, and its approval an hour, where nothing else is said', async () => {
    const all = await scene();
    const { alice, bob, world } = all;
    const { id } = await alice.approvals.request('purge', 'db/a');
    world.clock.advance(24 * HOUR - 1);
    await bob.approvals.approve(id);
    world.clock.advance(HOUR);
    await expect(alice.purge('db/a')).rejects.toEqual(DENIED);
    expect(await alice.approvals.list()).toEqual([]);
    const late = await alice.approvals.request('purge', 'db/a');
    world.clock.advance(24 * HOUR);
    await expect(bob.approvals.approve(late.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });

    const at = (milliseconds: number): Date => new Date(world.clock.now() + milliseconds);
    const long = await alice.approvals.request('purge', 'db/a', { expires: at(48 * HOUR) });
    world.clock.advance(47 * HOUR);
    await bob.approvals.approve(long.id, { expires: at(3 * HOUR) });
    world.clock.advance(3 * HOUR - 1);
    expect(await alice.purge('db/a')).toBe(true);
    for (const wrong of [at(0), at(HOUR / 6 - 1), at(31 * 24 * HOUR), new Date(Number.NaN)])
      await expect(alice.approvals.request('purge', 'db/a', { expires: wrong })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
  });

  test('is one of twenty that somebody may have', async () => {
    const { alice, world } = await scene();
    const ask = (): Promise<unknown> => alice.approvals.request('purge', 'db/a');
    for (let index = 0; index < 20; index++) await ask();
    await expect(ask()).rejects.toMatchObject({ code: 'TOO_LARGE' });
    world.clock.advance(24 * HOUR);
    await ask();
    expect(await alice.approvals.list()).toHaveLength(1);
  });

  test('goes with whoever made or approved it', async () => {
    const all = await scene();
    await approved(all, 'purge', 'db/a');
    await all.store.access.change(removePrincipal('bob'));
    await expect(all.alice.purge('db/a')).rejects.toEqual(DENIED);
    await all.store.access.approve((await all.alice.approvals.request('purge', 'db/a')).id);
    const again = [addPrincipal('alice', 'user'), grantRole('alice', 'role of alice')];
    await all.store.access.change(removePrincipal('alice'));
    await all.store.access.change(again);
    await expect(all.alice.purge('db/a')).rejects.toEqual(DENIED);
    expect(await all.store.access.requests()).toEqual([]);
    await all.store.access.approve((await all.alice.approvals.request('purge', 'db/a')).id);
    await all.store.access.change([removePrincipal('alice'), ...again]);
    await expect(all.alice.purge('db/a')).rejects.toEqual(DENIED);
    expect(await all.store.access.requests()).toEqual([]);
  });

  test('is there when the store is opened again, and known to whoever else has it open', async () => {
    const all = await scene();
    const other = await all.world.open();
    const { id } = await (await as(other, 'alice')).approvals.request('purge', 'db/a');
    await all.bob.approvals.approve(id);
    await all.store.close();
    const again = await openStore(all.world.url, { unlock, backend: all.world.backend(), clock: all.world.clock });
    expect(await again.access.requests()).toMatchObject([{ id, state: 'approved' }]);
    await again.close();
    // At once, without waiting for the head to be looked at again.
    expect(await (await as(other, 'alice')).purge('db/a')).toBe(true);
  });

  test('that has not been made changes nothing in the store, however often it is tried', async () => {
    const { alice, store } = await scene();
    const { generation } = extensionsOf(store).policy;
    for (let tries = 0; tries < 5; tries++) await expect(alice.purge('db/a')).rejects.toEqual(DENIED);
    expect(extensionsOf(store).policy.generation).toBe(generation);
  });

  // T-CALLER-03
  test('lets one of many attempts pass, in however many processes', async () => {
    const all = await scene([{ actions: ['read'], keys: ['db/a'] }]);
    const sessions = [all.alice];
    for (let index = 0; index < 3; index++) sessions.push(await as(await all.world.open(), 'alice'));
    for (const count of [1, 2]) {
      for (let index = 0; index < count; index++) await approved(all, 'read', 'db/a');
      const results = await Promise.allSettled(
        [...sessions, ...sessions].map(async (session) => session.retrieve('db/a')),
      );
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(count);
      for (const result of results) if (result.status === 'rejected') expect(result.reason).toEqual(DENIED);
    }
  });
});
