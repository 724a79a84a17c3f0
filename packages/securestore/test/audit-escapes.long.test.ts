import { describe, expect, test, vi } from 'vitest';
import type { OpenOptions, SecureStore, TrailEntry } from '../src/index.ts';
import {
  addPrincipal,
  functionSink,
  generateIdentity,
  grantRole,
  identity,
  recipientOf,
  setRole,
} from '../src/index.ts';
import * as audits from './support/audits.ts';
import { storeUrlOf } from './support/audits.ts';

const MODES = ['batched', 'fail-closed'] as const;

const reopen = (url: string, options?: Partial<OpenOptions>): Promise<SecureStore> =>
  audits.reopen(url, options, async (store) => store.close().catch(() => undefined));

const audited = (url: string, mode: (typeof MODES)[number]): Promise<SecureStore> =>
  audits.audited(url, { mode, categories: { shared: ['shared/**'] } });

async function logOf(url: string): Promise<TrailEntry[]> {
  const store = await reopen(url);
  return store.audit.entries({ entries: 100_000 });
}

const shown = ({ action, outcome, principal }: TrailEntry): string => `${action} ${outcome} ${principal}`;

describe.each(MODES)('in the mode %s', (mode) => {
  // T-AUDIT-01
  test('switching the audit off is recorded, and so is what was begun before', async () => {
    const url = storeUrlOf();
    const store = await audited(url, mode);
    const reading = store.retrieve('nothing').catch(() => undefined);
    const writing = store.store('a', 'x');
    await store.audit.disable();
    await Promise.all([reading, writing]);
    await store.list();
    await store.close();
    const log = (await logOf(url)).map(shown);
    expect(log).toEqual(
      expect.arrayContaining(['read failed [owner]', 'write allowed [owner]', 'audit.disable allowed [owner]']),
    );
    expect(log).not.toContain('list allowed [owner]');
  });

  // T-AUDIT-01
  test('one call about more objects than may wait to be written hides none of them', async () => {
    const url = storeUrlOf();
    const store = await audited(url, mode);
    await store.access.change([
      setRole('reader', [{ effect: 'allow', actions: ['read'], keys: ['seen/**'] }]),
      addPrincipal('ann', 'user'),
      grantRole('ann', 'reader'),
    ]);
    await store.store('seen/secret', 'x');
    const session = await store.session(await store.access.createToken('ann'));
    const unseen = Array.from({ length: 11_000 }, (_, index) => `unseen/${index}`);
    const results = await session.retrieveMany([...unseen, 'seen/secret']);
    expect(results.at(-1)).toMatchObject({ ok: true });
    await store.close();
    const reads = (await logOf(url)).filter(({ action }) => action === 'read').map(({ outcome }) => outcome);
    expect(reads.filter((outcome) => outcome === 'denied')).toHaveLength(unseen.length);
    expect(reads.filter((outcome) => outcome === 'allowed')).toHaveLength(1);
  });

  test('a member reads and writes as ever, and does not write to the log', async () => {
    const url = storeUrlOf();
    const store = await audited(url, mode);
    const theirs = generateIdentity();
    await store.members.add('ann', await recipientOf(theirs), { categories: ['shared'] });
    const alerts: unknown[] = [];
    const member = await reopen(url, {
      unlock: identity(theirs),
      fingerprint: store.fingerprint,
      audit: { onAlert: (alert) => void alerts.push(alert) },
    });
    await member.store('shared/a', 'x');
    expect((await member.retrieve('shared/a')).text()).toBe('x');
    expect(member.audit.status).toMatchObject({ on: true, mode });
    await member.close();
    expect(alerts).toEqual([]);
  });

  test('a session is recorded, wherever it was begun', async () => {
    const url = storeUrlOf();
    const store = await audited(url, mode);
    await store.access.change([addPrincipal('ann', 'user')]);
    const session = await store.access.session(await store.access.createToken('ann'));
    await session.retrieve('a').catch(() => undefined);
    await store.access.session({ token: 'sst_no' }).catch(() => undefined);
    await store.close();
    const log = (await logOf(url)).map(shown);
    expect(log).toEqual(expect.arrayContaining(['session allowed ann', 'read denied ann', 'session denied ']));
  });
});

test('what comes before the log is open and finds no room is counted in it', async () => {
  const url = storeUrlOf();
  await (await audited(url, 'batched')).close();
  const { promise, resolve } = Promise.withResolvers<[]>();
  const slow = { ...functionSink('slow', async () => undefined), tips: () => promise };
  const store = await reopen(url, { audit: { sinks: [{ sink: slow, queue: 20_000 }] } });
  for (let left = 10_005; left > 0; left--) store.audit.recorder.note({ action: 'read', outcome: 'denied' });
  resolve([]);
  await expect.poll(() => store.audit.status.sinks.length).toBe(2);
  await store.close();
  const reasons = (await logOf(url)).filter(({ action }) => action === 'audit.lost').map(({ reason }) => reason);
  expect(reasons).toContainEqual(expect.stringMatching(/^6 entries came before/));
});

// T-AUDIT-01
test.each(['storeMany', 'retrieveMany'] as const)(
  'in fail-closed %s does nothing that cannot be recorded',
  async (call) => {
    const url = storeUrlOf();
    await (await audited(url, 'fail-closed')).close();
    let isFull = false;
    const sink = functionSink('siem', async () => {
      if (isFull) throw new Error('no room');
    });
    const store = await reopen(url, { audit: { sinks: [{ sink }] } });
    await store.store('a', 'x');
    isFull = true;
    await store.has('a').catch(() => undefined);
    const items = vi.fn<() => Iterator<never>>();
    await expect(store[call]({ [Symbol.iterator]: items })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(items).not.toHaveBeenCalled();
    isFull = false;
  },
);
