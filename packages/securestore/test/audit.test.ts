import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import type { StorageBackend } from '@securestore/backend-api';
import { SqliteBackend } from '@securestore/backend-sqlite';
import { auditName, auditPrefix } from '@securestore/core-format';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { AuditReport, SecureStore, TrailEntry } from '../src/index.ts';
import {
  addPrincipal,
  createStore,
  functionSink,
  generateIdentity,
  grantRole,
  identity,
  recipientOf,
  SecureStoreError,
  setApprovals,
  setRole,
} from '../src/index.ts';
import { audited, auditor, storeUrlOf, memoryAnchor, reopen, unlock } from './support/audits.ts';
import { LONG, onlyLong } from '../../../tools/campaigns/src/size.ts';

async function entriesOf(store: SecureStore): Promise<TrailEntry[]> {
  return Array.fromAsync(store.audit.tail({ entries: 10_000 }));
}

function verify(store: SecureStore): Promise<AuditReport> {
  return store.audit.verify({ auditor: identity(auditor) });
}

const shown = ({ action, outcome, principal, reason }: TrailEntry): string =>
  [action, outcome, principal, reason].filter((part) => part !== '').join(' ');
const attempts = (entries: readonly TrailEntry[]): string[] =>
  entries.filter(({ action }) => !/^(key|slot|root|unlock|audit)/.test(action)).map(shown);

