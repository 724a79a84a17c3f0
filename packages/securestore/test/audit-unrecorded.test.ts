import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { SecureStore, Session } from '../src/index.ts';
import { addPrincipal, functionSink, grantRole, setRole } from '../src/index.ts';
import { audited, storeUrlOf } from './support/audits.ts';

/** A store in `fail-closed` with sessions of somebody who may do everything, and somebody who may do nothing. */
async function world(): Promise<{
  store: SecureStore;
  ann: Session;
  bob: Session;
  breakSink: () => void;
  mend: () => void;
}> {
  let isBroken = false;
  const sink = functionSink('breakable', () => {
    if (isBroken) throw new Error('no room');
  });
  const store = await audited(storeUrlOf(), { mode: 'fail-closed', audit: { sinks: [{ sink, timeout: 1000 }] } });
  await store.access.change([
    setRole('everything', [{ effect: 'allow', actions: ['*'] }]),
    addPrincipal('ann', 'user'),
    grantRole('ann', 'everything'),
    addPrincipal('bob', 'user'),
  ]);
  await store.store('k', 'v');
  const ann = await store.session(await store.access.createToken('ann'));
  const bob = await store.session(await store.access.createToken('bob'));
  return { store, ann, bob, breakSink: () => void (isBroken = true), mend: () => void (isBroken = false) };
}

const READS: readonly (readonly [string, (session: Session, key: string) => Promise<unknown>])[] = [
  ['retrieve', (session, key) => session.retrieve(key)],
  ['info', (session, key) => session.info(key)],
  ['retrieveMany', (session, key) => session.retrieveMany([key])],
  ['encryptionKeys.list', (session) => session.encryptionKeys.list()],
  ['audit.entries', (session) => session.audit.entries()],
];
const CHANGES: readonly (readonly [string, (session: Session, key: string) => Promise<unknown>])[] = [
  ['store', (session, key) => session.store(key, 'w')],
  ['storeMany', (session, key) => session.storeMany([{ key, data: 'w' }])],
  ['delete', (session, key) => session.delete(key)],
  ['checkpoint', async (session) => session.checkpoint()],
  ['approvals.request', (session, key) => session.approvals.request('purge', key)],
];

/** All that an error says, to whoever looks at it from every side. */
function said(error: unknown): string {
  return inspect(error, { depth: 10, showHidden: true });
}

async function errorOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('in fail-closed a denial that can not be recorded', () => {
  test.each([...READS, ...CHANGES])('of %s is not told', async (_name, call) => {
    const { bob, breakSink, mend } = await world();
    expect(said(await call(bob, 'k').catch((error: unknown) => error))).toMatch(/ACCESS_DENIED/);
    breakSink();
    const error = await errorOf(call(bob, 'k'));
    expect(error).toMatchObject({ code: 'UNAVAILABLE' });
    expect(said(error)).not.toMatch(/DENIED|denied|not allowed|ask whoever/);
    mend();
  });

  test.each(CHANGES)('of %s is told in the words of what was done and could not be recorded', async (name, call) => {
    const errors = [];
    for (const who of ['ann', 'bob'] as const) {
      const { [who]: session, breakSink, mend } = await world();
      breakSink();
      errors.push(await errorOf(call(session, 'k')));
      mend();
    }
    const [done, denied] = errors as { code: string; message: string; outcome?: string; retryable: boolean }[];
    expect(done).toMatchObject({ code: 'UNAVAILABLE', outcome: 'unknown', retryable: false });
    expect({ ...denied, message: denied?.message }, name).toEqual({ ...done, message: done?.message });
  });

  test('of credentials is not told', async () => {
    const { store, breakSink, mend } = await world();
    breakSink();
    const error = await errorOf(store.session({ token: 'sst_no' }));
    expect(error).toMatchObject({ code: 'UNAVAILABLE' });
    expect(said(error)).not.toMatch(/UNAUTHENTICATED|credentials/);
    mend();
  });
});

test('in fail-closed whether something is there is not told where that can not be recorded', async () => {
  const { ann, breakSink, mend } = await world();
  const errors: string[] = [];
  for (const key of ['k', 'nothing']) {
    breakSink();
    const error = await errorOf(ann.retrieve(key));
    expect(error).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('withheld') });
    // But where it was thrown.
    errors.push(said(error).replaceAll(/^ *at .*$/gm, ''));
    mend();
    // It is tried again soon.
    await expect.poll(() => errorOf(ann.has('k')), { timeout: 60_000 }).toBeUndefined();
  }
  expect(errors[1]).toBe(errors[0]);
});

test('where nothing was begun for want of a log, the answer says so', async () => {
  const { ann, bob, breakSink, mend } = await world();
  breakSink();
  await errorOf(ann.has('k'));
  for (const session of [ann, bob]) {
    const error = await errorOf(session.store('k', 'w'));
    expect(error).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('Nothing was done.') });
    expect(error).not.toMatchObject({ outcome: 'unknown' });
  }
  mend();
});

test('looking at the log goes on also where that can not be recorded, and fails in its own words', async () => {
  const { store, ann, breakSink, mend } = await world();
  breakSink();
  expect((await store.audit.entries()).length).toBeGreaterThan(3);
  expect((await ann.audit.entries()).length).toBeGreaterThan(3);
  await expect(store.audit.entries({ entries: -1 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  mend();
});

test('a call about many objects that has to stop in the middle does not say that nothing was done', async () => {
  const { store, breakSink, mend } = await world();
  async function* items(): AsyncGenerator<{ key: string; data: string }> {
    yield* Array.from({ length: 1000 }, (_, index) => ({ key: `first/${index}`, data: 'x' }));
    // The batch before is over when the next one is begun.
    await expect.poll(async () => (await store.list('first/')).length, { timeout: 60_000 }).toBe(1000);
    await new Promise((resolve) => void setTimeout(resolve, 500));
    breakSink();
    await errorOf(store.has('k'));
    yield { key: 'second', data: 'x' };
  }
  const error = await errorOf(store.storeMany(items()));
  mend();
  expect(error).toMatchObject({
    code: 'UNAVAILABLE',
    outcome: 'unknown',
    message: expect.stringMatching(/^(?!.*Nothing was done).*stopped after 1000 items/),
  });
  await expect.poll(() => errorOf(store.has('k')), { timeout: 60_000 }).toBeUndefined();
  expect(await store.has('second')).toBe(false);
});
