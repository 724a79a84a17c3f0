import { expect, test } from 'vitest';
import type { ApprovalPlan, ApprovalRule, PlannedOperation, PolicyChange, Rule } from '../src/index.ts';
import {
  addPrincipal,
  generateIdentity,
  grantRole,
  recipientOf,
  removePrincipal,
  setApprovals,
  setRole,
} from '../src/index.ts';
import { as, PeoplesWorld } from './support/access-world.ts';
import { BackupWorld } from './support/backup-world.ts';

const CHANGED = /the approved plan is not what the call would do now/;
const EVERYTHING: Rule = { effect: 'allow', actions: ['*'] };

async function scene(approvals: ApprovalRule[], bob: Rule['actions'] = []) {
  const world = new PeoplesWorld();
  const approving: Rule = { effect: 'allow', actions: ['approve', ...bob] };
  const store = await world.openWith({ root: [EVERYTHING], ann: [EVERYTHING], bob: [approving] });
  await store.access.change(setApprovals(approvals));
  return { store, ann: await as(store, 'ann'), bob: await as(store, 'bob') };
}

// T-CALLER-04
test('an approval about a place is of no other place that looks like it without its credentials', async () => {
  const { ann, bob, store } = await scene([{ actions: ['backup.manage', 'backup'] }]);
  for (const [good, evil] of [
    ['memory://good/of ann@prod', 'memory://evil/of eve@prod'],
    ['memory:good?key=1', 'memory:good?key=2'],
  ] as const) {
    const operation: PlannedOperation = { call: 'backups.unregister', about: { destination: good } };
    const { id, plan } = await ann.approvals.request('backup.manage', undefined, { operation });
    expect(JSON.stringify(plan)).not.toMatch(/of ann|key=1/);
    await bob.approvals.approve(id);
    await expect(ann.backups.unregister(evil)).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringContaining('the approved plan is not what the call would do now'),
    });
    // It passes, and there is no such place.
    await expect(ann.backups.unregister(good)).rejects.not.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(await store.access.requests()).toEqual([]);
  }
});

