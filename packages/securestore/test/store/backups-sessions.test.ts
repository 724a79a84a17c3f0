import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MemoryBackend } from '@securestore/backend-memory';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Rule, SecureStorage, Session } from '../../src/index.ts';
import {
  addPrincipal,
  generateIdentity,
  grantRole,
  identity,
  listSnapshots,
  openStore,
  readReceipt,
  readRestoreReceipt,
  readSnapshot,
  recipientOf,
  restoreStore,
  setApprovals,
  setRole,
  templateRules,
  verifyBackup,
} from '../../src/index.ts';
import { as, unlock } from '../support/access-world.ts';
import { backedUp, BackupWorld, LARGE } from '../support/backup-world.ts';

const DENIED = expect.objectContaining({ code: 'ACCESS_DENIED' });

async function scene(people: Readonly<Record<string, readonly Rule[]>>) {
  const world = new BackupWorld();
  const store = await world.furnished();
  await store.access.change(
    Object.entries(people).flatMap(([name, rules]) => [
      setRole(`role of ${name}`, rules),
      addPrincipal(name, 'user'),
      grantRole(name, `role of ${name}`),
    ]),
  );
  const sessions: Record<string, Session> = {};
  for (const name of Object.keys(people)) sessions[name] = await as(store, name);
  const session = (name: string): Session => sessions[name] ?? expect.unreachable();
  return { world, store, session };
}

