import { describe, expect, onTestFinished, test } from 'vitest';
import type { ApprovalRule, Rule, SecureStore, Session } from '../src/index.ts';
import { addPrincipal, grantRole, openStore, setApprovals, setRole } from '../src/index.ts';
import { as, PeoplesWorld, unlock } from './support/access-world.ts';
import { BackupWorld } from './support/backup-world.ts';
import { extensionsOf } from '@securestore/objects/internal';

const EVERYTHING: Rule = { effect: 'allow', actions: ['*'] };
const CHANGED = expect.objectContaining({
  code: 'ACCESS_DENIED',
  message: expect.stringMatching(
    /takes a new approval: the approved plan is not what the call would do now\. Nothing was changed\.$/,
  ),
});

interface Scene {
  readonly store: SecureStore;
  readonly ann: Session;
  readonly bob: Session;
}

async function scene(approvals: ApprovalRule[], bob: readonly Rule[] = []): Promise<Scene & { world: PeoplesWorld }> {
  const world = new PeoplesWorld();
  const approve: Rule = { effect: 'allow', actions: ['approve'] };
  const store = await world.openWith({ root: [EVERYTHING], ann: [EVERYTHING], bob: [approve, ...bob] });
  await store.access.change(setApprovals(approvals));
  return { world, store, ann: await as(store, 'ann'), bob: await as(store, 'bob') };
}

