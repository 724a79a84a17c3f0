import { randomUUID } from 'node:crypto';
import type { StorageBackend } from '@securestore/backend-api';
import { composeLayers, createFaultInjector, forwardTo } from '@securestore/backend-api';
import { MemoryBackend } from '@securestore/backend-memory';
import { describe, expect, test } from 'vitest';
import type { OpenOptions, Rule, SecureStore, Session } from '../../src/index.ts';
import { addPrincipal, grantRole, setApprovals, setRole, templateRules } from '../../src/index.ts';
import { as } from '../support/access-world.ts';
import { BackupWorld, LARGE } from '../support/backup-world.ts';

const DENIED = expect.objectContaining({ code: 'ACCESS_DENIED' });

async function scene(
  rules: readonly Rule[],
  world: BackupWorld = new BackupWorld(),
  more: Partial<OpenOptions> = {},
): Promise<{ world: BackupWorld; store: SecureStore; ned: Session }> {
  const store = await world.furnished(more);
  await store.access.change([setRole('role', rules), addPrincipal('ned', 'user'), grantRole('ned', 'role')]);
  await store.backup(world.backup);
  return { world, store, ned: await as(store, 'ned') };
}

describe('whoever may restore, and replace nothing', () => {
  test.each([
    ['the same names, said with an empty prefix', { into: '', conflict: 'overwrite' }],
    ['a prefix that is its own', { prefix: 'db/', into: 'db/', conflict: 'overwrite' }],
    ['what is older', { prefix: 'db/', into: 'db/', conflict: 'newer' }],
    ['what came later, by deleting it', { prefix: 'db/', into: 'db/', deleteExtra: true, conflict: 'skip' }],
  ] as const)('can not write over %s', async (_, options) => {
    const { world, store, ned } = await scene([{ effect: 'allow', actions: ['restore'] }]);
    await store.store('db/a', 'newer');
    await store.store('db/extra', 'later');
    await expect(ned.restore(world.backup, options)).rejects.toEqual(DENIED);
    expect((await store.retrieve('db/a')).text()).toBe('newer');
    expect(await store.has('db/extra')).toBe(true);
    // It still restores beside what there is.
    expect(await ned.restore(world.backup, { prefix: 'db/', into: 'copy/' })).toMatchObject({ failed: [] });
  });
});

const OPERATOR = templateRules('backup-operator');

/** What would remove backups, or bring them where nobody wants them. */
const MANAGING: readonly (readonly [string, (ned: Session, world: BackupWorld) => PromiseLike<unknown>])[] = [
  ['set what is kept', (ned, { backup }) => ned.backups.setRetention(backup, { last: 1 })],
  ['say what is kept when it is applied', (ned, { backup }) => ned.backups.retain(backup, { retention: { last: 1 } })],
  [
    'say it as something that is not there',
    (ned, { backup }) => ned.backups.retain(backup, { retention: null as never }),
  ],
  ['remove points', (ned, { backup }) => ned.backups.forget(backup, (points) => points.map(({ number }) => number))],
  ['end that a destination follows the store', (ned, { backup }) => ned.backups.unregister(backup)],
  ['register a destination', (ned, { target }) => ned.backups.register(target)],
  ['back up to another place', (ned, { target }) => ned.backup(target)],
  ['back up to what is no place', (ned) => ned.backup({ toString: () => 'memory:' } as never)],
  [
    'have that done later',
    (ned, { target }) => ned.schedules.add({ id: 'n', cron: '@daily', task: 'backup', destination: target }),
  ],
  ['have a drill write elsewhere', (ned, { backup, target }) => ned.backups.drill(backup, { scratch: target })],
];

