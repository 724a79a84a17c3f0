import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { composeLayers, createFaultInjector, forwardTo } from '@securestore/backend-api';
import { MemoryBackend } from '@securestore/backend-memory';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { CallOptions, ItemResult, SecureStore, Session } from '../src/index.ts';
import {
  addPrincipal,
  generateIdentity,
  grantRole,
  identity,
  recipientOf,
  setApprovals,
  setRole,
} from '../src/index.ts';
import type { FakeClock } from '../../jobs/test/support/clock.ts';
import { as, PeoplesWorld } from './support/access-world.ts';
import { sized } from '../../../tools/campaigns/src/size.ts';

/** How long nobody waits for a call that takes 20 ms, in milliseconds. */
const PATIENCE = 2000;
/** One in so many calls is tried. */
const EVERY = sized({ short: 3, full: 1, torture: 1 });
const KEY = Buffer.alloc(32, 3);
const VAULT = 'memory:vault';
const AUDITOR = generateIdentity();
const TASK = { id: 'nightly', cron: '@daily', task: 'backup', destination: VAULT } as const;

type Run = (store: SecureStore, options: CallOptions, version: string) => unknown;

/** Of many the first says what became of it. */
async function first(results: Promise<readonly ItemResult<unknown>[]>): Promise<void> {
  const [result] = await results;
  if (result !== undefined && !result.ok) throw result.error;
}

/** What a call is begun with. */
const RUNS: Readonly<Record<string, Run>> = {
  store: (store, options) => store.store('k', 'v', options),
  storeMany: (store, options) => first(store.storeMany([{ key: 'k', data: 'v' }], options)),
  setMetadata: (store, options) => store.setMetadata('k', {}, options),
  retrieve: (store, options) => store.retrieve('k', options),
  retrieveMany: (store, options) => first(store.retrieveMany(['k'], options)),
  retrieveStream: (store, options) => store.retrieveStream('k', options),
  info: (store, options) => store.info('k', options),
  matches: (store, options) => store.matches('k', 'v', options),
  has: (store, options) => store.has('k', options),
  history: (store, options) => store.history('k', options),
  delete: (store, options) => store.delete('k', options),
  purge: (store, options) => store.purge('k', options),
  undelete: (store, options) => store.undelete('k', options),
  restoreVersion: (store, options, version) => store.restoreVersion('k', version, options),
  list: (store, options) => store.list('', options),
  keys: (store, options) => Array.fromAsync(store.keys('', options)),
  entries: (store, options) => Array.fromAsync(store.entries('', options)),
  rotateEncryptionKey: (store, options) => store.rotateEncryptionKey(KEY, KEY, options),
  checkpoint: (store, options) => store.checkpoint(options),
  collect: (store, options) => store.collect(options),
  verify: (store, options) => store.verify(options),
  scrub: (store, options) => store.scrub(options),
  session: (store, options) => store.session({ principal: 'alice' }, options),
  backup: (store, options) => store.backup(VAULT, options),
  restore: (store, options) => store.restore(VAULT, options),
  'backups.backup': (store, options) => store.backups.backup(VAULT, options),
  'backups.restore': (store, options) => store.backups.restore(VAULT, options),
  'backups.list': (store, options) => store.backups.list(VAULT, options),
  'backups.following': (store, options) => store.backups.following(VAULT, options),
  'backups.windows': (store, options) => store.backups.windows(VAULT, options),
  'backups.read': (store, options) => store.backups.read(VAULT, {}, async () => undefined, options),
  'backups.view': (store, options) => store.backups.view(VAULT, {}, async () => undefined, options),
  'backups.verify': (store, options) => store.backups.verify(VAULT, options),
  'backups.drill': (store, options) => store.backups.drill(VAULT, options),
  'backups.endRestore': (store, options) => store.backups.endRestore(options),
  'backups.register': (store, options) => store.backups.register(VAULT, options),
  'backups.setRetention': (store, options) => store.backups.setRetention(VAULT, { last: 1 }, options),
  'backups.forget': (store, options) => store.backups.forget(VAULT, () => [], options),
  'backups.retain': (store, options) => store.backups.retain(VAULT, { retention: { last: 1 }, ...options }),
  'backups.unregister': (store, options) => store.backups.unregister(VAULT, options),
  'backups.follow': (store, options) => store.backups.follow(VAULT, options),
  'backups.restoreStore': (store, options) => store.backups.restoreStore(VAULT, 'memory:elsewhere', options),
  'points.timeline': (store, options) => store.points.timeline(VAULT, options),
  'points.browse': (store, options) => store.points.browse({ destination: VAULT, ...options }),
  'points.find': (store, options) => store.points.find({ contains: 'k', destination: VAULT, ...options }),
  'points.compare': (store, options) => store.points.compare({ destination: VAULT, from: { snapshot: 1 }, ...options }),
  'points.versions': (store, options) => store.points.versions('k', { destination: VAULT, ...options }),
  'points.retrieveStream': (store, options) => store.points.retrieveStream('k', { destination: VAULT, ...options }),
  'points.receipts': (store, options) => store.points.receipts(VAULT, options),
  'schedules.list': (store, options) => store.schedules.list(options),
  'schedules.add': (store, options) => store.schedules.add(TASK, options),
  'schedules.remove': (store, options) => store.schedules.remove('nightly', options),
  'schedules.conditions': (store, options) => store.schedules.conditions(options),
  'slots.list': (store, options) => store.slots.list(options),
  'slots.add': (store, options) => store.slots.add(KEY, options),
  'slots.remove': (store, options) => store.slots.remove('id', options),
  'keys.states': (store, options) => store.keys.states(options),
  'keys.census': (store, options) => store.keys.census(options),
  'keys.destroy': (store, options) => store.keys.destroy('id', options),
  'keys.undo': (store, options) => store.keys.undo('id', options),
  'keys.finish': (store, options) => store.keys.finish(options),
  'jobs.list': (store, options) => store.jobs.list(options),
  'jobs.resume': (store, options) => store.jobs.resume('collection', options),
  'jobs.cancel': (store, options) => store.jobs.cancel('collection', options),
  'jobs.forget': (store, options) => store.jobs.forget('collection', options),
  'access.policy': (store, options) => store.access.policy(options),
  'access.explain': (store, options) => store.access.explain('alice', 'read', 'k', options),
  'access.tokens': (store, options) => store.access.tokens(options),
  'access.requests': (store, options) => store.access.requests(options),
  'access.session': (store, options) => store.access.session({ principal: 'alice' }, options),
  'access.change': (store, options) => store.access.change(addPrincipal('bob', 'user'), options),
  'access.createToken': (store, options) => store.access.createToken('alice', options),
  'access.revokeToken': (store, options) => store.access.revokeToken('id', options),
  'access.approve': (store, options) => store.access.approve('id', options),
  'access.deny': (store, options) => store.access.deny('id', options),
  'members.list': (store, options) => store.members.list(options),
  'members.add': async (store, options) =>
    store.members.add('bob', await recipientOf(AUDITOR), { categories: ['default'], ...options }),
  'members.revoke': (store, options) => store.members.revoke('bob', options),
  'members.revokeAll': (store, options) => store.members.revokeAll(options),
  'audit.enable': async (store, options) => store.audit.enable({ auditor: await recipientOf(AUDITOR), ...options }),
  'audit.state': (store, options) => store.audit.state(options),
  'audit.disable': (store, options) => store.audit.disable(options),
  'audit.entries': (store, options) => store.audit.entries(options),
  'audit.examine': (store, options) => store.audit.examine(options),
  'audit.verify': (store, options) => store.audit.verify({ auditor: identity(AUDITOR), ...options }),
  'audit.lines': (store, options) => Array.fromAsync(store.audit.lines(options)),
  'audit.tail': (store, options) => Array.fromAsync(store.audit.tail(options)),
};