describe('an approval about one object', () => {
  const all: ApprovalRule[] = [{ actions: ['read', 'write', 'delete', 'purge', 'recover'] }];

  // T-CALLER-04
  test('says what it would do, and passes nothing else once another version is there', async () => {
    const { store, ann, bob } = await scene(all, [{ effect: 'allow', actions: ['list'] }]);
    const first = await store.store('db/a', 'one');
    for (const [action, attempt, counts] of [
      ['write', () => ann.store('db/a', 'by ann'), { creates: 0, replaces: 1, deletes: 0 }],
      ['write', () => ann.setMetadata('db/a', {}), { creates: 0, replaces: 1, deletes: 0 }],
      ['delete', () => ann.delete('db/a'), { creates: 0, replaces: 0, deletes: 1 }],
      ['recover', () => ann.restoreVersion('db/a', first.version), { creates: 0, replaces: 1, deletes: 0 }],
      ['read', () => ann.retrieve('db/a'), {}],
      ['purge', () => ann.purge('db/a'), { creates: 0, replaces: 0, deletes: 1 }],
    ] as const) {
      const which = action === 'recover' ? { version: first.version } : {};
      const { id } = await ann.approvals.request(action, 'db/a', which);
      const seen = (await bob.approvals.list()).find((request) => request.id === id);
      expect(seen?.plan, action).toMatchObject({ call: action, ...counts });
      expect(seen?.plan?.digest).toMatch(/^[\w-]{43}$/);
      await bob.approvals.approve(id);
      const now = await store.store('db/a', `changed before ${action}`);
      await expect(attempt(), action).rejects.toEqual(CHANGED);
      expect((await store.info('db/a')).version).toBe(now.version);
      // The version that was to be read is there still, and can be asked for by its name.
      const expected = action === 'read' ? 'approved' : 'outdated';
      for (const requests of [ann.approvals.list(), bob.approvals.list(), store.access.requests()])
        expect((await requests).find((request) => request.id === id)?.state, action).toBe(expected);
      await expect(bob.approvals.approve(id)).rejects.toMatchObject({ code: 'CONFLICT' });
      await expect(attempt(), action).rejects.toEqual(CHANGED);
      await bob.approvals.deny(id);
      const again = await ann.approvals.request(action, 'db/a', which);
      await bob.approvals.approve(again.id);
      await attempt();
      await store.store('db/a', 'goes on');
      expect((await bob.approvals.list()).filter(({ state }) => state === 'approved')).toEqual([]);
    }
  });

  test('is outdated as well once a newer one of the same has passed, in every process', async () => {
    const { world, store, ann, bob } = await scene(all);
    await store.store('db/a', 'one');
    await store.store('db/b', 'one');
    for (const key of ['db/a', 'db/b']) await bob.approvals.approve((await ann.approvals.request('write', key)).id);
    await store.store('db/a', 'two');
    await bob.approvals.approve((await ann.approvals.request('write', 'db/a')).id);
    await ann.store('db/a', 'by ann');
    const states = [
      ['db/a', 'outdated'],
      ['db/b', 'approved'],
    ];
    expect((await ann.approvals.list()).map(({ key, state }) => [key, state])).toEqual(states);
    const again = await openStore(world.url, { unlock, backend: world.backend(), clock: world.clock });
    expect((await again.access.requests()).map(({ key, state }) => [key, state])).toEqual(states);
    await again.close();
  });

  test('replaces nothing that comes while the data are taken', async () => {
    const { store, ann, bob } = await scene(all);
    await store.store('db/a', 'one');
    await bob.approvals.approve((await ann.approvals.request('write', 'db/a')).id);
    async function* data(): AsyncGenerator<Uint8Array> {
      await store.store('db/a', 'came meanwhile');
      yield new TextEncoder().encode('by ann');
    }
    await expect(ann.store('db/a', data())).rejects.toMatchObject({ code: 'CONFLICT' });
    await bob.approvals.approve((await ann.approvals.request('write', 'db/b')).id);
    async function* first(): AsyncGenerator<Uint8Array> {
      await store.store('db/b', 'came first');
      yield new TextEncoder().encode('by ann');
    }
    const [result] = await ann.storeMany([{ key: 'db/b', data: first() }]);
    expect(result).toMatchObject({ ok: false, error: { code: 'CONFLICT' } });
    expect((await store.retrieve('db/a')).text()).toBe('came meanwhile');
    expect((await store.retrieve('db/b')).text()).toBe('came first');
  });

  test('creates nothing over what came meanwhile, and reads no version but the one that was approved', async () => {
    const { store, ann, bob } = await scene(all);
    const made = await ann.approvals.request('write', 'db/new');
    await bob.approvals.approve(made.id);
    await store.store('db/new', 'of somebody else');
    await expect(ann.store('db/new', 'by ann')).rejects.toEqual(CHANGED);
    const { version } = await store.info('db/new');
    await store.store('db/new', 'secret');
    const old = await ann.approvals.request('read', 'db/new', { version });
    await bob.approvals.approve(old.id);
    await expect(ann.retrieve('db/new')).rejects.toEqual(CHANGED);
    await expect(ann.retrieveStream('db/new')).rejects.toEqual(CHANGED);
    await expect(ann.matches('db/new', 'secret')).rejects.toEqual(CHANGED);
    expect((await ann.retrieveMany(['db/new'])).map((item) => item.ok)).toEqual([false]);
    expect((await ann.retrieve('db/new', { version })).text()).toBe('of somebody else');
  });

  test('keeps from whoever asks, and may not see the object, whether it is there', async () => {
    const { store, bob } = await scene(all);
    await store.store('db/a', 'one');
    await store.access.change(setRole('role of ann', [{ effect: 'allow', actions: ['write'] }]));
    const blind = await as(store, 'ann');
    for (const key of ['db/a', 'db/none'])
      expect((await blind.approvals.request('write', key)).plan).toEqual({ call: 'write' });
    for (const { plan } of await blind.approvals.list()) expect(plan).toEqual({ call: 'write' });
    const seen = await bob.approvals.list();
    expect(seen.map(({ key, plan }) => [key, plan?.creates, plan?.replaces])).toEqual([
      ['db/a', 0, 1],
      ['db/none', 1, 0],
    ]);
    for (const { plan } of seen) expect(plan).not.toHaveProperty('digest');
  });

  test('asks nobody to delete what is not there, and tells that to those who may know it', async () => {
    const { store, ann } = await scene([{ actions: ['delete', 'purge'] }]);
    expect(await ann.delete('db/none')).toBe(false);
    expect(await ann.purge('db/none')).toBe(false);
    await expect(ann.approvals.request('purge', 'db/none')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await store.access.change(setRole('role of ann', [{ effect: 'allow', actions: ['delete'] }]));
    await expect(ann.delete('db/none')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  });

  test('undeletes the version that was approved, over nothing that came meanwhile', async () => {
    const { store, ann, bob } = await scene(all);
    await store.store('db/a', 'one');
    await store.delete('db/a');
    const { id } = await ann.approvals.request('recover', 'db/a');
    await bob.approvals.approve(id);
    await store.store('db/a', 'two');
    await store.delete('db/a');
    await expect(ann.undelete('db/a')).rejects.toEqual(CHANGED);
    await bob.approvals.deny(id);
    await bob.approvals.approve((await ann.approvals.request('recover', 'db/a')).id);
    await ann.undelete('db/a');
    expect((await store.retrieve('db/a')).text()).toBe('two');
  });
});

async function restoring(approvals: ApprovalRule[], bob: readonly Rule[] = []) {
  const world = new BackupWorld();
  const store = await world.furnished();
  const approve: Rule = { effect: 'allow', actions: ['approve'] };
  const people = { ann: [EVERYTHING], bob: [approve, ...bob] };
  await store.access.change([
    ...Object.entries(people).flatMap(([name, rules]) => [
      setRole(`role of ${name}`, rules),
      addPrincipal(name, 'user'),
      grantRole(name, `role of ${name}`),
    ]),
    setApprovals(approvals),
  ]);
  return { world, store, ann: await as(store, 'ann'), bob: await as(store, 'bob') };
}

describe('an approval of a restore', () => {
  const REPLACE: ApprovalRule[] = [{ actions: ['restore.replace'] }];
  const OVER = { prefix: 'db/', conflict: 'overwrite', deleteExtra: true } as const;

  test('shows what it would do in counts, and names to those who may see them', async () => {
    const { world, store, ann, bob } = await restoring(REPLACE, [
      { effect: 'allow', actions: ['list'], keys: ['db/a'] },
    ]);
    await store.backup(world.backup);
    await store.store('db/a', 'other');
    await store.store('db/b', 'other');
    await store.store('db/extra', 'other');
    const operation = { call: 'restore', about: { destination: world.backup, ...OVER } } as const;
    await ann.approvals.request('restore.replace', undefined, { operation, reason: 'restore 1 key' });
    const [seen] = await bob.approvals.list();
    expect(seen).toMatchObject({
      reason: 'restore 1 key',
      plan: {
        call: 'restore',
        about: { conflict: 'overwrite', deleteExtra: true },
        creates: 0,
        replaces: 2,
        deletes: 1,
        objects: [{ key: 'db/a', effect: 'replace' }],
        unnamed: 2,
      },
    });
    expect(JSON.stringify(seen)).not.toMatch(/db\/b|db\/extra/);
    const [own] = await ann.approvals.list();
    expect(own?.plan?.objects).toHaveLength(3);
    await expect(ann.approvals.request('restore.replace')).rejects.toThrow(/"operation"/);
  });

  test('passes that restore, once, and no other one', async () => {
    const { world, store, ann, bob } = await restoring(REPLACE);
    await store.backup(world.backup);
    await store.store('db/a', 'other');
    const one = { keys: ['db/a'], conflict: 'overwrite' } as const;
    const operation = { call: 'restore', about: { destination: world.backup, ...one } } as const;
    const { id } = await ann.approvals.request('restore.replace', undefined, { operation });
    await bob.approvals.approve(id);
    await store.store('db/b', 'other');
    const run = (options: object): Promise<unknown> => Promise.resolve(ann.restore(world.backup, options));
    await expect(run({ prefix: 'db/', conflict: 'overwrite' })).rejects.toEqual(CHANGED);
    expect((await store.retrieve('db/b')).text()).toBe('other');
    expect(await run(one)).toMatchObject({ replaced: 1, failed: [] });
    await store.store('db/a', 'third');
    await expect(run(one)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect((await store.retrieve('db/a')).text()).toBe('third');
  });

  // T-CALLER-04
  test('asks again once an object came under the prefix, or a version changed', async () => {
    const { world, store, ann, bob } = await restoring(REPLACE);
    await store.backup(world.backup);
    await store.store('db/a', 'other');
    const operation = { call: 'restore', about: { destination: world.backup, ...OVER } } as const;
    const ask = async (): Promise<string> =>
      (await ann.approvals.request('restore.replace', undefined, { operation })).id;
    const run = (): Promise<unknown> => Promise.resolve(ann.restore(world.backup, OVER));
    for (const change of [
      () => store.store('db/extra', 'came'),
      () => store.store('db/a', 'changed'),
      () => store.delete('db/extra'),
    ]) {
      const id = await ask();
      await bob.approvals.approve(id);
      await change();
      await expect(run()).rejects.toEqual(CHANGED);
      expect((await ann.approvals.list()).find((request) => request.id === id)?.state).toBe('outdated');
      await bob.approvals.deny(id);
    }
    expect((await store.retrieve('db/a')).text()).toBe('changed');
    await bob.approvals.approve(await ask());
    expect(await run()).toMatchObject({ replaced: 1, failed: [] });
  });

  test('asks nobody where nothing would be replaced, and replaces nothing then', async () => {
    const { world, store, ann } = await restoring([{ actions: ['restore', 'restore.replace'] }]);
    await store.backup(world.backup);
    expect(await ann.restore(world.backup, { prefix: 'db/' })).toMatchObject({ replaced: 0, created: 0 });
    await store.delete('db/b');
    await expect(Promise.resolve(ann.restore(world.backup, { prefix: 'db/' }))).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: 'restore takes the approval of a second person',
      advice: [{ id: 'request-approval', action: 'restore', call: 'restore' }],
    });
    await store.access.change(setApprovals(REPLACE));
    expect(await ann.restore(world.backup, { prefix: 'db/' })).toMatchObject({ created: 1 });
  });

  test('is needed by no dry run, which names what may be listed alone', async () => {
    const { world, store, ann } = await restoring([{ actions: ['restore', 'restore.replace'] }]);
    await store.backup(world.backup);
    await store.store('db/a', 'other');
    const about = { prefix: 'db/', conflict: 'overwrite', dryRun: true } as const;
    expect(await ann.restore(world.backup, about)).toMatchObject({ replaced: 1, conflicts: ['db/a'] });
    await store.access.change(
      setRole('role of ann', [{ effect: 'allow', actions: ['restore', 'restore.replace', 'access.change'] }]),
    );
    const told: unknown[] = [];
    const listening = {
      ...about,
      onObject: (one: unknown) => void told.push(one),
      onChange: () => told.push('change') > 0,
    };
    expect(await ann.restore(world.backup, listening)).toMatchObject({ replaced: 1, conflicts: [] });
    expect(told).toEqual([]);
  });

  // T-CALLER-04
  test('replaces nothing beyond the plan, whoever writes meanwhile', async () => {
    const { world, store, ann, bob } = await restoring(REPLACE);
    await store.backup(world.backup);
    await store.store('db/a', 'other');
    await store.delete('db/b');
    const operation = { call: 'restore', about: { destination: world.backup, ...OVER } } as const;
    await bob.approvals.approve((await ann.approvals.request('restore.replace', undefined, { operation })).id);
    // Each object is told before the next is done: what comes then was in no plan.
    let raced = false;
    const onObject = async (): Promise<void> => {
      if (raced) return;
      raced = true;
      await store.store('db/extra', 'came meanwhile');
    };
    const report = await ann.restore(world.backup, { ...OVER, onObject });
    expect(raced).toBe(true);
    expect(report.failed).toMatchObject([{ key: 'db/extra', code: 'CONFLICT' }]);
    expect((await store.retrieve('db/extra')).text()).toBe('came meanwhile');
  });
});

test('an approval of forgetting snapshots is of those that were chosen', async () => {
  const { world, store, ann, bob } = await restoring([{ actions: ['backup.manage'] }]);
  for (let made = 0; made < 3; made++) await store.backup(world.backup);
  const operation = { call: 'backups.forget', about: { destination: world.backup, snapshots: [1] } } as const;
  await bob.approvals.approve((await ann.approvals.request('backup.manage', undefined, { operation })).id);
  await expect(ann.backups.forget(world.backup, () => [1, 2])).rejects.toEqual(CHANGED);
  let asked = 0;
  await ann.backups.forget(world.backup, () => (asked++ === 0 ? [1] : [1, 2]));
  expect((await store.backups.list(world.backup)).map(({ number }) => number)).toEqual([3, 2]);
});

describe('an approval of administration', () => {
  test('is of the call and what it is given', async () => {
    const { ann, bob, store } = await scene([{ actions: ['access.change', 'rotate'] }]);
    const operation = { call: 'access.createToken', about: { principal: 'bob' } } as const;
    await bob.approvals.approve((await ann.approvals.request('access.change', undefined, { operation })).id);
    await expect(ann.access.createToken('ann')).rejects.toEqual(CHANGED);
    await expect(ann.access.change(setApprovals([]))).rejects.toEqual(CHANGED);
    expect(await ann.access.createToken('bob')).toMatchObject({ principal: 'bob' });
    await expect(ann.approvals.request('access.change')).rejects.toThrow(/access\.revokeToken/);
    expect(await store.access.requests()).toEqual([]);
  });

  test('takes no nonsense for a description', async () => {
    const { ann } = await scene([{ actions: ['*'] }]);
    const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) as unknown;
    const wrong = [
      { call: 'slots.remove', about: { id: deep } },
      { call: 'restore', about: { destination: 1 } },
      { call: 'restore', about: { destination: 'memory:none', at: 'never' } },
      { call: 'restore', about: { destination: 'memory:none', other: 1 } },
      { call: 'access.change', about: { policies: 'none' } },
      { call: 'access.change', about: { policies: [{ roles: 1 }] } },
      { call: 'toString' },
      { call: '__proto__', about: {} },
      { call: 'restore', about: 'all' },
      { call: 1 },
      'restore',
      { call: 'gc', about: {} },
    ];
    for (const [index, operation] of wrong.entries()) {
      for (const action of ['restore', 'slots.change', 'access.change'] as const) {
        const asking = ann.approvals.request(action, undefined, { operation } as never);
        await expect(asking, `${action} ${index}`).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      }
    }
    await expect(ann.approvals.request('rotate', undefined, { version: 'x' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  test('makes the policy that was approved, of the one that there was', async () => {
    const { ann, bob, store } = await scene([{ actions: ['access.change'] }]);
    const policy = await store.access.policy();
    const next = addPrincipal('eve', 'user')(policy);
    const operation = { call: 'access.change', about: { policies: [next] } } as const;
    const ask = async (): Promise<void> => {
      const { id, plan } = await ann.approvals.request('access.change', undefined, { operation });
      expect(plan?.about).toMatchObject({ principals: '1 added, 0 changed, 0 removed' });
      await bob.approvals.approve(id);
    };
    await ask();
    await expect(ann.access.change(setRole('other', [EVERYTHING]))).rejects.toEqual(CHANGED);
    await ann.access.change(addPrincipal('eve', 'user'));
    expect((await store.access.policy()).principals.map(({ name }) => name)).toContain('eve');
  });

  // T-CALLER-04
  test('makes the settings that were approved, of those that there were, with categories in that order', async () => {
    const { world, ann, bob, store } = await scene([{ actions: ['settings.change'] }]);
    const ticking = setInterval(() => world.clock.advance(500), 2);
    onTestFinished(() => clearInterval(ticking));
    const approved = async (about: Readonly<Record<string, unknown>>): Promise<void> => {
      const operation = { call: 'settings.change', about } as const;
      await bob.approvals.approve((await ann.approvals.request('settings.change', undefined, { operation })).id);
    };
    await approved({ categories: { top: ['top/**'], all: ['**'] } });
    await expect(ann.settings.change({ categories: { all: ['**'], top: ['top/**'] } })).rejects.toEqual(CHANGED);
    const { categories } = await ann.settings.change({ categories: { top: ['top/**'], all: ['**'] } });
    expect(Object.keys(categories)).toEqual(['top', 'all']);
    await approved({ history: { versions: 0 } });
    await store.settings.change({ history: { days: 0 } });
    await expect(ann.settings.change({ history: { versions: 0 } })).rejects.toEqual(CHANGED);
    expect((await store.settings.get()).history).toEqual({ versions: 10, days: 0 });
    const { version } = await store.settings.get();
    await approved({ rotation: { days: 3 }, ifVersion: version });
    expect((await ann.settings.change({ rotation: { days: 3 } }, { ifVersion: version })).rotation.days).toBe(3);
    await expect(approved({ rotation: { days: 4 }, ifVersion: version })).rejects.toMatchObject({ code: 'CONFLICT' });
  });
});

test('a request without a plan, of an older release, passes nothing and is asked again', async () => {
  const { world, store, ann, bob } = await scene([{ actions: ['purge'] }]);
  await store.store('db/a', 'one');
  const { id } = await ann.approvals.request('purge', 'db/a');
  await bob.approvals.approve(id);
  await extensionsOf(store).policy.change('test', (bytes) => {
    const document = JSON.parse(new TextDecoder().decode(bytes)) as { requests: { plan?: unknown }[] };
    for (const request of document.requests) delete request.plan;
    return { policy: new TextEncoder().encode(JSON.stringify(document)) };
  });
  await expect(ann.purge('db/a')).rejects.toEqual(CHANGED);
  expect((await bob.approvals.list()).map(({ plan }) => plan)).toEqual([undefined]);
  const again = await openStore(world.url, { unlock, backend: world.backend(), clock: world.clock });
  expect(await again.access.requests()).toHaveLength(1);
  await again.close();
});