describe('somebody whose role is', () => {
  // T-BACKUP-08
  test('backup-operator makes and looks through backups, and sees and restores no object', async () => {
    const { world, store, session } = await scene({ ann: templateRules('backup-operator') });
    const ann = session('ann');
    await store.backups.register(world.backup);
    expect(await ann.backup(world.backup, { label: 'by ann' })).toMatchObject({ number: 1, failed: [] });
    expect(await ann.backups.list(world.backup)).toMatchObject([{ label: 'by ann' }]);
    expect(await ann.backups.verify(world.backup)).toMatchObject({ ok: true });
    expect(await ann.backups.destinations()).toHaveLength(1);
    await expect(ann.retrieve('db/a')).rejects.toEqual(DENIED);
    expect(await ann.list()).toEqual([]);
    await expect(ann.restore(world.backup, { prefix: 'db/', dryRun: true })).rejects.toEqual(DENIED);
    await expect(ann.backups.endRestore()).rejects.toEqual(DENIED);
    expect(ann.backups).not.toHaveProperty('read');
  });

  test('recovery-officer restores, and neither reads nor backs up', async () => {
    const { world, store, session } = await scene({ rob: templateRules('recovery-officer') });
    const rob = session('rob');
    await expect(rob.backup(world.backup)).rejects.toEqual(DENIED);
    await store.backup(world.backup);
    await store.delete('db/b');
    expect(await rob.restore(world.backup, { prefix: 'db/' })).toMatchObject({ created: 1, unchanged: 1 });
    expect((await store.retrieve('db/b')).text()).toBe('b');
    await expect(rob.retrieve('db/b')).rejects.toEqual(DENIED);
    await expect(rob.backups.list(world.backup)).rejects.toEqual(DENIED);
  });

  test('recovery-officer and viewer see what was there, as far as they may, and nobody says that they may see more', async () => {
    const view = { effect: 'allow', actions: ['backup.view'] } as const;
    const some = { effect: 'allow', actions: ['list', 'history'], keys: ['db/a'] } as const;
    const { world, store, session } = await scene({
      rob: templateRules('recovery-officer'),
      vic: [view, some],
      eve: templateRules('reader'),
    });
    await store.backup(world.backup);
    const at = { destination: world.backup, snapshot: 1 };
    const [rob, vic, eve] = [session('rob'), session('vic'), session('eve')];
    expect(await rob.recoveryPoints.timeline(world.backup)).toMatchObject({ snapshots: [{ number: 1 }] });
    const names = async (points: Session['recoveryPoints'], ...more: readonly unknown[]): Promise<string[]> => {
      const browse = points.browse as (...given: readonly unknown[]) => ReturnType<Session['recoveryPoints']['browse']>;
      return (await browse({ ...at, prefix: 'db/' }, ...more)).entries.map(({ key }) => key);
    };
    expect(await names(rob.recoveryPoints)).toContain('db/b');
    expect(await names(vic.recoveryPoints)).toEqual(['db/a']);
    // What a session is told of who may see what, it says itself.
    expect(await names(vic.recoveryPoints, () => true)).toEqual(['db/a']);
    await expect(rob.recoveryPoints.retrieveStream('db/a', at)).rejects.toEqual(DENIED);
    await expect(vic.recoveryPoints.versions('db/b', at)).rejects.toEqual(DENIED);
    expect(await vic.recoveryPoints.versions('db/a', { destination: world.backup })).toMatchObject({ key: 'db/a' });
    await expect(eve.recoveryPoints.browse(at)).rejects.toEqual(DENIED);
    await expect(eve.recoveryPoints.timeline(world.backup)).rejects.toEqual(DENIED);
    await expect(rob.backups.restoreStore(world.backup, 'memory:elsewhere')).rejects.toEqual(DENIED);
  });

  test('somebody who reads a large object of a point gets no more of it once they may not', async () => {
    const view = { effect: 'allow', actions: ['backup.view'] } as const;
    const read = { effect: 'allow', actions: ['read', 'history'] } as const;
    const { world, store, session } = await scene({ rea: [view, read] });
    await store.store('large', Buffer.alloc(3_000_000, 1));
    await store.backup(world.backup);
    for (const left of [[view], [read]]) {
      await store.access.change(setRole('role of rea', [view, read]));
      const { stream } = await session('rea').recoveryPoints.retrieveStream('large', { destination: world.backup });
      const reader = stream.getReader();
      expect((await reader.read()).done).toBe(false);
      await store.access.change(setRole('role of rea', left));
      const rest = (async () => {
        while (!(await reader.read()).done) continue;
      })();
      await expect(rest).rejects.toEqual(DENIED);
    }
  });

  test('recovery-officer has restored what the receipt says, under no other name', async () => {
    const { world, store, session } = await scene({ rob: templateRules('recovery-officer') });
    await store.backup(world.backup);
    await store.delete('db/b');
    const { receipt } = await session('rob').restore(world.backup, { prefix: 'db/', by: 'ann' });
    expect(receipt && readRestoreReceipt(receipt, store.fingerprint)).toMatchObject({
      by: 'rob',
      created: 1,
      ok: true,
    });
    await store.delete('db/b');
    const owners = await store.restore(world.backup, { prefix: 'db/' });
    expect(owners.receipt && readRestoreReceipt(owners.receipt, store.fingerprint)).toMatchObject({ by: '[owner]' });
    const kept = await store.recoveryPoints.receipts(world.backup);
    expect(kept.restores.map((one) => readRestoreReceipt(one.receipt, store.fingerprint).by)).toEqual([
      '[owner]',
      'rob',
    ]);
  });

  test('backup-operator is told that there are receipts of drills which name what was wrong, and not those', async () => {
    const verify = { effect: 'allow', actions: ['verify'] } as const;
    const { store, session } = await scene({
      ann: templateRules('backup-operator'),
      vera: [...templateRules('backup-operator'), verify],
    });
    const folder = await mkdtemp(join(tmpdir(), 'damaged-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const place = pathToFileURL(folder).href;
    await store.backup(place);
    expect(await store.backups.drill(place)).toMatchObject({ ok: true });
    const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
    const packs = files
      .map((one) => join(one.parentPath, one.name))
      .filter((path) => path.startsWith(join(folder, 'd')));
    for (const path of packs) {
      const body = await readFile(path);
      body.writeUInt8(body.readUInt8(body.length - 40) ^ 1, body.length - 40);
      await writeFile(path, body);
    }
    expect(await store.backups.drill(place)).toMatchObject({ ok: false });
    const [ann, vera] = [session('ann'), session('vera')];
    const told = await ann.recoveryPoints.receipts(place);
    expect(told.drills.map(({ receipt }) => readReceipt(receipt, store.fingerprint).ok)).toEqual([true]);
    expect(told.withheld).toBe(1);
    const all = await vera.recoveryPoints.receipts(place);
    expect(all.drills.map(({ receipt }) => readReceipt(receipt, store.fingerprint).ok)).toEqual([false, true]);
    expect(all).not.toHaveProperty('withheld');
  });

  // T-BACKUP-11
  test('backup-operator is told which objects a drill found wrong only as far as these may be listed', async () => {
    const listing = { effect: 'allow', actions: ['list'], keys: ['large'] } as const;
    const { world, store, session } = await scene({
      ann: templateRules('backup-operator'),
      lea: [...templateRules('backup-operator'), listing],
    });
    const backend = new MemoryBackend({ clock: () => world.clock.now() });
    await backend.init({ url: world.url, options: {} });
    const [part] = (await backend.list('b/', {})).entries;
    const body = Buffer.from((await backend.read(part?.key ?? ''))?.body ?? []);
    body.writeUInt8(body.readUInt8(1000) ^ 1, 1000);
    await backend.write(part?.key ?? '', body);
    await store.backup(world.backup);
    const [anns, leas] = [
      await session('ann').backups.drill(world.backup),
      await session('lea').backups.drill(world.backup),
    ];
    expect(anns).toMatchObject({ ok: false, found: 1, names: {} });
    expect(JSON.stringify(anns)).not.toContain('large');
    expect(leas.problems).toEqual(anns.problems);
    expect(Object.values(leas.names)).toEqual(['large']);
  });

  test('reader does neither', async () => {
    const { world, session } = await scene({ eve: templateRules('reader') });
    await expect(session('eve').backup(world.backup)).rejects.toEqual(DENIED);
    await expect(session('eve').restore(world.backup)).rejects.toEqual(DENIED);
  });
});

// T-BACKUP-08
test('a member with the group backup copies what they can not open', async () => {
  const { world, store } = await backedUp();
  const own = generateIdentity();
  await store.members.add('backup host', await recipientOf(own), { areas: ['backup'] });
  const theirs = { unlock: identity(own), fingerprint: store.fingerprint };
  const member = await world.open({ ...theirs, create: false });
  await store.store('db/new', 'since then');
  expect(await member.backup(world.backup)).toMatchObject({ number: 2, failed: [], copied: { versions: 1 } });
  // From a backup of the owner on they open the destination without the store.
  await store.backup(world.backup);
  expect(await listSnapshots(world.backup, theirs)).toHaveLength(3);
  expect(await verifyBackup(world.backup, theirs)).toMatchObject({ ok: true, depth: 'complete' });
  for (const key of ['db/a', 'large', 'db/new']) {
    const opened = readSnapshot(world.backup, theirs, (view) => view.retrieve(key));
    await expect(opened).rejects.toEqual(DENIED);
  }
  await expect(restoreStore(world.backup, world.target, theirs)).rejects.toEqual(DENIED);
  await expect(member.restore(world.backup, { keys: ['db/a'] })).rejects.toEqual(DENIED);
  await restoreStore(world.backup, world.target, world.secret);
  await using again = await openStore(world.target, { unlock, maintenance: false });
  expect((await again.retrieve('db/new')).text()).toBe('since then');
});

// T-BACKUP-09
test('a session can not have what it may not read restored into something of its own', async () => {
  const { world, store, session } = await scene({
    rob: [{ effect: 'allow', actions: ['restore', 'restore.replace'] }],
  });
  await store.backup(world.backup);
  const seen: unknown[] = [];
  const trap = new Proxy({} as SecureStorage, {
    get:
      (_, name) =>
      async (...given: unknown[]) => {
        seen.push([name, ...given]);
        throw Object.assign(new Error('nothing is here'), { code: 'NOT_FOUND' });
      },
  });
  // Types forbid nothing to whoever writes JavaScript.
  const restore = session('rob').restore as (...given: readonly unknown[]) => PromiseLike<unknown>;
  expect(await restore(world.backup, { keys: ['db/a'], conflict: 'skip' }, trap)).toMatchObject({ unchanged: 1 });
  expect(seen).toEqual([]);
  expect((await store.retrieve('db/a')).text()).toBe('second');
});

test('a restore may take a second person, each time', async () => {
  const { world, store, session } = await scene({
    rob: templateRules('recovery-officer'),
    bob: [{ effect: 'allow', actions: ['approve'] }],
  });
  const [rob, bob] = [session('rob'), session('bob')];
  await store.access.change(setApprovals([{ actions: ['restore'] }]));
  await store.backup(world.backup);
  await store.delete('db/b');
  const restored = (): Promise<unknown> => Promise.resolve(rob.restore(world.backup, { keys: ['db/b'] }));
  await expect(restored()).rejects.toMatchObject({
    code: 'ACCESS_DENIED',
    message: expect.stringMatching(/second person/),
  });
  const operation = { call: 'restore', about: { destination: world.backup, keys: ['db/b'] } } as const;
  const asked = await rob.approvals.request('restore', undefined, { operation });
  await expect(rob.approvals.approve(asked.id)).rejects.toMatchObject({ code: expect.any(String) });
  expect(await store.has('db/b')).toBe(false);
  await bob.approvals.approve(asked.id);
  expect(await restored()).toMatchObject({ created: 1 });
  await store.delete('db/b');
  await expect(restored()).rejects.toEqual(DENIED);
});

test('a recovery officer restores beside what there is, and in place only with a second person', async () => {
  const { world, store, session } = await scene({
    rob: templateRules('recovery-officer'),
    ned: [{ effect: 'allow', actions: ['restore'] }],
    bob: [{ effect: 'allow', actions: ['approve'] }],
  });
  await store.access.change(setApprovals([{ actions: ['restore.replace'] }]));
  await store.backup(world.backup);
  const [rob, ned] = [session('rob'), session('ned')];
  expect(await rob.restore(world.backup, { prefix: 'db/', into: 'copy/' })).toMatchObject({ skipped: 0 });
  expect(await store.has('copy/a')).toBe(true);
  expect(await rob.restore(world.backup, { dryRun: true })).toMatchObject({ dryRun: true });
  // What changes nothing asks nobody.
  expect(await rob.restore(world.backup, { keys: ['db/a'], conflict: 'skip' })).toMatchObject({ unchanged: 1 });
  await store.store('db/a', 'another');
  const over = { keys: ['db/a'], conflict: 'overwrite' } as const;
  await expect(rob.restore(world.backup, over)).rejects.toMatchObject({
    message: expect.stringMatching(/second person/),
  });
  const operation = { call: 'restore', about: { destination: world.backup, ...over } } as const;
  const { id } = await rob.approvals.request('restore.replace', undefined, { operation });
  await session('bob').approvals.approve(id);
  expect(await rob.restore(world.backup, over)).toMatchObject({ replaced: 1 });
  // Whoever may restore alone replaces nothing, also with options that say another thing when they are asked again.
  await expect(ned.restore(world.backup, { keys: ['db/a'] })).rejects.toEqual(DENIED);
  let asked = 0;
  const twofaced = {
    keys: ['db/a'],
    conflict: 'overwrite' as const,
    get into() {
      return asked++ === 0 ? 'copy/' : undefined;
    },
  };
  await store.store('db/a', 'newer');
  await Promise.resolve(ned.restore(world.backup, twofaced as never)).catch(() => undefined);
  expect((await store.retrieve('db/a')).text()).toBe('newer');
});

test('backups and restores are in the audit, with who made them', async () => {
  const { world, store, session } = await scene({ ann: templateRules('backup-operator') });
  await store.audit.enable({ auditor: await recipientOf(generateIdentity()) });
  await store.backups.register(world.backup);
  await session('ann').backup(world.backup);
  await session('ann')
    .restore(world.backup, { keys: ['db/a'] })
    .catch(() => undefined);
  // What is on its way to the log is there when the store is closed.
  await store.close();
  const entries = await (await world.open()).audit.entries();
  const told = entries.map(({ principal, action, outcome }) => [principal, action, outcome]);
  expect(told).toContainEqual(['ann', 'backup', 'allowed']);
  expect(told).toContainEqual(['ann', 'restore', 'denied']);
});

test('an interrupted backup is listed with the jobs, and gone on with by resuming it or by the same call', async () => {
  const world = new BackupWorld();
  const store = await world.furnished();
  for (let at = 0; at < 4; at++) await store.store(`large/${at}`, LARGE);
  const interrupted = async (): Promise<string> => {
    const ending = new AbortController();
    const job = store.backup(world.backup, { label: 'nightly', signal: ending.signal });
    for await (const { bytes } of job.progress) if (bytes > 0) break;
    ending.abort();
    await expect(job).rejects.toMatchObject({ code: 'ABORTED' });
    return job.id;
  };
  const id = await interrupted();
  expect(await store.jobs.list()).toMatchObject([{ id, kind: 'backup', state: 'interrupted' }]);
  // An unfinished one is told of at the destination by nothing.
  expect(await listSnapshots(world.backup, world.secret)).toEqual([]);
  expect(await store.jobs.resume(id)).toMatchObject({ number: 1, objects: 8, failed: [] });
  expect(await store.jobs.list()).toEqual([]);
  expect(await listSnapshots(world.backup, world.secret)).toMatchObject([{ label: 'nightly' }]);

  for (let at = 0; at < 4; at++) await store.store(`more/${at}`, LARGE);
  expect(await interrupted()).toBe(id);
  expect(await store.backup(world.backup, { label: 'nightly' })).toMatchObject({ number: 2, objects: 12 });
  expect(await store.jobs.list()).toEqual([]);
});