describe('a store that is audited', () => {
  test('records each attempt once, with what became of it', async () => {
    const url = storeUrlOf();
    const store = await audited(url);
    await store.store('a', 'one');
    await store.retrieve('a');
    await store.retrieve('b').catch(() => undefined);
    await store.list();
    await store.storeMany([
      { key: 'c', data: '1' },
      { key: 'd', data: '2', ifVersion: 'nonsense' },
    ]);
    for await (const _ of store.entries()) continue;
    await store.delete('a');
    await store.close();
    const later = await reopen(url);
    expect(attempts(await entriesOf(later))).toEqual([
      'write allowed [owner]',
      'read allowed [owner]',
      'read failed [owner] NOT_FOUND',
      'list allowed [owner]',
      'write allowed [owner]',
      'write failed [owner] INVALID_ARGUMENT',
      'read allowed [owner] metadata only',
      'delete allowed [owner]',
    ]);
    expect(await verify(later)).toMatchObject({ ok: true, findings: [] });
  });

  test('records sessions as who they are, and what they were denied', async () => {
    const url = storeUrlOf();
    const store = await audited(url);
    await store.access.change([
      setRole('reader of db', [{ effect: 'allow', actions: ['read'], keys: ['db/**'] }]),
      setRole('administrator', [{ effect: 'allow', actions: ['*'] }]),
      addPrincipal('alice', 'user'),
      addPrincipal('boss', 'user'),
      grantRole('boss', 'administrator'),
      grantRole('alice', 'reader of db'),
    ]);
    const { token } = await store.access.createToken('alice');
    await store.store('db/a', '1');
    const session = await store.session({ token }, { requestId: 'request 7' });
    await session.retrieve('db/a');
    await session.retrieve('web/a').catch(() => undefined);
    await store.session({ token: `${token}x` }).catch(() => undefined);
    await store.close();
    const entries = await entriesOf(await reopen(url));
    const mine = entries.filter(({ principal, action }) => principal !== '[owner]' && action !== 'audit.end');
    expect(attempts(mine)).toEqual([
      'session allowed alice',
      'read allowed alice',
      'read denied alice ACCESS_DENIED',
      'session denied UNAUTHENTICATED',
    ]);
    expect(mine.map(({ requestId }) => requestId)).toEqual(['request 7', 'request 7', 'request 7', '']);
  });

  test('is followed in a session, by whom it may be seen, as one attempt; a signal ends that in peace, and a timeout does not', async () => {
    const url = storeUrlOf();
    const store = await audited(url);
    await store.access.change([
      setRole('auditor', [{ effect: 'allow', actions: ['audit.view'] }]),
      addPrincipal('alice', 'user'),
      addPrincipal('bob', 'user'),
      grantRole('alice', 'auditor'),
    ]);
    const begin = async (name: string) => store.session({ token: (await store.access.createToken(name)).token });
    const [alice, bob] = [await begin('alice'), await begin('bob')];
    await expect(bob.audit.tail({ follow: true }).next()).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    const ended = new AbortController();
    const seen: string[] = [];
    for await (const { action } of alice.audit.tail({ follow: true, signal: ended.signal })) {
      if (seen.push(action) === 1) await store.store('k', 'x');
      if (action === 'write') ended.abort();
    }
    expect(seen).toContain('write');
    const late = Array.fromAsync(alice.audit.tail({ follow: true, timeout: 20 }));
    await expect(late).rejects.toMatchObject({ code: 'TIMEOUT' });
    await store.close();
    const told = (await entriesOf(await reopen(url))).filter(({ action }) => action === 'audit.tail');
    expect(told.map(({ principal }) => principal).toSorted()).toEqual(['alice', 'alice', 'bob']);
    expect(told.find(({ principal }) => principal === 'bob')).toMatchObject({ outcome: 'denied' });
  });

  test('records the administration, of the owner and of sessions, and who approved what', async () => {
    const url = storeUrlOf();
    const store = await audited(url);
    await store.slots.list();
    await store.encryptionKeys.list();
    await store.gc();
    await store.access.change([
      setRole('operator', [{ effect: 'allow', actions: ['collect', 'purge'] }]),
      setRole('second', [{ effect: 'allow', actions: ['approve'] }]),
      setRole('administrator', [{ effect: 'allow', actions: ['*'] }]),
      addPrincipal('boss', 'user'),
      addPrincipal('ops', 'user'),
      addPrincipal('other', 'user'),
      grantRole('boss', 'administrator'),
      grantRole('ops', 'operator'),
      grantRole('other', 'second'),
      setApprovals([{ actions: ['purge'] }]),
    ]);
    await store.store('a', '1');
    const session = await store.session({ token: (await store.access.createToken('ops')).token });
    const other = await store.session({ token: (await store.access.createToken('other')).token });
    await session.gc();
    await session.slots.list().catch(() => undefined);
    await session.purge('a').catch(() => undefined);
    const { id } = await session.approvals.request('purge', 'a');
    await session.approvals.approve(id).catch(() => undefined);
    await other.approvals.approve(id);
    await session.purge('a');
    await store.access.explain('ops', 'purge', 'a');
    await store.close();
    const entries = await entriesOf(await reopen(url));
    const administrative = entries.filter(({ action }) => !/^(key\.|root|unlock|session|write|audit.end)/.test(action));
    expect(administrative.map(shown)).toEqual([
      'audit.enable allowed [owner]',
      'slots.list allowed [owner]',
      'encryptionKeys.list allowed [owner]',
      'gc allowed [owner]',
      'access.change allowed [owner]',
      'access.createToken allowed [owner]',
      'access.createToken allowed [owner]',
      'gc allowed ops',
      'slots.list denied ops ACCESS_DENIED',
      'purge denied ops ACCESS_DENIED',
      'approvals.request allowed ops for purge',
      `approvals.approve denied ops ACCESS_DENIED: request ${id}`,
      `approvals.approve allowed other request ${id}: purge by ops`,
      'purge allowed ops',
      'access.explain allowed [owner]',
    ]);
  });

  test('records what is done with keys and slots', async () => {
    const url = storeUrlOf();
    const store = await audited(url);
    await store.store('a', 'one');
    await store.slots.add('a second passphrase, a long one');
    await store.close();
    const actions = (await entriesOf(await reopen(url))).map(({ action }) => action);
    expect(actions).toContain('slot.added');
    expect(actions).toContain('key.used');
  });

  // T-AUDIT-05
  test('shows the backend neither names nor values nor who it was', async () => {
    const url = storeUrlOf();
    const store = await audited(url, { audit: { clearKeys: ['**'] } });
    await store.store('canary/name', 'canary value', { metadata: { canary: 'metadata' } });
    await store.close();
    const path = url.slice('sqlite:'.length);
    new DatabaseSync(path).exec('PRAGMA wal_checkpoint(TRUNCATE)');
    const bytes = await readFile(path, 'latin1');
    expect(bytes).toMatch(/a\/[0-9a-v]{11}-[0-9a-v]{26}\/0{11}/);
    expect(bytes).not.toMatch(/canary|\[(?:root|owner)\]/);
    const later = await reopen(url);
    const entries = await entriesOf(later);
    expect(
      entries.some(({ object }) => object !== undefined && 'name' in object && object.name === 'canary/name'),
    ).toBe(true);
    expect(JSON.stringify(entries)).not.toMatch(/canary value|metadata/);
  });

  test('names objects by hashes that can be looked for', async () => {
    const url = storeUrlOf();
    const store = await audited(url);
    await store.store('canary/name', '1');
    const hash = Buffer.from(store.audit.hashOf('canary/name'));
    await store.close();
    const entries = await entriesOf(await reopen(url));
    expect(JSON.stringify(entries)).not.toContain('canary');
    const hashes = entries.flatMap(({ object }) => (object !== undefined && 'hash' in object ? [object.hash] : []));
    expect(hashes.filter((other) => hash.equals(other))).toHaveLength(1);
  });

  test('finds what the log has about an object, in whatever segment and form', async () => {
    const url = storeUrlOf();
    const first = await audited(url, { audit: { clearKeys: ['clear/**'] } });
    for (const key of ['a', 'clear/a', 'clear/sst_0123456789abcdef0123456789']) await first.store(key, '1');
    await first.close();
    // More segments than are looked at for the newest entries.
    for (let at = 0; at < 70; at++) {
      const store = await reopen(url);
      await store.has(at % 10 === 0 ? 'a' : 'b');
      await store.close();
    }
    const later = await reopen(url);
    const found = async (object: string, entries = 100): Promise<string[]> =>
      (await later.audit.entries({ object, entries })).map(({ action }) => action);
    expect(await found('a')).toEqual(['write', ...Array.from({ length: 7 }, () => 'list')]);
    expect(await found('a', 3)).toEqual(['list', 'list', 'list']);
    expect(await found('a', 0)).toEqual([]);
    expect(await found('b')).toHaveLength(63);
    for (const key of ['clear/a', 'clear/sst_0123456789abcdef0123456789']) expect(await found(key)).toEqual(['write']);
    for (const key of ['', 'c', 'clear', '*', 'not a key\u0000']) expect(await found(key)).toEqual([]);
    const times = (await later.audit.entries({ object: 'b', entries: 100 })).map(({ time }) => time);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  test('goes on with what comes about an object', async () => {
    const url = storeUrlOf();
    const store = await audited(url, { mode: 'fail-closed' });
    await store.store('a', '1');
    const stop = new AbortController();
    const seen: string[] = [];
    const following = (async () => {
      const watching = await reopen(url);
      for await (const { action } of watching.audit.tail({ object: 'a', follow: true, signal: stop.signal })) {
        seen.push(action);
      }
    })();
    await expect.poll(() => seen).toEqual(['write']);
    await store.retrieve('b').catch(() => undefined);
    await store.retrieve('a');
    await expect.poll(() => seen, { timeout: 60_000 }).toEqual(['write', 'read']);
    stop.abort();
    await following;
  });

  test('in fail-closed the entry is there before the answer', async () => {
    const url = storeUrlOf();
    const store = await audited(url, { mode: 'fail-closed' });
    const other = await reopen(url);
    await store.store('a', 'one');
    expect(attempts(await entriesOf(other))).toContain('write allowed [owner]');
  });

  test('in fail-closed what can not be recorded is not answered, and then not done', async () => {
    const url = storeUrlOf();
    let broken = false;
    const sink = functionSink('breakable', () => {
      if (broken) throw new Error('no room');
    });
    const store = await audited(url, { mode: 'fail-closed', audit: { sinks: [{ sink, timeout: 100 }] } });
    await store.store('a', 'one');
    broken = true;
    await expect(store.store('a', 'two')).rejects.toMatchObject({ code: 'UNAVAILABLE', outcome: 'unknown' });
    await expect(store.store('a', 'three')).rejects.toThrow(/Nothing was done\./);
    const other = await reopen(url);
    expect((await other.retrieve('a')).text()).toBe('two');
  });

  test('is audited in another process as soon as that follows the head', async () => {
    const url = storeUrlOf();
    const other = await createStore(url, { unlock, maintenance: false });
    onTestFinished(() => other.close());
    const store = await reopen(url);
    await store.audit.enable({ auditor: await recipientOf(auditor) });
    expect(other.audit.status.on).toBe(false);
    await other.access.policy();
    expect(other.audit.status.on).toBe(true);
    await other.store('a', '1');
    await other.close();
    expect(attempts(await entriesOf(store))).toContain('write allowed [owner]');
    await store.audit.disable();
    await store.store('b', '1');
    await store.close();
    expect(attempts(await entriesOf(await reopen(url))).filter((entry) => entry.startsWith('write'))).toHaveLength(1);
  });
});

/** Opens what is below a store, as somebody has it who has nothing but that. */
async function backendOf(url: string): Promise<StorageBackend> {
  const backend = new SqliteBackend();
  await backend.init({ url, options: {} });
  onTestFinished(() => backend.close());
  return backend;
}

/** The names of the parts of the log, the newest first. */
async function partsAt(backend: StorageBackend): Promise<string[]> {
  return (await backend.list('a/')).entries.map(({ key }) => key);
}

/** Changes one part, or takes it away, looks, and puts it back. */
async function during(
  backend: StorageBackend,
  name: string,
  body: Uint8Array | undefined,
  look: () => Promise<void>,
): Promise<void> {
  const before = (await backend.read(name))?.body ?? Buffer.of();
  if (body === undefined) await backend.delete(name);
  else await backend.write(name, body);
  await look();
  await backend.write(name, before);
}

async function withSegments(count: number): Promise<string> {
  const url = storeUrlOf();
  await (await audited(url)).close();
  for (let at = 0; at < count; at++) {
    const store = await reopen(url);
    await store.store(`k${at}`, 'x');
    await store.close();
  }
  return url;
}

describe('the log in a store', () => {
  test('each process begins a segment that names those before it', async () => {
    const url = await withSegments(5);
    const report = await verify(await reopen(url));
    expect(report).toMatchObject({ ok: true, findings: [], notes: [] });
    expect(report.segments).toHaveLength(6);
  });

  // T-AUDIT-02
  test('misses a segment that is deleted, or put in the place of another one, and names it', async () => {
    const url = await withSegments(4);
    const backend = await backendOf(url);
    const [newest = '', ...older] = await partsAt(backend);
    const other = (await backend.read(newest))?.body;
    expect(older).toHaveLength(4);
    for (const name of older) {
      const segment = name.split('-')[1]?.split('/')[0];
      await during(backend, name, undefined, async () => {
        const { findings } = await verify(await reopen(url));
        expect(findings).toMatchObject([{ kind: 'missing', segment }]);
      });
      await during(backend, name, other, async () => {
        const { findings } = await verify(await reopen(url));
        expect(findings.map(({ kind }) => kind)).toEqual(['edited', 'missing']);
      });
    }
    expect(await verify(await reopen(url))).toMatchObject({ ok: true });
  });

  // T-AUDIT-02
  test.each([
    ['of a time to come', 1e12],
    ['of now', 1000],
  ])('misses a segment that is deleted behind junk %s, and says that there was some', async (_, ahead) => {
    const url = storeUrlOf();
    await (await audited(url)).close();
    const backend = await backendOf(url);
    const junk = Array.from({ length: 12 }, () => auditName(auditPrefix(Date.now() + ahead, randomBytes(16)), 0));
    for (const name of junk) await backend.write(name, randomBytes(200));
    const store = await reopen(url);
    await store.store('a', '1');
    await store.close();
    const [yesterday = ''] = (await partsAt(backend)).filter((name) => !junk.includes(name));
    await (await reopen(url)).close();
    for (const name of [yesterday, ...junk]) await backend.delete(name);
    const later = await reopen(url);
    expect(await verify(later)).toMatchObject({ findings: [{ kind: 'missing', segment: yesterday.slice(14, 40) }] });
    expect((await entriesOf(later)).map(shown)).toContainEqual(expect.stringMatching(/^audit.lost .*12 of the newest/));
  });

  test('misses a segment that was written before the audit was switched off, also once it is on again', async () => {
    const url = storeUrlOf();
    await (await audited(url, { mode: 'fail-closed' })).close();
    const store = await reopen(url);
    await store.store('a', '1');
    await store.audit.disable();
    await store.close();
    const backend = await backendOf(url);
    const [newest = ''] = await partsAt(backend);
    for (const name of (await partsAt(backend)).filter((part) => part.startsWith(newest.slice(0, 41)))) {
      await backend.delete(name);
    }
    const later = await reopen(url);
    expect(later.audit.status.on).toBe(false);
    expect(await verify(later)).toMatchObject({ findings: [{ kind: 'missing' }] });
    await later.audit.enable({ auditor: await recipientOf(auditor) });
    expect(await verify(later)).toMatchObject({ findings: [{ kind: 'missing' }] });
  });

  // T-AUDIT-03
  test('misses even the newest segment against an anchor, and against the head once that was changed', async () => {
    const url = storeUrlOf();
    const anchor = memoryAnchor();
    await (await audited(url, { anchor })).close();
    const store = await reopen(url, { anchor });
    await store.store('a', '1');
    await store.close();
    const backend = await backendOf(url);
    const [newest = ''] = await partsAt(backend);
    await during(backend, newest, undefined, async () => {
      expect(await verify(await reopen(url, { anchor }))).toMatchObject({ findings: [{ kind: 'missing' }] });
      expect(await verify(await reopen(url))).toMatchObject({ findings: [] });
    });
    await (await reopen(url)).audit.enable({ auditor: await recipientOf(auditor), mode: 'fail-closed' });
    const later = await reopen(url);
    await later.store('b', '1');
    await later.list();
    await later.access.change(setRole('any', [{ effect: 'allow', actions: ['read'] }]));
    await later.close();
    const [last = ''] = await partsAt(backend);
    expect(last).not.toBe(newest);
    await during(backend, last, undefined, async () => {
      expect((await verify(await reopen(url))).ok).toBe(false);
    });
  });
});

describe('a member', () => {
  const mine = generateIdentity();

  async function withMember(areas: readonly 'audit'[]): Promise<{ url: string; open: () => Promise<SecureStore> }> {
    const url = storeUrlOf();
    const store = await createStore(url, { unlock, maintenance: false, categories: { pii: ['pii/**'] } });
    await store.audit.enable({ auditor: await recipientOf(auditor), mode: 'fail-closed' });
    await store.store('pii/a', 'one');
    const recipient = await recipientOf(mine);
    await store.members.add('ann', recipient, areas.length > 0 ? { areas } : { categories: ['pii'] });
    const { fingerprint } = store;
    await store.close();
    return { url, open: () => reopen(url, { unlock: identity(mine), fingerprint }) };
  }

  test('writes to no log, also where that is fail-closed, and may not look at it', async () => {
    const { url, open } = await withMember([]);
    const member = await open();
    expect((await member.retrieve('pii/a')).text()).toBe('one');
    await expect(entriesOf(member)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    await expect(verify(member)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    await member.close();
    const entries = await entriesOf(await reopen(url));
    expect(entries.filter(({ action }) => action === 'read')).toEqual([]);
  });

  test('with the group "audit" alone verifies the log, and reads no object', async () => {
    const { open } = await withMember(['audit']);
    const member = await open();
    expect(await verify(member)).toMatchObject({ ok: true, findings: [] });
    expect((await entriesOf(member)).length).toBeGreaterThan(3);
    await expect(member.retrieve('pii/a')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  });
});

test('what is damaged is left out where somebody is told of it, and an error where not', async () => {
  const url = await withSegments(3);
  const backend = await backendOf(url);
  const [, second = ''] = await partsAt(backend);
  const body = Buffer.from((await backend.read(second))?.body ?? '');
  body[100] = (body[100] ?? 0) ^ 1;
  await during(backend, second, body, async () => {
    const store = await reopen(url);
    await expect(entriesOf(store)).rejects.toMatchObject({ code: 'INTEGRITY' });
    await expect(Array.fromAsync(store.audit.lines())).rejects.toMatchObject({ code: 'INTEGRITY' });
    const damaged: string[] = [];
    const onDamaged = ({ name }: { readonly name: string }): void => void damaged.push(name);
    const entries = await store.audit.entries({ entries: 1000, onDamaged });
    const lines = await Array.fromAsync(store.audit.lines({ onDamaged }));
    expect(damaged).toEqual([second, second]);
    expect(entries.length).toBeGreaterThan(3);
    expect(lines.length).toBeGreaterThan(entries.length);
  });
});

test('a store that can not be written any more can be looked into, and says why nothing else goes', async () => {
  const url = storeUrlOf();
  await (await audited(url, { mode: 'fail-closed' })).close();
  const backend = await backendOf(url);
  const readOnly = new Proxy(backend, {
    get(target, property) {
      if (property === 'write' || property === 'batch') {
        return () => Promise.reject(new SecureStoreError('READ_ONLY', 'the file system is mounted read-only'));
      }
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const warnings: string[] = [];
  const warn = (_: object, message: string): void => void warnings.push(message);
  const logger = { debug: () => {}, info: () => {}, warn, error: warn };
  const store = await reopen(url, { backend: readOnly, logger });
  const withheld = await store.has('a').catch((error: unknown) => error);
  expect(withheld).toMatchObject({ code: 'READ_ONLY', message: expect.stringContaining('the result is withheld') });
  expect(withheld).not.toHaveProperty('outcome', 'unknown');
  await expect(store.has('a')).rejects.toThrow(/Nothing was done\./);
  expect(await verify(store)).toMatchObject({ ok: true });
  await store.close();
  expect(warnings).toEqual(
    expect.arrayContaining([expect.stringContaining('accepts no entries (failing, READ_ONLY)')]),
  );
  expect(warnings).toEqual(expect.arrayContaining([expect.stringContaining('has lost entries')]));
});

test.runIf(LONG)(
  onlyLong('a server that began before many short runs is seen, and followed, by its newest entries'),
  async () => {
    const url = storeUrlOf();
    const server = await audited(url, { mode: 'fail-closed' });
    // More segments than a page of the console has entries.
    for (let at = 0; at < 70; at++) {
      const short = await reopen(url);
      await short.has('a');
      await short.close();
    }
    await server.store('b', '1');
    const watching = await reopen(url);
    // Looking at the log is in it, too.
    const newest = await watching.audit.entries({ entries: 5 });
    expect(newest.map(shown)).toContain('write allowed [owner]');
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const { action } of watching.audit.tail({ entries: 1, follow: true, signal: stop.signal })) {
      if (seen.push(action) === 1) await server.delete('b');
      if (action === 'delete' || seen.length > 20) stop.abort();
    }
    expect(seen).toContain('delete');
  },
);
