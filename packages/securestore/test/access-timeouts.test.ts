import { composeLayers, createFaultInjector } from '@securestore/backend-api';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Authenticator, SecureStore, Session } from '../src/index.ts';
import { addPrincipal, grantRole, setApprovals, setRole } from '../src/index.ts';
import { as, PeoplesWorld } from './support/access-world.ts';

interface Ending {
  readonly signal?: AbortSignal;
  readonly timeout?: number;
}

const EVERYTHING = { effect: 'allow', actions: ['*'] } as const;
/** A call that takes 20 ms has ended by then, even on a busy machine. In milliseconds. */
const PATIENCE = 30_000;

/** A store on a backend that never answers once `hang` was called, with a session of somebody who may do everything. */
async function hanging(): Promise<{ store: SecureStore; session: Session; hang: () => void }> {
  const world = new PeoplesWorld();
  const injector = createFaultInjector();
  const store = await world.open({ backend: composeLayers(world.backend(), [injector.layer]) });
  await store.store('k', 'v');
  await store.access.change([
    setRole('everything', [EVERYTHING]),
    addPrincipal('alice', 'user'),
    grantRole('alice', 'everything'),
    setApprovals([{ actions: ['purge'] }]),
  ]);
  const session = await as(store, 'alice');
  const hang = (): void => {
    // What is known of the policy is too old to be relied on by then.
    world.clock.advance(6000);
    injector.plan(() => ({ type: 'delay', until: new Promise(() => undefined) }));
  };
  return { store, session, hang };
}

/** What a call ends with; that it does not end is not waited for. */
async function endOf(call: Promise<unknown>): Promise<unknown> {
  const over = new AbortController();
  const ended = call.then(
    () => 'it succeeded',
    (error: unknown) => error,
  );
  const late = wait(PATIENCE, 'it goes on', { signal: over.signal }).catch(() => 'over');
  return Promise.race([ended, late]).finally(() => over.abort());
}

const OWNERS: readonly (readonly [string, (store: SecureStore, options: Ending) => Promise<unknown>])[] = [
  ['access.policy', (store, options) => store.access.policy(options)],
  ['access.explain', (store, options) => store.access.explain('alice', 'read', 'k', options)],
  ['access.tokens', (store, options) => store.access.tokens(options)],
  ['access.requests', (store, options) => store.access.requests(options)],
  ['session', (store, options) => store.session({ principal: 'alice' }, options)],
];

const SESSIONS: readonly (readonly [string, (session: Session, options: Ending) => Promise<unknown>])[] = [
  ['retrieve', (session, options) => session.retrieve('k', options)],
  ['store', (session, options) => session.store('k', 'v', options)],
  ['purge', (session, options) => session.purge('k', options)],
  ['list', (session, options) => session.list('', options)],
  ['keys', (session, options) => Array.fromAsync(session.keys('', options))],
  ['retrieveMany', (session, options) => session.retrieveMany(['k'], options)],
  ['encryptionKeys.list', (session, options) => session.encryptionKeys.list(options)],
  ['access.policy', (session, options) => session.access.policy(options)],
  ['checkpoint', async (session, options) => session.checkpoint(options)],
  ['approvals.list', (session, options) => session.approvals.list(options)],
  ['approvals.request', (session, options) => session.approvals.request('purge', 'k', options)],
  ['approvals.approve', (session, options) => session.approvals.approve('x', options)],
  ['approvals.deny', (session, options) => session.approvals.deny('x', options)],
];

function timedOut(operation: string): unknown {
  return expect.objectContaining({
    code: 'TIMEOUT',
    operation,
    message: expect.stringContaining(`${operation}: took`),
  });
}

describe('where the backend never answers', () => {
  test.each(OWNERS)('%s ends when its timeout or its signal says so', async (name, call) => {
    const { store, hang } = await hanging();
    hang();
    expect(await endOf(call(store, { timeout: 20 }))).toEqual(timedOut(name));
    const signal = AbortSignal.timeout(20);
    expect(await endOf(call(store, { signal }))).toEqual(timedOut(name));
    const stopped = new AbortController();
    const running = endOf(call(store, { signal: stopped.signal, timeout: 60_000 }));
    stopped.abort('enough');
    expect(await running).toMatchObject({ code: 'ABORTED', operation: name, cause: 'enough' });
  });

  test.each(SESSIONS)('%s of a session ends when its timeout says so', async (name, call) => {
    const { session, hang } = await hanging();
    hang();
    expect(await endOf(call(session, { timeout: 20 }))).toEqual(timedOut(name));
  });
});

test('a session is not waited for beyond its timeout where an authenticator never answers', async () => {
  const silent: Authenticator = { name: 'silent', authenticate: () => new Promise(() => undefined) };
  const store = await new PeoplesWorld().open({ authenticators: [silent] });
  expect(await endOf(store.session({}, { timeout: 20 }))).toEqual(timedOut('session'));
});

test.each(OWNERS)('%s is not begun with options that there are not', async (_name, call) => {
  const { store } = await hanging();
  for (const options of [{ timeout: '5s' }, { timeout: 0 }, { signal: {} }, { timout: 5 }]) {
    await expect(call(store, options as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  }
});