/** What is long work, which can be gone on with. */
const JOBS: ReadonlySet<string> = new Set([
  'rotateEncryptionKey',
  'checkpoint',
  'collect',
  'scrub',
  'backup',
  'restore',
  'backups.backup',
  'backups.restore',
  'backups.drill',
  'backups.restoreStore',
  'backups.follow',
  'jobs.resume',
]);

/** What waits for nothing, or for as long as whoever calls it has it wait; and what tells that there is no answer. */
const ENDLESS: ReadonlySet<string> = new Set([
  'close',
  'audit.hashOf',
  'backups.destinations',
  'points.destinations',
  'backups.isRegistered',
  'backups.isJobOfRegistered',
  'backups.waitForBackup',
  'schedules.run',
  'health',
  'metrics.handler',
  'metrics.openTelemetry',
  'metrics.prometheus',
]);

/** What is there for the packages of the library, and not for who uses it. */
const INTERNAL: ReadonlySet<string> = new Set([
  'policyObject',
  'auditArea',
  'backupArea',
  'healthArea',
  'migrationArea',
]);

function methodNames(target: object): string[] {
  const names = new Set<string>();
  for (let at = target; at !== Object.prototype && at !== Function.prototype; at = Object.getPrototypeOf(at) as object)
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
  return [...names].filter((name) => name !== 'constructor');
}

/** The dotted names of all functions that something has, and its members. */
function functionsOf(target: object): string[] {
  return methodNames(target).flatMap((name) => {
    const value: unknown = Reflect.get(target, name, target);
    if (INTERNAL.has(name) || Object(value) !== value) return [];
    const members = methodNames(value as object)
      .filter((member) => typeof Reflect.get(value as object, member, value) === 'function')
      .map((member) => `${name}.${member}`);
    return typeof value === 'function' ? [name, ...members] : members;
  });
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) resolve();
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });
}

