import { randomUUID } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryBackend } from '@securestore/backend-memory';
import { AuditTrail } from '@securestore/audit';
import { serve } from '@securestore/server';
import type { Action, RemoteStore, Rule, SecureStore, TailCut } from 'securestore';
import {
  addPrincipal,
  createStore,
  generateIdentity,
  grantRole,
  identity,
  keyFile,
  openStore,
  rawKey,
  recipientOf,
  removePrincipal,
  setApprovals,
  setRole,
} from 'securestore';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';

const SECRET = new Uint8Array(32).fill(7);
const DENIED = expect.objectContaining({ code: 'ACCESS_DENIED' });
const MIB = 1024 * 1024;

interface Scene {
  readonly store: SecureStore;
  readonly url: string;
  /** The store as somebody with these actions has it. */
  readonly as: (name: string, ...actions: Action[]) => Promise<RemoteStore>;
  readonly everything: RemoteStore;
}

/** A folder for backups that can go away. */
function leavingPlace(): { readonly url: string; readonly leave: () => void; readonly comeBack: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-away-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [there, elsewhere] = [join(folder, 'backup'), join(folder, 'unmounted')];
  return {
    url: `file:${there}`,
    leave: () => renameSync(there, elsewhere),
    comeBack() {
      rmSync(there, { recursive: true, force: true });
      renameSync(elsewhere, there);
    },
  };
}

async function scene(): Promise<Scene> {
  const clock = new EagerClock();
  const backend = new MemoryBackend({ clock: () => clock.now() });
  const store = await createStore(`memory:${randomUUID()}`, {
    unlock: rawKey(SECRET),
    clock,
    backend,
    maintenance: false,
  });
  onTestFinished(() => store.close());
  const server = await serve(store, { port: 0, clock });
  onTestFinished(() => server.close());
  const open = async (name: string, rules: readonly Rule[]): Promise<RemoteStore> => {
    await store.access.change([
      setRole(`of ${name}`, rules),
      addPrincipal(name, 'user'),
      grantRole(name, `of ${name}`),
    ]);
    const { token } = await store.access.createToken(name);
    const remote = await openStore(server.url, { credentials: { token }, fingerprint: store.fingerprint });
    onTestFinished(() => remote.close());
    return remote;
  };
  const everything = await open('root', [{ effect: 'allow', actions: ['*'] }]);
  return { store, url: server.url, as: (name, ...actions) => open(name, [{ effect: 'allow', actions }]), everything };
}

