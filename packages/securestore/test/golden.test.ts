import { randomUUID } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import type { StorageBackend } from '@securestore/backend-api';
import { MemoryBackend } from '@securestore/backend-memory';
import { SqliteBackend } from '@securestore/backend-sqlite';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FakeClock } from '../../jobs/test/support/clock.ts';
import type { AuditedGolden } from '../../../tools/golden/src/audited.ts';
import { OTHERS, plain } from '../../../tools/golden/src/audited.ts';
import { contentsOf } from '../../../tools/golden/src/contents.ts';
import type { AuditReport, OpenOptions, SecureStore } from '../src/index.ts';
import { generateIdentity, identity, openStore, rawKey } from '../src/index.ts';
import { storeUrlOf } from './support/audits.ts';

// Stores that earlier releases have made. None is ever made again or removed: see golden/README.md.
const folder = new URL('golden/', import.meta.url);
const files = globSync('*/*.json', { cwd: folder }).toSorted();

const BACKENDS: Readonly<Record<string, () => { url: string; backend: StorageBackend }>> = {
  memory: () => ({ url: `memory:${randomUUID()}`, backend: new MemoryBackend() }),
  sqlite: () => ({ url: storeUrlOf(), backend: new SqliteBackend() }),
};

test('there are golden stores with members, a policy and an audit log, for both suites', () => {
  expect(files).toEqual(expect.arrayContaining(['format-1-audited/suite-1.json', 'format-1-audited/suite-2.json']));
});