// T-BACKUP-10
describe('whoever may back up, and not manage backups', () => {
  test.each(MANAGING)('can not %s', async (_, attempt) => {
    const { world, store, ned } = await scene(OPERATOR);
    await store.store('db/a', 'newer');
    await store.backup(world.backup);
    const before = await store.backups.destinations();
    await expect(attempt(ned, world)).rejects.toEqual(DENIED);
    expect(await store.backups.list(world.backup)).toHaveLength(2);
    expect(await store.backups.destinations()).toEqual(before);
    await expect(store.backups.list(world.target)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('backs up where it is registered, applies what was set, and looks at what else would go', async () => {
    const { world, store, ned } = await scene(OPERATOR);
    await store.store('db/a', 'newer');
    expect(await ned.backup(world.backup)).toMatchObject({ number: 2 });
    expect(await ned.backups.drill(world.backup)).toMatchObject({ ok: true });
    await ned.schedules.add({ id: 'n', cron: '@daily', task: 'backup', destination: world.backup });
    const looked = await ned.backups.retain(world.backup, { retention: { last: 1 }, dryRun: true });
    expect(looked).not.toHaveProperty('done');
    await expect(ned.backups.retain(world.backup)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await store.backups.setRetention(world.backup, { last: 2 });
    await ned.backups.retain(world.backup);
    expect(await store.backups.list(world.backup)).toHaveLength(2);
  });

  test('learns no name of an object from what is damaged in a backup, but of those that they may list', async () => {
    const backend = new MemoryBackend();
    const world = new BackupWorld();
    const more = { destinations: { [world.backup]: { backend } } };
    const names: Rule = { effect: 'allow', actions: ['list'], keys: ['db/**'] };
    const { store, ned } = await scene([...OPERATOR, names], world, more);
    for (const { key } of (await backend.list('d/')).entries) await backend.write(key, Buffer.from('damaged'));
    const shown = ({ findings }: Awaited<ReturnType<typeof ned.backups.verify>>): string[] =>
      findings.flatMap(({ keys }) => keys);
    const all = shown(await store.backups.verify(world.backup));
    expect(all.some((key) => !key.startsWith('db/'))).toBe(true);
    const some = shown(await ned.backups.verify(world.backup));
    expect(some.length).toBeGreaterThan(0);
    expect(some.filter((key) => !key.startsWith('db/'))).toEqual([]);
  });

  test('learns no name from it of what takes a second person to be listed', async () => {
    const backend = new MemoryBackend();
    const world = new BackupWorld();
    const names: Rule = { effect: 'allow', actions: ['list'] };
    const { store, ned } = await scene([...OPERATOR, names], world, { destinations: { [world.backup]: { backend } } });
    await store.access.change(setApprovals([{ actions: ['list'], keys: ['web/**'] }]));
    expect(await ned.list()).not.toContain('web/c');
    for (const { key } of (await backend.list('d/')).entries) await backend.write(key, Buffer.from('damaged'));
    const { findings } = await ned.backups.verify(world.backup);
    const shown = findings.flatMap(({ keys }) => keys);
    expect(shown).toContain('db/a');
    expect(shown).not.toContain('web/c');
  });

  test('does not bring back what was unregistered, by going on with what was begun before', async () => {
    const { world, store, ned } = await scene(OPERATOR);
    await store.store('large', LARGE);
    const ending = new AbortController();
    const job = ned.backup(world.backup, { signal: ending.signal });
    for await (const { bytes } of job.progress) if (bytes > 0) break;
    ending.abort();
    await expect(job).rejects.toMatchObject({ code: 'ABORTED' });
    await store.backups.unregister(world.backup);
    await expect(ned.jobs.resume(job.id)).rejects.toEqual(DENIED);
    await expect(ned.backup(world.backup)).rejects.toEqual(DENIED);
    expect(await store.backups.destinations()).toEqual([]);
    await store.backups.register(world.backup);
    expect(await ned.jobs.resume(job.id)).toMatchObject({ number: 2 });
  });

  test('does not bring it back where it is unregistered while they back up', async () => {
    const { world, store, ned } = await scene(OPERATOR);
    await store.store('large', LARGE);
    const job = ned.backup(world.backup);
    for await (const { bytes } of job.progress) {
      if (bytes === 0) continue;
      await store.backups.unregister(world.backup);
      break;
    }
    await Promise.resolve(job).catch(() => undefined);
    expect(await store.backups.destinations()).toEqual([]);
  });

  test('does not bring it back where it is unregistered just before they are done', async () => {
    const injector = createFaultInjector();
    const backend = composeLayers(new MemoryBackend(), [injector.layer]);
    const world = new BackupWorld();
    const { store, ned } = await scene(OPERATOR, world, { destinations: { [world.backup]: { backend } } });
    const gone = Promise.withResolvers<void>();
    let isPublished = false;
    // Once the snapshot is published, the keys there are read again to register the place.
    injector.plan(({ operation, key }) => {
      if (operation === 'write') isPublished ||= key?.startsWith('s/') === true;
      if (!isPublished || operation !== 'read' || key !== 'keys') return undefined;
      isPublished = false;
      gone.resolve(store.backups.unregister(world.backup));
      return { type: 'delay', until: gone.promise };
    });
    expect(await ned.backup(world.backup)).toMatchObject({ number: 2 });
    await gone.promise;
    expect(await store.backups.destinations()).toEqual([]);
  });

  test('does not bring it back where it is unregistered just before they begin', async () => {
    const { world, store, ned } = await scene(OPERATOR);
    const job = ned.backup(world.backup);
    // By now it was allowed, and the place is not looked at yet.
    const gone = store.backups.unregister(world.backup);
    const result = await Promise.resolve(job).catch((error: unknown) => error);
    await gone;
    expect(result).toSatisfy((one: { code?: string }) => one.code === undefined || one.code === 'CONFLICT');
    expect(await store.backups.destinations()).toEqual([]);
  });
});

/** In memory, wherever it is said to lie. */
function place(): StorageBackend {
  const [inner, url] = [new MemoryBackend(), `memory:${randomUUID()}`];
  return forwardTo(inner, { init: () => inner.init({ url, options: {} }) });
}

describe('where a destination is reached with credentials', () => {
  const NAME = 'memory://***@vault';
  const OURS = 'memory://us:pw@vault';
  const THEIRS = 'memory://them/?us:pw@vault';

  /** Two places of one name. */
  async function twoOfOneName(): Promise<{ store: SecureStore; ned: Session; other: StorageBackend }> {
    const other = place();
    const destinations = { [OURS]: { backend: place() }, [THEIRS]: { backend: other } };
    const store = await new BackupWorld().furnished({ destinations });
    await store.access.change([setRole('role', OPERATOR), addPrincipal('ned', 'user'), grantRole('ned', 'role')]);
    await store.backup(OURS);
    return { store, ned: await as(store, 'ned'), other };
  }

  // T-BACKUP-10
  test('one with others is another place, whatever it is called', async () => {
    const { store, ned, other } = await twoOfOneName();
    expect(await store.backups.destinations()).toMatchObject([{ url: NAME }]);
    await expect(ned.backup(THEIRS)).rejects.toEqual(DENIED);
    await other.init({ url: THEIRS, options: {} });
    expect((await other.list('', {})).entries).toEqual([]);
    expect(await ned.backup(NAME)).toMatchObject({ number: 2 });
  });

  test('a look at another place of the same name leaves it where it is', async () => {
    const { store, ned } = await twoOfOneName();
    await expect(ned.backups.list(THEIRS)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await store.backups.setRetention(NAME, { last: 1 });
    await expect(ned.backups.retain(THEIRS)).rejects.toEqual(DENIED);
    await expect(ned.backups.retain(THEIRS, { dryRun: true })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await store.backups.list(NAME)).toHaveLength(1);
    expect(await store.backup(NAME)).toMatchObject({ number: 2 });
  });
});

test('whoever manages backups does all that', async () => {
  const { world, store, ned } = await scene([{ effect: 'allow', actions: ['backup', 'backup.manage', 'jobs'] }]);
  await ned.backups.setRetention(world.backup, { last: 1 });
  await store.store('db/a', 'newer');
  await ned.backup(world.backup);
  await ned.backups.retain(world.backup, { retention: { last: 1 } });
  expect(await ned.backups.list(world.backup)).toHaveLength(1);
  await ned.backups.unregister(world.backup);
  await ned.backup(world.target);
  expect(await ned.backups.destinations()).toMatchObject([{ url: world.target }]);
});

test('another place for backups may take a second person', async () => {
  const { world, store, ned } = await scene([{ effect: 'allow', actions: ['backup', 'backup.manage'] }]);
  await store.access.change(setApprovals([{ actions: ['backup.manage'] }]));
  await expect(ned.backup(world.target)).rejects.toMatchObject({ message: expect.stringMatching(/second person/) });
  const { id } = await ned.approvals.request('backup.manage', undefined, {
    operation: { call: 'backup', about: { destination: world.target } },
  });
  await store.access.approve(id);
  expect(await ned.backup(world.target)).toMatchObject({ failed: [] });
  expect(await ned.backup(world.target)).toMatchObject({ failed: [] });
});