test('nothing that is given is left out of a plan because something else is long', async () => {
  const { ann, bob } = await scene([{ actions: ['members.change'] }], ['*']);
  const about = { label: 'x'.repeat(5000), name: 'eve', recipient: 'r', categories: ['default', 'secret'] };
  const operation: PlannedOperation = { call: 'members.add', about };
  await ann.approvals.request('members.change', undefined, { operation });
  const [request] = await bob.approvals.list();
  expect(request?.plan?.about).toMatchObject({ name: 'eve', recipient: 'r', categories: ['default', 'secret'] });
  expect(request?.plan?.about?.['label']).toMatch(/^x{100,600}… \(5000 characters\)$/);
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`n${at}`, 1]));
  for (const wrong of [many, { ['n'.repeat(100)]: 1 }])
    await expect(
      ann.approvals.request('members.change', undefined, { operation: { call: 'members.add', about: wrong } }),
    ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

// T-CALLER-04
test('an approval of another policy tells who gets what to those who may know it', async () => {
  const { ann, bob, store } = await scene([{ actions: ['access.change'] }]);
  const asked = async (...changes: PolicyChange[]): Promise<ApprovalPlan | undefined> => {
    const policy = await store.access.policy();
    const policies = changes.map((_, at) => changes.slice(0, at + 1).reduce((found, change) => change(found), policy));
    const operation: PlannedOperation = { call: 'access.change', about: { policies } };
    await ann.approvals.request('access.change', undefined, { operation, reason: 'eve is to read' });
    return (await bob.approvals.list()).at(-1)?.plan;
  };
  const changes = [addPrincipal('eve', 'user'), setRole('reader', [EVERYTHING]), grantRole('eve', 'reader')];
  const counts = { roles: '1 added, 0 changed, 0 removed', principals: '1 added, 0 changed, 0 removed' };
  const hidden = await asked(...changes);
  expect(hidden?.about).toEqual(counts);
  expect(hidden).not.toHaveProperty('digest');
  await store.access.change(setRole('role of bob', [{ effect: 'allow', actions: ['approve', 'access.view'] }]));
  expect((await asked(...changes))?.about).toEqual({
    ...counts,
    changes: [
      'principal "eve": new, a user, gets "reader"',
      'role "reader": new, with [{"effect":"allow","actions":["*"]}]',
    ],
  });
  const again = [removePrincipal('bob'), addPrincipal('bob', 'user'), grantRole('bob', 'role of ann', 0)];
  expect((await asked(...again, setApprovals([])))?.about?.['changes']).toEqual([
    'what takes a second person: from now on []',
    'principal "bob": gets "role of ann" until 1970-01-01T00:00:00.000Z, loses "role of bob"',
    'principal "bob": removed and added again, without the API tokens',
  ]);
  const crowd = Array.from({ length: 100 }, (_, at) => addPrincipal(`someone ${at}`, 'user'));
  const told = (await asked((policy) => crowd.reduce((found, change) => change(found), policy)))?.about?.['changes'];
  expect((told as string[]).at(-1)).toBe(`and ${100 - (told as string[]).length + 1} more`);
});

test('an approval of a call is of what it was given when it was made, whatever that says later', async () => {
  const { ann, bob, store } = await scene([{ actions: ['members.change'] }]);
  let asked = 0;
  const turning = {
    get categories(): string[] {
      return asked++ === 0 ? ['default'] : ['default', 'secret'];
    },
  };
  class Hiding {
    readonly categories = ['default'];
    get groups(): 'audit'[] {
      return ['audit'];
    }
  }
  for (const [name, grant] of [
    ['eve', turning],
    ['mallory', new Hiding()],
  ] as const) {
    const recipient = await recipientOf(generateIdentity());
    const about = { name, recipient, categories: ['default'] };
    const operation: PlannedOperation = { call: 'members.add', about };
    await bob.approvals.approve((await ann.approvals.request('members.change', undefined, { operation })).id);
    await ann.members.add(name, recipient, grant);
    const found = (await store.members.list()).find((one) => one.name === name);
    expect(found).toMatchObject({ categories: ['default'], areas: [] });
  }
});

test('a time is the same time however it is written', async () => {
  const { ann, bob } = await scene([{ actions: ['access.change'] }]);
  const about = { principal: 'bob', expires: '2126-01-01T01:00:00+01:00' };
  const operation: PlannedOperation = { call: 'access.createToken', about };
  await bob.approvals.approve((await ann.approvals.request('access.change', undefined, { operation })).id);
  const { principal } = await ann.access.createToken('bob', { expires: new Date('2126-01-01T00:00:00Z') });
  expect(principal).toBe('bob');
});

test('an approval of reading is not used up by a range that the object does not have', async () => {
  const { ann, bob, store } = await scene([{ actions: ['read'] }]);
  await store.store('db/a', '0123456789');
  for (const range of [{ start: 5, end: 2 }, { start: 11 }])
    await expect(ann.retrieveStream('db/a', range)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  await bob.approvals.approve((await ann.approvals.request('read', 'db/a')).id);
  for (const range of [{ start: 5, end: 2 }, { start: 11 }, { start: -1 }])
    await expect(ann.retrieveStream('db/a', range)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  const { stream } = await ann.retrieveStream('db/a', { start: 2, end: 5 });
  expect(await new Response(stream).text()).toBe('234');
  expect(await store.access.requests()).toEqual([]);
});

test('an approval of reading from a backup is of the version that was there when it was asked for', async () => {
  const world = new BackupWorld();
  const store = await world.furnished();
  const rules: Rule[] = [{ effect: 'allow', actions: ['read', 'history', 'backup.view'] }];
  await store.access.change([
    setRole('all', [EVERYTHING]),
    addPrincipal('root', 'user'),
    grantRole('root', 'all'),
    setRole('reader', rules),
    addPrincipal('ann', 'user'),
    grantRole('ann', 'reader'),
    setApprovals([{ actions: ['read'] }]),
  ]);
  await store.backup(world.backup);
  const ann = await as(store, 'ann');
  const place = { destination: world.backup };
  const approved = async (key: string): Promise<void> => {
    const operation: PlannedOperation = { call: 'recoveryPoints.retrieveStream', about: place };
    const { id, plan } = await ann.approvals.request('read', key, { operation });
    expect(plan).toEqual({ call: 'read' });
    await store.access.approve(id);
  };
  const read = async (key: string): Promise<string> =>
    new Response((await ann.recoveryPoints.retrieveStream(key, place)).stream).text();
  await approved('db/a');
  await approved('db/none');
  await store.store('db/a', 'third');
  await store.store('db/none', 'came later');
  await store.backup(world.backup);
  for (const key of ['db/a', 'db/none'])
    await expect(read(key)).rejects.toMatchObject({ code: 'ACCESS_DENIED', message: expect.stringMatching(CHANGED) });
  await approved('db/a');
  expect(await read('db/a')).toBe('third');
  await expect(read('db/a')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
});