describe.each(files)('%s', (file) => {
  const golden = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as AuditedGolden;
  const { fingerprint, identities } = golden;
  const owner = (): Partial<OpenOptions> => ({ unlock: rawKey(Buffer.from(golden.unlock, 'base64')) });
  const member = (name: keyof typeof identities): Partial<OpenOptions> => ({
    unlock: identity(identities[name]),
    fingerprint,
  });

  /** Puts it back, without what is left out. @returns what opens it */
  async function putBack(
    where = 'memory',
    isLeftOut: (name: string) => boolean = () => false,
  ): Promise<(options: Partial<OpenOptions>) => Promise<SecureStore>> {
    const { url, backend } = BACKENDS[where]?.() ?? {};
    if (url === undefined || backend === undefined) throw new Error(`there is no backend ${where}`);
    await backend.init({ url, options: {} });
    // What lies in memory does so as long as somebody has it open.
    onTestFinished(() => backend.close());
    for (const [name, body] of Object.entries(golden.objects)) {
      if (!isLeftOut(name)) await backend.write(name, Buffer.from(body, 'base64'));
    }
    return async (options) => {
      const store = await openStore(url, {
        unlock: rawKey(Buffer.alloc(32)),
        maintenance: false,
        anchor: false,
        ...options,
      });
      onTestFinished(() => store.close());
      return store;
    };
  }

  const verify = (store: SecureStore, by = identities.auditor): Promise<AuditReport> =>
    store.audit.verify({ auditor: identity(by) });

  /** What of a log was there when the store was made: whoever looks at it is in it, too. */
  async function oldEntries(store: SecureStore): Promise<unknown[]> {
    const segments = new Set((golden.log.segments as { readonly segment: string }[]).map(({ segment }) => segment));
    const entries = await store.audit.entries({ entries: 100_000 });
    return plain(entries.filter(({ segment }) => segments.has(segment))) as unknown[];
  }

  test('has in it what it is there for', () => {
    const { log, access, owner: seen, ann, members } = golden;
    const entries = log.entries as { action: string; outcome: string; object?: object }[];
    expect(new Set(entries.map(({ outcome }) => outcome))).toEqual(new Set(['allowed', 'denied', 'failed']));
    for (const kind of ['hash', 'name']) expect(entries.some(({ object }) => object && kind in object)).toBe(true);
    const actions = ['audit.enable', 'session', 'purge', 'approvals.request', 'member.revoked', 'key.disabled'];
    expect(entries.map(({ action }) => action)).toEqual(expect.arrayContaining(actions));
    const ended = (log.segments as { ended: boolean }[]).filter((segment) => segment.ended);
    expect([log.segments.length, ended.length]).toEqual([4, 3]);
    expect(access).toMatchObject({ requests: [{ principal: 'robot', state: 'waiting' }], tokens: [{}] });
    expect(members).toMatchObject([{ name: 'ann' }, { name: 'watch' }]);
    expect(Object.keys(seen.objects)).toEqual(ann.names);
    expect(Object.values(ann.values)).toEqual(expect.arrayContaining(['ACCESS_DENIED', 'written by a member']));
  });

  describe.each(Object.keys(BACKENDS))('in %s', (where) => {
    test('opens for its owner with every object and member, and its whole log, which verifies', async () => {
      const open = await putBack(where);
      const store = await open(owner());
      expect(store.fingerprint).toBe(fingerprint);
      // Later releases may tell more.
      expect(await contentsOf(store, OTHERS)).toMatchObject(golden.owner);
      // Areas were called groups when the first golden stores were described.
      const members = (golden.members as { readonly groups?: unknown }[]).map(({ groups, ...more }) => ({
        ...(groups !== undefined && { areas: groups }),
        ...more,
      }));
      expect(plain(await store.members.list())).toMatchObject(members);
      expect(await oldEntries(store)).toMatchObject(golden.log.entries);
      expect(await store.verify({ payloads: true })).toMatchObject({ ok: true, findings: [] });
      const report = await verify(store);
      expect(report).toMatchObject({ ok: true, findings: [] });
      expect(plain(report.segments)).toEqual(expect.arrayContaining([...golden.log.segments]));
      const hash = Buffer.from(store.audit.hashOf('tokens/api')).toString('base64');
      const named = (golden.log.entries as { object?: { hash?: string } }[]).filter(
        ({ object }) => object?.hash === hash,
      );
      expect(named.length).toBeGreaterThan(3);
    });

    test('opens for a member with what was granted, and for nobody whose membership was revoked', async () => {
      const open = await putBack(where);
      const ann = await open(member('ann'));
      expect(await ann.list()).toEqual(golden.ann.names);
      for (const [name, value] of Object.entries(golden.ann.values)) {
        const found = await ann.retrieve(name).catch((error: { readonly code: string }) => error.code);
        expect(typeof found === 'string' ? found : found.text(), name).toBe(value);
      }
      await ann.store('tokens/by-ann', 'again');
      expect((await (await open(owner())).retrieve('tokens/by-ann')).text()).toBe('again');
      await expect(verify(ann)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
      await expect(open(member('gone'))).rejects.toMatchObject({ code: 'UNLOCK_FAILED' });
    });

    test('shows its log to the member who watches, and to no auditor but its own', async () => {
      const open = await putBack(where);
      const watch = await open(member('watch'));
      expect(await oldEntries(watch)).toMatchObject(golden.log.entries);
      const report = await verify(watch);
      expect(report).toMatchObject({ ok: true, findings: [] });
      expect(report.notes).toContainEqual(expect.stringContaining('has no end'));
      const other = await verify(watch, generateIdentity().toString('latin1'));
      expect(other.findings.map(({ kind }) => kind)).toContain('unverifiable');
      await expect(watch.retrieve('tokens/api')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    });
  });

  test('has its policy, its API tokens and its requests for approval', async () => {
    const open = await putBack();
    const clock = new FakeClock();
    clock.wall = golden.made;
    // Nothing is written: this clock and that of the backend are too far apart.
    const store = await open({ ...owner(), clock });
    expect(plain(await store.access.policy())).toEqual(golden.access.policy);
    expect(plain(await store.access.tokens())).toMatchObject(golden.access.tokens as object);
    expect(plain(await store.access.requests())).toMatchObject(golden.access.requests as object);
    expect(await store.access.explain('robot', 'read', 'private/a')).toMatchObject({ allowed: false });
    await expect(store.session({ token: golden.tokens.revoked })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    const robot = await store.session({ token: golden.tokens.good });
    expect(robot.principal).toBe('robot');
    expect((await robot.retrieve('tokens/api')).text()).toBe('third');
    await expect(robot.retrieve('private/a')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    await expect(robot.purge('public/motd')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  });

  test('misses each of its segments', async () => {
    const parts = Object.keys(golden.objects).filter((name) => name.startsWith('a/'));
    const segments = new Set(parts.map((name) => name.split('/')[1] ?? ''));
    expect(segments.size).toBe(golden.log.segments.length);
    for (const prefix of segments) {
      const open = await putBack('memory', (name) => name.startsWith(`a/${prefix}/`));
      const report = await verify(await open(owner()));
      const isNewest = prefix === [...segments].toSorted()[0];
      // That the newest one was removed shows by nothing but an anchor.
      if (!isNewest) expect(report.findings, prefix).toMatchObject([{ kind: 'missing', segment: prefix.slice(12) }]);
    }
  });
});
