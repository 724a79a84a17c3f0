import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { composeLayers, createFaultInjector, forwardTo } from '@securestore/backend-api';
import { MemoryBackend } from '@securestore/backend-memory';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { CallOptions, SecureStore, Session } from '../src/index.ts';
import { addPrincipal, grantRole, recipientOf, setApprovals, setRole } from '../src/index.ts';
import type { FakeClock } from '../../jobs/test/support/clock.ts';
import { as, PeoplesWorld } from './support/access-world.ts';
import { AUDITOR, RUNS, TASK, VAULT } from './support/calls.ts';
import { sized } from '../../../tools/campaigns/src/size.ts';

/** A call that takes 20 ms has ended by then, even on a busy machine. In milliseconds. */
const PATIENCE = 30_000;
/** One in so many calls is tried. */
const EVERY = sized({ short: 3, full: 1, torture: 1 });

/** What is long work, which can be gone on with. */
const JOBS: ReadonlySet<string> = new Set([
  'rotateEncryptionKey',
  'checkpoint',
  'gc',
  'scrub',
  'backup',
  'restore',
  'backups.backup',
  'backups.restore',
  'backups.drill',
  'backups.restoreStore',
  'backups.startContinuous',
  'jobs.resume',
]);

/** What waits for nothing, or for as long as whoever calls it has it wait; and what tells that there is no answer. */
const ENDLESS: ReadonlySet<string> = new Set([
  'close',
  'audit.hashOf',
  'backups.destinations',
  'recoveryPoints.destinations',
  'backups.isRegistered',
  'backups.isJobOfRegistered',
  'backups.waitForBackup',
  'schedules.run',
  'schedules.runNow',
  'health',
  'metrics.absorb',
  'metrics.drain',
  'metrics.handler',
  'metrics.openTelemetry',
  'metrics.prometheus',
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
    if (Object(value) !== value) return [];
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
  const [inner, url] = [new MemoryBackend({ clock: () => world.clock.now() }), `memory:${randomUUID()}`];
  const own = forwardTo(inner, { init: () => inner.init({ url, options: {} }) });
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
