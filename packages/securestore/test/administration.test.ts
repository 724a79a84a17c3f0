import { composeLayers, createFaultInjector } from '@securestore/backend-api';
import { describe, expect, test } from 'vitest';
import type { Action, Rule, SecureStore, Session } from '../src/index.ts';
import { addPrincipal, grantRole, rawKey, setRole, templateRules } from '../src/index.ts';
import { World } from './support/access-world.ts';
import { extensionsOf } from '@securestore/objects/internal';

const SECRET = Buffer.alloc(32, 3);
const DENIED = expect.objectContaining({ code: 'ACCESS_DENIED' });

async function newStore(world: World = new World()): Promise<SecureStore> {
  const store = await world.open();
  await store.store('db/user', 'ops');
  return store;
}

/** A session of somebody for whom the policy has exactly these rules. */
async function sessionUnder(store: SecureStore, ...rules: Rule[]): Promise<Session> {
  await store.access.change([setRole('role', rules), addPrincipal('alice', 'user'), grantRole('alice', 'role')]);
  return store.session({ token: (await store.access.createToken('alice')).token });
}

function allow(...actions: Action[]): Rule {
  return { effect: 'allow', actions };
}

describe('a session administers', () => {
  test('what an operator may, and sees no object', async () => {
    const store = await newStore();
    const session = await sessionUnder(store, ...templateRules('operator'));
    expect((await session.slots.list()).map(({ method }) => method)).toEqual(['rawKey']);
    expect((await session.encryptionKeys.list()).length).toBeGreaterThan(1);
    expect(Object.values(await session.encryptionKeys.usage())).toContain(1);
    expect((await session.verify({ payloads: true })).ok).toBe(true);
    expect(await session.jobs.list()).toEqual([]);
    await expect(session.retrieve('db/user')).rejects.toEqual(DENIED);
    expect(await Array.fromAsync(session.keys())).toEqual([]);
    await expect(session.slots.add(rawKey(Buffer.alloc(32, 9)))).rejects.toEqual(DENIED);
    await expect(session.encryptionKeys.destroy('default')).rejects.toEqual(DENIED);
    await expect(session.access.policy()).rejects.toEqual(DENIED);
  });

  test('with jobs that are as those of the store: an id, progress, a report', async () => {
    const world = new World();
    const store = await newStore(world);
    const session = await sessionUnder(store, allow('checkpoint', 'collect', 'rotate', 'jobs'));
    const begin = {
      checkpoint: (owner: SecureStore | Session) => owner.checkpoint(),
      collect: (owner: SecureStore | Session) => owner.gc(),
      rotate: (owner: SecureStore | Session) => owner.rotateEncryptionKey(SECRET, SECRET, { depth: 'unlock' }),
      resume: (owner: SecureStore | Session) => owner.jobs.resume('rotation'),
    };
    for (const [name, start] of Object.entries(begin)) {
      const job = start(session);
      const [phases, report] = await Promise.all([
        Array.fromAsync(job.progress, ({ phase }) => phase),
        job.then(
          () => 'done',
          (error: unknown) => error,
        ),
        world.clock.pass(10_000),
      ]);
      expect(phases.length, name).toBeGreaterThan(0);
      if (name === 'resume') expect(report).toMatchObject({ code: 'NOT_FOUND' });
      else expect(report).toBe('done');
      const owners = start(store);
      owners.cancel();
      await owners.catch(() => undefined);
      expect(job.id).toBe(owners.id);
    }
  });

  test('with jobs that do not begin where they are not allowed, or have been cancelled', async () => {
    const store = await newStore();
    const session = await sessionUnder(store, allow('collect'));
    const generation = extensionsOf(store).policy.generation;
    const denied = session.checkpoint();
    expect(await Array.fromAsync(denied.progress)).toEqual([]);
    await expect(denied).rejects.toEqual(DENIED);
    const cancelled = session.gc();
    cancelled.cancel();
    await expect(cancelled).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(session.rotateEncryptionKey(SECRET, Buffer.alloc(32, 4))).rejects.toEqual(DENIED);
    expect(extensionsOf(store).policy.generation).toBe(generation);
    expect(await store.jobs.list()).toEqual([]);
  });

  test('access itself, as far as it may', async () => {
    const store = await newStore();
    const session = await sessionUnder(store, allow('access.view'));
    expect((await session.access.policy()).principals.map(({ name }) => name)).toEqual(['alice']);
    expect(await session.access.explain('alice', 'rotate')).toMatchObject({ allowed: false });
    expect(await session.access.tokens()).toHaveLength(1);
    for (const attempt of [
      () => session.access.change(addPrincipal('mallory', 'user')),
      () => session.access.createToken('alice'),
      async () => session.access.revokeToken((await session.access.tokens())[0]?.id ?? ''),
    ])
      await expect(attempt()).rejects.toEqual(DENIED);
    await store.access.change(setRole('role', [allow('access.change')]));
    await session.access.change(addPrincipal('bob', 'user'));
    expect((await store.access.policy()).principals.map(({ name }) => name)).toEqual(['alice', 'bob']);
    await expect(session.access.policy()).rejects.toEqual(DENIED);
  });

  test('what was taken away while it was looked at is not told', async () => {
    const world = new World();
    const injector = createFaultInjector();
    const backend = composeLayers(world.backend(), [injector.layer]);
    const store = await world.open({ backend });
    await store.store('db/user', 'ops');
    const session = await sessionUnder(store, allow('keys.view', 'verify'));
    const taken = Promise.withResolvers<void>();
    const looking = Promise.withResolvers<void>();
    let held = 0;
    injector.plan(({ operation, key = '' }) => {
      if (operation !== 'list' || !key.startsWith('o/')) return undefined;
      held += 1;
      if (held === 2) looking.resolve();
      return { type: 'delay', until: taken.promise };
    });
    const settled = Promise.allSettled([session.encryptionKeys.usage(), session.verify()]);
    await looking.promise;
    await store.access.change(setRole('role', []));
    taken.resolve();
    for (const result of await settled) expect(result).toMatchObject({ status: 'rejected', reason: DENIED });
  });

  test('nothing any more once it is closed', async () => {
    const store = await newStore();
    const session = await sessionUnder(store, { effect: 'allow', actions: ['*'] });
    await session.slots.list();
    await session.close();
    await expect(session.slots.list()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(session.gc()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});