interface Scene {
  readonly store: SecureStore;
  readonly clock: FakeClock;
  /** Of an object. */
  readonly version: string;
  readonly session: Session;
  /** From now on neither the backend nor that of its backups answers. */
  readonly hang: () => void;
}

/** A store with a backup and an audit log, and a session of somebody who may do everything. */
async function hanging(): Promise<Scene> {
  const world = new PeoplesWorld();
  const injector = createFaultInjector();
  const [inner, location] = [new MemoryBackend({ clock: () => world.clock.now() }), `memory:${randomUUID()}`];
  const own = forwardTo(inner, { init: () => inner.init({ location, options: {} }) });
  const vault = composeLayers(own, [injector.layer]);
  const store = await world.open({
    backend: composeLayers(world.backend(), [injector.layer]),
    destinations: { [VAULT]: { backend: vault } },
  });
  const { version } = await store.store('k', 'v');
  await inItsTime(world.clock, store.backups.register(VAULT));
  await store.schedules.add(TASK);
  await store.audit.enable({ auditor: await recipientOf(AUDITOR) });
  await store.access.change([
    setRole('everything', [{ effect: 'allow', actions: ['*'] }]),
    addPrincipal('alice', 'user'),
    grantRole('alice', 'everything'),
    setApprovals([{ actions: ['purge'], keys: ['other/**'] }]),
  ]);
  const session = await as(store, 'alice');
  const answered = Promise.withResolvers<void>();
  // So that it can be closed.
  onTestFinished(() => {
    injector.plan(undefined);
    answered.resolve();
  });
  const hang = (): void => {
    // What is known of the store is too old to be relied on by then.
    world.clock.advance(6000);
    injector.plan(({ signal }) => ({ type: 'delay', until: Promise.race([answered.promise, aborted(signal)]) }));
  };
  return { store, session, clock: world.clock, version, hang };
}

/** Lets time pass until it is done. */
async function inItsTime<T>(clock: FakeClock, work: Promise<T>): Promise<T> {
  const ticking = setInterval(() => clock.advance(1000), 5);
  return work.finally(() => clearInterval(ticking));
}

/** What a call ends with; that it does not end is not waited for. */
async function endOf(clock: FakeClock, call: unknown): Promise<unknown> {
  const over = new AbortController();
  const ended = Promise.resolve(call).then(
    (value) => ({ code: 'it succeeded', value }),
    (error: unknown) => error,
  );
  const late = wait(PATIENCE, { code: 'it goes on' }, { signal: over.signal }).catch(() => undefined);
  // What is given a second to say what became of it has one.
  const ticking = setInterval(() => clock.advance(100), 5);
  return Promise.race([ended, late]).finally(() => {
    clearInterval(ticking);
    over.abort();
  });
}

async function run(name: string, target: object, options: CallOptions, version: string): Promise<unknown> {
  return RUNS[name]?.(target as SecureStore, options, version);
}

describe('where nothing answers', () => {
  test.each(Object.keys(RUNS).filter((_, at) => at % EVERY === 0))(
    '%s ends by its timeout, and by its signal',
    async (name) => {
      const { store, clock, version, hang } = await hanging();
      hang();
      expect(await endOf(clock, run(name, store, { timeout: 20 }, version))).toMatchObject({ code: 'TIMEOUT' });
      const stopped = new AbortController();
      const running = endOf(clock, run(name, store, { signal: stopped.signal, timeout: 60_000 }, version));
      setTimeout(() => stopped.abort(), 20);
      // A job that writes its state says what became of that, which the storage has five seconds for.
      const code = JOBS.has(name) ? /^(ABORTED|TIMEOUT)$/ : /^ABORTED$/;
      expect(await running).toMatchObject({ code: expect.stringMatching(code) });
    },
  );

  test(`every ${EVERY === 1 ? '' : 'third '}call of a session ends by its timeout`, async () => {
    const names = functionsOf((await hanging()).session).filter((name) => name in RUNS);
    expect(names.length).toBeGreaterThan(50);
    for (const name of names.filter((_, at) => at % EVERY === 0)) {
      const { session, clock, version, hang } = await hanging();
      hang();
      expect(await endOf(clock, run(name, session, { timeout: 20 }, version)), name).toMatchObject({ code: 'TIMEOUT' });
    }
  });
});

test('there is no call but these', async () => {
  const { store } = await hanging();
  const known = [...Object.keys(RUNS), ...ENDLESS];
  expect(functionsOf(store).toSorted()).toEqual(known.toSorted());
});

test('a log that is followed ends with its signal, and fails by its timeout', async () => {
  const { store, clock } = await hanging();
  const follow = (options: CallOptions): Promise<unknown> =>
    endOf(clock, Array.fromAsync(store.audit.tail({ follow: true, ...options })));
  expect(await follow({ signal: AbortSignal.timeout(20) })).toMatchObject({ value: expect.any(Array) });
  expect(await follow({ timeout: 20 })).toMatchObject({ code: 'TIMEOUT' });
});