describe('administration over a server', () => {
  it('tells what the store itself does, times and all', async () => {
    const { store, everything: remote } = await scene();
    await store.store('db/user', 'ops');
    await store.audit.enable({ auditor: await recipientOf(generateIdentity()), mode: 'fail-closed' });
    expect(await remote.slots.list()).toEqual(await store.slots.list());
    expect(await remote.encryptionKeys.list()).toEqual(await store.encryptionKeys.list());
    expect(await remote.encryptionKeys.usage()).toEqual(await store.encryptionKeys.usage());
    expect(await remote.access.policy()).toEqual(await store.access.policy());
    expect(await remote.access.tokens()).toEqual(await store.access.tokens());
    expect(await remote.access.explain('root', 'read', 'db/user')).toEqual(
      await store.access.explain('root', 'read', 'db/user'),
    );
    expect(await remote.audit.state()).toEqual(await store.audit.state());
    expect(await remote.members.list()).toEqual([]);
    expect(await remote.jobs.list()).toEqual([]);
    expect(await remote.backups.destinations()).toEqual([]);
    expect((await remote.verify({ payloads: true })).ok).toBe(true);
    expect((await remote.health()).status).toBe('ok');
    const [newest] = await remote.audit.entries({ entries: 1 });
    expect(newest).toEqual(
      (await store.audit.entries({ entries: 50 })).find((entry) => entry.sequence === newest?.sequence),
    );
    await expect(remote.audit.verify({ auditor: identity(generateIdentity()) })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
    });
  });

  it('changes settings as the store itself does', async () => {
    const { store, everything: remote } = await scene();
    const { version } = await remote.settings.get();
    const changed = await remote.settings.change({ history: { days: 90 } }, { ifVersion: version });
    expect(changed).toEqual(await store.settings.get());
    expect(changed.history.days).toBe(90);
    const late = remote.settings.change({ rotation: { days: 1 } }, { ifVersion: version });
    await expect(late).rejects.toMatchObject({ code: 'CONFLICT', currentVersion: changed.version });
    await expect(remote.settings.change({ names: 'plain' } as object)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    await expect(remote.settings.change({ categories: { a: ['a//b'] } })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  it('follows the audit log, which is one attempt in it, until that is ended', async () => {
    const { store, everything: remote, as } = await scene();
    await store.audit.enable({ auditor: await recipientOf(generateIdentity()), mode: 'fail-closed' });
    const [before] = await Array.fromAsync(remote.audit.tail({ entries: 1 }));
    expect(before).toMatchObject({ sequence: expect.any(Number) });
    const ended = new AbortController();
    const seen: string[] = [];
    for await (const entry of remote.audit.tail({ follow: true, entries: 1, signal: ended.signal })) {
      seen.push(`${entry.action} ${entry.principal}`);
      expect(entry).toEqual(
        (await store.audit.entries({ entries: 500 })).find(
          ({ segment, sequence }) => segment === entry.segment && sequence === entry.sequence,
        ),
      );
      if (seen.length === 1) await store.store('k', 'x');
      if (seen.includes('write [owner]')) ended.abort();
    }
    const all = await store.audit.entries({ entries: 500 });
    expect(all.filter(({ action, principal }) => action === 'audit.tail' && principal === 'root')).toHaveLength(1);
    await expect((await as('ben', 'read')).audit.tail({ follow: true }).next()).rejects.toEqual(DENIED);
    const late = remote.audit.tail({ follow: true, object: 'never', timeout: 100 }).next();
    await expect(late).rejects.toMatchObject({ code: 'TIMEOUT' });
    await expect(remote.audit.tail({ onDamaged: () => {} }).next()).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('is told what the newest entries of the audit log leave out, at once and as they come', async () => {
    const { store, everything: remote } = await scene();
    await store.audit.enable({ auditor: await recipientOf(generateIdentity()), mode: 'fail-closed' });
    await store.store('k', 'x');
    const known = await store.audit.entries();
    const cut = { message: 'older ones may be missing' };
    const spies = [
      vi.spyOn(AuditTrail.prototype, 'entries').mockImplementation(async (options) => {
        options?.onCut?.(cut);
        return [];
      }),
      vi.spyOn(AuditTrail.prototype, 'tail').mockImplementation(async function* cutTail(options) {
        options?.onCut?.(cut);
        yield* known;
      }),
    ];
    onTestFinished(() => spies.forEach((spy) => spy.mockRestore()));
    const told: string[] = [];
    const onCut = ({ message }: TailCut): void => void told.push(message);
    await remote.audit.entries({ onCut });
    expect(told).toEqual([cut.message]);
    const ended = new AbortController();
    for await (const entry of remote.audit.tail({ follow: true, onCut, signal: ended.signal })) {
      expect(entry.action).not.toBe(undefined);
      ended.abort();
    }
    expect(told).toEqual([cut.message, cut.message]);
  });

  it('follows the audit log no longer than that may be seen', async () => {
    const { store, as } = await scene();
    await store.audit.enable({ auditor: await recipientOf(generateIdentity()), mode: 'fail-closed' });
    const ann = await as('ann', 'audit.view');
    const steps = ann.audit.tail({ follow: true, entries: 1 });
    expect(await steps.next()).toMatchObject({ done: false });
    const ending = steps.next().then(async ({ done }) => (done === true ? undefined : Array.fromAsync(steps)));
    for (const { id, principal } of await store.access.tokens()) {
      if (principal === 'ann') await store.access.revokeToken(id);
    }
    await store.store('k', 'x');
    await expect(ending).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('changes what the store itself does', async () => {
    const { store, everything: remote } = await scene();
    const { id } = await remote.slots.add('correct horse battery staple');
    expect((await store.slots.list()).map(({ method }) => method)).toEqual(['rawKey', 'passphrase']);
    await remote.slots.remove(id);
    const recipient = await recipientOf(generateIdentity());
    expect(await remote.slots.add({ recipient })).toMatchObject({ recipient, created: expect.any(Date) });
    const member = await recipientOf(generateIdentity());
    expect(await remote.members.add('bob', member, { categories: ['default'] })).toMatchObject({
      name: 'bob',
      added: expect.any(Date),
    });
    await remote.members.revoke('bob');
    expect(await store.members.list()).toEqual([]);
    const { token, id: tokenId } = await remote.access.createToken('root', { expires: new Date(Date.UTC(2030, 0)) });
    expect(token).toMatch(/^sst_/);
    await remote.access.revokeToken(tokenId);
    await expect(remote.access.revokeToken(tokenId)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      operation: 'access.revokeToken',
    });
    await remote.audit.enable({ auditor: recipient });
    expect(store.audit.status.on).toBe(true);
    await remote.audit.disable();
    expect(store.audit.status.on).toBe(false);
  });

  it('has jobs with an id, progress and a report', async () => {
    const { store, everything: remote } = await scene();
    await store.storeMany(Array.from({ length: 50 }, (_, n) => ({ key: `k/${n}`, data: 'x' })));
    const next = new Uint8Array(32).fill(8);
    const jobs = [
      ['rotation', remote.rotateEncryptionKey(SECRET, next, { depth: 'keys' })],
      ['checkpoint', remote.checkpoint()],
      ['collection', remote.gc()],
      ['scrub', remote.scrub({ payloads: true })],
    ] as const;
    // Those that were begun beside the rotation may have met it.
    const ended = Promise.allSettled(jobs.map(([, job]) => job));
    for (const [id, job] of jobs.slice(0, 1)) {
      const phases = await Array.fromAsync(job.progress, ({ phase }) => phase);
      expect(phases.length).toBeGreaterThan(0);
      expect(await job).toMatchObject({ depth: 'keys' });
      expect(job.id).toBe(id);
    }
    await ended;
    expect(await remote.checkpoint()).toMatchObject({ time: expect.any(Date) });
    expect(await remote.scrub()).toMatchObject({ ok: true, started: expect.any(Date) });
    expect((await store.slots.list()).map(({ method }) => method)).toEqual(['rawKey']);
    await expect(remote.rotateEncryptionKey(SECRET, next)).rejects.toMatchObject({ code: 'UNLOCK_FAILED' });
    await expect(remote.jobs.resume('rotation')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('does not begin what is not allowed', async () => {
    const { store, as } = await scene();
    const remote = await as('carol', 'collect');
    const denied = remote.checkpoint();
    expect(await Array.fromAsync(denied.progress)).toEqual([]);
    await expect(denied).rejects.toEqual(DENIED);
    expect(await remote.gc()).toMatchObject({ failed: 0 });
    await expect(remote.backup('memory:x')).rejects.toEqual(DENIED);
    await expect(remote.jobs.list()).rejects.toEqual(DENIED);
    await expect(remote.access.change(addPrincipal('mallory', 'user'))).rejects.toEqual(DENIED);
    expect(await store.jobs.list()).toEqual([]);
  });

  it('lets whoever has started a job stop it, and go on with it', async () => {
    const { store, as } = await scene();
    const remote = await as('carol', 'rotate');
    await store.storeMany(Array.from({ length: 40 }, (_, n) => ({ key: `k/${n}`, data: 'x' })));
    const job = remote.rotateEncryptionKey(SECRET, SECRET, { depth: 'data' });
    const steps = job.progress[Symbol.asyncIterator]();
    await steps.next();
    job.cancel();
    const ended = await job.then(
      () => 'done',
      (error: { code: string }) => error.code,
    );
    // It may have been done before it heard of that.
    expect(['ABORTED', 'done']).toContain(ended);
    if (ended === 'ABORTED') {
      expect(await store.jobs.list()).toMatchObject([{ id: 'rotation', state: 'interrupted' }]);
      const officer = await as('dave', 'jobs');
      expect(await officer.jobs.resume('rotation')).toMatchObject({ depth: 'data' });
    }
    expect(await store.jobs.list()).toEqual([]);
    await expect(remote.jobs.cancel('rotation')).rejects.toEqual(DENIED);
  });

  it('backs up, looks at it, and restores', async () => {
    const { store, everything: remote } = await scene();
    const away = leavingPlace();
    const at = `memory:${randomUUID()}`;
    await store.store('db/user', 'before');
    await store.store('large', Buffer.alloc(3 * MIB, 1));
    expect(await remote.backup(at, { label: 'first' })).toMatchObject({
      number: 1,
      failed: [],
      time: expect.any(Date),
    });
    expect(await remote.backups.list(at)).toEqual(await store.backups.list(at));
    expect(await remote.backups.windows(at)).toEqual(await store.backups.windows(at));
    expect((await remote.backups.verify(at, { depth: 'opens' })).ok).toBe(true);
    expect(await remote.backups.drill(at)).toMatchObject({ receipt: expect.anything() });
    await store.store('db/user', 'after');
    await expect(remote.restore(at, { prefix: 'db/' })).rejects.toMatchObject({ code: 'CONFLICT' });
    const report = await remote.restore(at, { prefix: 'db/', conflict: 'overwrite', snapshot: 1 });
    expect(report).toMatchObject({ replaced: 1, time: expect.any(Date) });
    expect((await store.retrieve('db/user')).text()).toBe('before');
    const made = await remote.backups.restoreStore(at, `memory:${randomUUID()}`);
    expect(made.access).toMatchObject({ time: expect.any(Date), policy: { time: expect.any(Date), source: 'store' } });
    await store.access.change(addPrincipal('gone', 'service'));
    const { id } = await remote.access.createToken('gone');
    expect(await remote.access.revokeToken(id)).toEqual({ pending: [] });
    await store.backups.unregister(at);
    await store.backup(away.url);
    away.leave();
    expect(await remote.access.change(removePrincipal('gone'))).toEqual({ pending: [away.url] });
    away.comeBack();
    await store.backups.unregister(away.url);
    await store.backup(at);
    await remote.backups.setRetention(at, { last: 1 });
    expect(await remote.backups.destinations()).toMatchObject([{ retention: { last: 1 } }]);
    await remote.schedules.add({ id: 'nightly', cron: '0 3 * * *', destination: at, task: 'backup' });
    expect(await remote.schedules.list()).toEqual(await store.schedules.list());
    await remote.schedules.remove('nightly');
    expect(await store.schedules.list()).toEqual([]);
    await remote.backups.unregister(at);
    expect(await store.backups.destinations()).toEqual([]);
  });

  it('changes the policy by whatever function, beside others', async () => {
    const { store, as, everything } = await scene();
    const others = await Promise.all(['a', 'b', 'c'].map((name) => as(name, 'access.view', 'access.change')));
    await Promise.all(others.map((remote, at) => remote.access.change(addPrincipal(`new ${at}`, 'service'))));
    const names = (await store.access.policy()).principals.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['new 0', 'new 1', 'new 2']));
    // Who is removed is somebody else afterwards, in one change too.
    await store.access.createToken('new 0');
    const before = (await store.access.tokens()).length;
    await everything.access.change([removePrincipal('new 0'), addPrincipal('new 0', 'service')]);
    expect(await store.access.tokens()).toHaveLength(before - 1);
    await expect(everything.access.change(grantRole('nobody', 'none'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(everything.access.change((policy) => ({ ...policy, principals: [] }))).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    await everything.access.change([]);
  });

  it('takes a second person', async () => {
    const { store, as } = await scene();
    await store.store('db/user', 'ops');
    await store.access.change(setApprovals([{ actions: ['purge'] }]));
    const alice = await as('alice', 'purge');
    const bob = await as('bob', 'approve');
    await expect(alice.purge('db/user')).rejects.toEqual(DENIED);
    const { id } = await alice.approvals.request('purge', 'db/user', { reason: 'the customer has left' });
    await expect(alice.approvals.approve(id)).rejects.toEqual(DENIED);
    expect(await bob.approvals.list()).toMatchObject([{ id, principal: 'alice', key: 'db/user' }]);
    expect(await bob.approvals.approve(id)).toMatchObject({ state: 'approved', by: 'bob' });
    expect(await alice.purge('db/user')).toBe(true);
    const other = await alice.approvals.request('purge', 'db/user');
    expect(await bob.approvals.deny(other.id)).toMatchObject({ state: 'denied' });
  });

  it('does what was approved of a restore and of a policy, and nothing else', async () => {
    const { store, as } = await scene();
    const destination = `memory:${randomUUID()}`;
    await store.store('db/user', 'then');
    await store.backup(destination);
    await store.store('db/user', 'now');
    await store.access.change(setApprovals([{ actions: ['restore.replace', 'access.change'] }]));
    const alice = await as('alice', 'restore', 'restore.replace', 'access.change', 'access.view', 'list');
    const bob = await as('bob', 'approve');
    const over = { prefix: 'db/', conflict: 'overwrite' } as const;
    const operation = { call: 'restore', about: { destination, ...over } } as const;
    const asked = await alice.approvals.request('restore.replace', undefined, { operation });
    expect(asked.plan).toMatchObject({ replaces: 1, objects: [{ key: 'db/user', effect: 'replace' }] });
    expect((await bob.approvals.list())[0]?.plan).toMatchObject({ replaces: 1, unnamed: 1 });
    await bob.approvals.approve(asked.id);
    await store.store('db/user', 'changed');
    await expect(Promise.resolve(alice.restore(destination, over))).rejects.toEqual(DENIED);
    await bob.approvals.approve((await alice.approvals.request('restore.replace', undefined, { operation })).id);
    expect(await alice.restore(destination, over)).toMatchObject({ replaced: 1 });
    expect((await store.retrieve('db/user')).text()).toBe('then');

    const policies = [addPrincipal('eve', 'user')(await alice.access.policy())];
    const change = { call: 'access.change', about: { policies } } as const;
    await bob.approvals.approve((await alice.approvals.request('access.change', undefined, { operation: change })).id);
    await expect(alice.access.change(addPrincipal('mallory', 'user'))).rejects.toEqual(DENIED);
    await alice.access.change(addPrincipal('eve', 'user'));
    expect((await store.access.policy()).principals.map(({ name }) => name)).toContain('eve');
  });

  it('shows an approver what a call is given as it is given, also under names that times have elsewhere', async () => {
    const { store, as } = await scene();
    const destination = `memory:${randomUUID()}`;
    await store.backup(destination);
    await store.access.change(setApprovals([{ actions: ['backup.manage'] }]));
    const alice = await as('alice', 'restore', 'backup.manage');
    const bob = await as('bob', 'approve');
    const about = { destination, to: 'sqlite:./elsewhere.db' };
    await alice.approvals.request('backup.manage', undefined, { operation: { call: 'backups.restoreStore', about } });
    expect((await bob.approvals.list())[0]?.plan).toMatchObject({ about });
  });

  it('keeps the conditions of a purge, and of what is made current again', async () => {
    const { store, everything: remote } = await scene();
    const { version } = await store.store('k', 'one');
    await store.store('k', 'two');
    const conflict = { code: 'CONFLICT' };
    await expect(remote.purge('k', { ifVersion: version })).rejects.toMatchObject(conflict);
    await expect(remote.purge('k', { ifDamaged: true })).rejects.toMatchObject(conflict);
    await expect(remote.restoreVersion('k', version, { ifAbsent: true })).rejects.toMatchObject(conflict);
    await store.delete('k');
    await remote.restoreVersion('k', version, { ifAbsent: true });
    expect(await remote.purge('k', { ifVersion: (await store.info('k')).version })).toBe(true);
  });

  it('refuses what cannot be sent', async () => {
    const { everything: remote } = await scene();
    const unsupported = { code: 'UNSUPPORTED' };
    await expect(remote.slots.add(keyFile('none'))).rejects.toMatchObject(unsupported);
    await expect((async () => remote.rotateEncryptionKey(rawKey(SECRET), SECRET))()).rejects.toMatchObject(unsupported);
    await expect((async () => remote.scrub({ repair: async () => undefined as never }))()).rejects.toMatchObject(
      unsupported,
    );
    await expect((async () => remote.restore('memory:x', { onObject: () => undefined }))()).rejects.toMatchObject(
      unsupported,
    );
    const invalid = { code: 'INVALID_ARGUMENT' };
    await expect(remote.slots.list({ nonsense: 1 } as object)).rejects.toMatchObject(invalid);
    await expect(remote.checkpoint({ nonsense: 1 } as object)).rejects.toMatchObject(invalid);
    await expect(remote.encryptionKeys.destroy('')).rejects.toMatchObject(invalid);
  });
});
