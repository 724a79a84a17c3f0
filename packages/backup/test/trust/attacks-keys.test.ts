import { createFaultInjector } from '@securestore/backend-api';
import {
  encodeIndexPage,
  encodePoint,
  historyName,
  indexPageName,
  pointName,
  sha256,
  splitRecord,
  withChecksum,
} from '@securestore/core-format';
import type { UnlockMethod } from '@securestore/crypto';
import { rawKey } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import { BackupSeals } from '../../../objects/src/replica/copy/backup-cipher.ts';
import { attack } from '../../../objects/test/support/attacker.ts';
import type { Club } from '../../../objects/test/support/members.ts';
import { club } from '../../../objects/test/support/members.ts';
import { failure, openAt, UNLOCK, usePlace } from '../../../objects/test/support/stores.ts';
import type { OpenedBackup } from '../../src/index.ts';
import { Backups, openBackup, Schedules, verifyOpenedBackup } from '../../src/index.ts';
import { trustTip, trustedTipAt } from '../../src/trust/trusted-tip.ts';
import { Shelf } from '../support/shelf.ts';
import { backupAt, backupsOf, memoryAt, reached, restoredFrom, snapshotAt, worldOf } from '../support/worlds.ts';
import { extensionsOf } from '@securestore/objects/internal';

const PLACE = 'memory:backups';
const OTHER = rawKey(Buffer.alloc(32, 8));

it('a secret that is added opens the backups that there are', async () => {
  const { store, destination, clock } = await worldOf();
  await store.store('k', 'one');
  await backupsOf(store, [destination]).backup(destination.url);
  await store.slots.add(OTHER);
  const backend = await reached(destination);
  using backup = await openBackup({ backend, url: destination.url, unlock: OTHER, clock });
  expect(await backup.describe()).toMatchObject({ number: 1, objects: 1 });
});

describe('a secret that opens the store no more', () => {
  it('opens no backup from then on, when its slot is removed', async () => {
    const { store, destination, clock } = await worldOf();
    const backups = backupsOf(store, [destination]);
    const { id } = await store.slots.add(OTHER);
    await store.store('k', 'one');
    await backups.backup(destination.url);
    expect(await store.slots.remove(id)).toEqual({ pending: [] });
    const backend = await reached(destination);
    await failure(openBackup({ backend, url: destination.url, unlock: OTHER, clock }), 'UNLOCK_FAILED');
  });

  it('opens what lies where its removal was not heard of, which is said, until the next backup there', async () => {
    const { store, destination, clock } = await worldOf();
    const injector = createFaultInjector();
    const backups = backupsOf(store, [destination], () => ({ layers: [injector.layer] }));
    const { id } = await store.slots.add(OTHER);
    await backups.backup(destination.url);
    injector.plan(() => ({ type: 'fail' }));
    expect(await store.slots.remove(id)).toEqual({ pending: [destination.url] });
    injector.plan(undefined);
    const open = async (): Promise<OpenedBackup> =>
      openBackup({ backend: await reached(destination), url: destination.url, unlock: OTHER, clock });
    (await open()).close();
    await backups.backup(destination.url);
    await failure(open(), 'UNLOCK_FAILED');
  });

  it.each(['unlock', 'keys'] as const)(
    'opens no backup from then on, when it is renewed to the depth %s',
    async (depth) => {
      const { store, destination, clock } = await worldOf();
      const backups = backupsOf(store, [destination]);
      await store.slots.add(OTHER);
      await store.store('k', 'one');
      await backups.backup(destination.url);
      await store.rotateEncryptionKey(OTHER, rawKey(Buffer.alloc(32, 9)), { depth });
      const backend = await reached(destination);
      await failure(openBackup({ backend, url: destination.url, unlock: OTHER, clock }), 'UNLOCK_FAILED');
    },
  );
});

describe('a backup operator whose membership was revoked, and who may still write at the destination', () => {
  it.each([
    ['after the newest', 4, []],
    ['in the place of the newest', 3, []],
    ['in the place of all that came later', 2, [3]],
  ] as const)('has the next snapshot built on nothing that they put %s', async (_, number, removed) => {
    const { clock, owner, join, enter } = await club();
    const shelf = new Shelf(() => clock.now());
    const backups = new Backups(owner, shelf.connect);
    await owner.store('red/a', 'one');
    await backups.backup(PLACE);
    await owner.store('red/a', 'two');
    await backups.backup(PLACE);
    const operator = await enter(await join('operator', { areas: ['backup'] }));
    const { keys } = extensionsOf(operator).backup.seals;
    const backend = await shelf.at(PLACE);
    const { random, head } = extensionsOf(owner).backup;
    const seals = new BackupSeals({ keys: () => keys, suites: () => head.suites, random });
    await owner.members.revoke('operator');
    await using view = await openBackupOf(backend, clock);
    // The third says that the keys were replaced.
    expect(await view.recoveryPoints.numbers()).toEqual([3, 2, 1]);
    const [first, before] = [await view.recoveryPoints.read(1), await view.recoveryPoints.read(number - 1)];
    // What was in the first snapshot, as if it were what there is now.
    const { time, generation, digest: previous } = before;
    const forged = { ...first, number, base: number, previous, time: time + 1, generation };
    for (const one of removed) await backend.delete(pointName(one));
    const body = withChecksum(seals.seal('backupPoint', view.destination.id, pointName(number), encodePoint(forged)));
    await backend.write(pointName(number), body);
    // Where the store is lost, the head that lies there tells.
    const lost = await openBackupOf(backend, clock);
    await failure(lost.choose({}), number < 3 ? 'ROLLBACK' : 'INTEGRITY');
    await failure(lost.choose({ at: new Date(clock.now() + 1000) }), number < 3 ? 'ROLLBACK' : 'INTEGRITY');
    const { findings } = await verifyOpenedBackup(lost);
    expect(findings.map(({ message }) => message).join()).toMatch(number < 3 ? /newest/ : /retired|another snapshot/);
    await lost[Symbol.asyncDispose]();
    const report = await backups.backup(PLACE);
    expect(report.findings.join()).toMatch(/retired|removed or replaced/);
    const there = await backups.read(PLACE, {}, async (store) => (await store.retrieve('red/a')).text());
    expect(there).toBe('two');
  });
});

describe('a member who may write at the backend of the store', () => {
  it('has the schedules of the owner back up nowhere else', async () => {
    const { clock, owner, join, enter } = await club();
    const shelf = new Shelf(() => clock.now());
    const backups = new Backups(owner, shelf.connect);
    await owner.store('red/a', 'one');
    await backups.backup(PLACE);
    const member = await enter(await join('reader', { categories: ['red'] }));
    const since = clock.now();
    const task = { task: 'backup', destination: 'memory:elsewhere' };
    const list = { version: 1, schedules: [{ id: 'mine', cron: '* * * * *', since, task }] };
    // What is kept in the store is sealed under the journal key, which every member has.
    await extensionsOf(member).backup.states.write('state schedules', Buffer.from(JSON.stringify(list)), {
      ifAbsent: true,
    });
    clock.advance(10 * 60_000);
    const schedules = new Schedules(owner, backups, shelf.connect);
    const [report] = await schedules.run({ once: true });
    expect(report).toMatchObject({ end: 'failure' });
    expect((await (await shelf.at('memory:elsewhere')).list('')).entries).toEqual([]);
    expect((await backups.destinations()).map(({ url }) => url)).toEqual([PLACE]);
  });

  // T-BACKUP-12
  it.each(['before', 'after'] as const)(
    'has no snapshot missed that never was, %s the keys are renewed, nor one refused for it',
    async (when) => {
      const { clock, owner, join, enter } = await club();
      const shelf = new Shelf(() => clock.now());
      const backups = new Backups(owner, shelf.connect);
      for (const text of ['one', 'two']) {
        await owner.store('red/a', text);
        await backups.backup(PLACE);
      }
      const member = await enter(await join('reader', { categories: ['red'] }));
      const [destination] = await backups.destinations();
      const { states } = extensionsOf(member).backup;
      const label = `newest ${destination?.id ?? ''}`;
      const claim = async (): Promise<void> => {
        const { etag = '', state = Buffer.alloc(0) } = (await states.read(label)) ?? {};
        const { sealed = '' } = JSON.parse(Buffer.from(state).toString()) as { sealed?: string };
        const body = Buffer.from(sealed, 'base64');
        body.fill(0, body.length >> 1);
        const forged = { version: 1, number: 1000, digest: 'ab'.repeat(32), sealed: body.toString('base64') };
        await states.write(label, Buffer.from(JSON.stringify(forged)), { ifMatch: etag });
      };
      if (when === 'before') await claim();
      await owner.rotateEncryptionKey(UNLOCK, OTHER);
      if (when === 'after') await claim();
      await using lost = await openBackupOf(await shelf.at(PLACE), clock, OTHER);
      expect(await lost.describe()).toMatchObject({ number: 2 });
      await owner.store('red/b', 'three');
      const { findings } = await backups.backup(PLACE);
      expect(findings).toEqual([]);
      await owner.rotateEncryptionKey(OTHER, UNLOCK);
      await using again = await openBackupOf(await shelf.at(PLACE), clock);
      await using view = await again.open();
      expect(await view.list()).toEqual(['red/a', 'red/b']);
    },
  );
});

describe('a backup operator', () => {
  // T-BACKUP-12
  it('has no snapshot refused from then on, by having the store remember one that never was', async () => {
    const { clock, owner, join, enter } = await club();
    const shelf = new Shelf(() => clock.now());
    const backups = new Backups(owner, shelf.connect);
    for (const text of ['one', 'two']) {
      await owner.store('red/a', text);
      await backups.backup(PLACE);
    }
    const operator = await enter(await join('operator', { areas: ['backup'] }));
    const { destination, recoveryPoints } = await openBackupOf(await shelf.at(PLACE), clock);
    const area = extensionsOf(operator).backup;
    const before = await trustedTipAt(area, destination);
    await trustTip(area, destination, { number: 1000, digest: 'ab'.repeat(32) }, [before]);
    await owner.members.revoke('operator');
    await using lost = await openBackupOf(await shelf.at(PLACE), clock);
    expect(await lost.describe()).toMatchObject({ number: 2 });
    await owner.store('red/b', 'three');
    // What the store was told it may not have made up: it is told once.
    expect((await backups.backup(PLACE)).findings.join()).toMatch(/^the newest snapshot at \S+ was 1000/);
    expect((await backups.backup(PLACE)).findings).toEqual([]);
    await owner.rotateEncryptionKey(UNLOCK, OTHER);
    await using again = await openBackupOf(await shelf.at(PLACE), clock, OTHER);
    await using view = await again.open();
    expect(await view.list()).toEqual(['red/a', 'red/b']);
    expect(await recoveryPoints.numbers()).not.toContain(1000);
  });
});

async function openBackupOf(
  backend: Parameters<typeof openBackup>[0]['backend'],
  clock: Parameters<typeof openBackup>[0]['clock'],
  unlock: UnlockMethod = UNLOCK,
): Promise<OpenedBackup & AsyncDisposable> {
  const backup = await openBackup({ backend, url: PLACE, unlock, clock });
  return Object.assign(backup, { [Symbol.asyncDispose]: async () => backup.close() });
}

/** What seals as a backup operator does whose right to back up was taken away since. */
async function sealsOfRevoked({ owner, join, enter }: Club): Promise<BackupSeals> {
  const operator = await enter(await join('operator', { areas: ['backup'] }));
  const { keys } = extensionsOf(operator).backup.seals;
  const { random, head } = extensionsOf(owner).backup;
  const seals = new BackupSeals({ keys: () => keys, suites: () => head.suites, random });
  await owner.members.revoke('operator');
  return seals;
}

// T-BACKUP-13
it.each([
  ['long past', 1],
  ['yet to come', 1e15],
] as const)('points that a revoked operator has made of a time that is %s hide no moment', async (_, time) => {
  const members = await club();
  const { clock, owner } = members;
  const shelf = new Shelf(() => clock.now());
  const backups = new Backups(owner, shelf.connect);
  const moments: Date[] = [];
  const backUp = async (text: string): Promise<void> => {
    await owner.store('a', text);
    await backups.backup(PLACE);
    clock.advance(60_000);
    moments.push(new Date(clock.now()));
    clock.advance(60_000);
  };
  await backUp('0');
  const seals = await sealsOfRevoked(members);
  // They may add to the destination still, and not remove.
  const backend = await shelf.at(PLACE);
  await using view = await openBackupOf(backend, clock);
  const first = await view.recoveryPoints.read(1);
  for (let number = 3; number <= 12; number++) {
    const forged = { ...first, number, base: number, previous: Buffer.alloc(32, number), time };
    const body = withChecksum(seals.seal('backupPoint', view.destination.id, pointName(number), encodePoint(forged)));
    await backend.write(pointName(number), body, { ifAbsent: true });
  }
  for (const text of ['1', '2']) await backUp(text);
  for (const [text, at] of moments.entries()) {
    expect(await backups.read(PLACE, { at }, async (store) => (await store.retrieve('a')).text())).toBe(String(text));
  }
});

it('what a member forged whose keys are retired is not made genuine by a restore', async () => {
  const { clock, owner, join, enter, attacker } = await club();
  const shelf = new Shelf(() => clock.now());
  const backups = new Backups(owner, shelf.connect);
  await owner.store('red/a', '1');
  const mallory = await join('mallory', { categories: ['red'] });
  await enter(mallory);
  // What they write, they write into a copy of the store, with the keys that they were granted.
  const fork = usePlace(() => memoryAt(clock));
  await (await attack(fork)).restore(await attacker.copy());
  const forger = await openAt(fork, { unlock: mallory.unlock, clock, fingerprint: owner.fingerprint });
  const { version } = await forger.store('red/a', 'forged');
  const forkAttacker = await attack(fork);
  const record = await forkAttacker.get(await forkAttacker.name('o/'));
  clock.advance(1000);
  await owner.store('red/a', '2');
  await owner.members.revoke('mallory');
  const [name = ''] = await attacker.names('o/');
  const token = name.slice(2);
  await attacker.put(historyName(token, splitRecord(record).header.version), record);
  await failure(owner.retrieve('red/a', { version }), 'INTEGRITY');
  const { failed } = await backups.backup(PLACE);
  expect(failed).toMatchObject([{ code: 'INTEGRITY' }]);
  await backups.read(PLACE, {}, async (store) => {
    expect((await store.history('red/a')).map((one) => one.version)).not.toContain(version);
  });
});

it('[P-22] a page that names an older record for the newest version is told, and not restored', async () => {
  const { store, destination, clock } = await worldOf();
  await store.store('k', 'one');
  await store.store('k', 'two');
  await snapshotAt(store, destination);
  const backup = await backupAt(destination, clock);
  const { seals } = extensionsOf(store).backup;
  const backend = await reached(destination);
  const { digest, ...first } = await backup.recoveryPoints.read(1);
  const page = first.pages[0] ?? expect.unreachable();
  const [newer, older] = await backup.pages.read(page);
  if (newer === undefined || older === undefined) throw new Error('there are two versions');
  const body = seals.seal(
    'backupPage',
    backup.destination.id,
    'x/',
    encodeIndexPage([{ ...newer, slot: older.slot, pack: older.pack }, older]),
  );
  const other = { ...page, epoch: 2, digest: sha256(body) };
  await backend.write(indexPageName(other), body);
  const point = { ...first, number: 2, base: 2, previous: digest, pages: [other] };
  await backend.write(
    pointName(2),
    withChecksum(seals.seal('backupPoint', backup.destination.id, pointName(2), encodePoint(point))),
  );
  expect(await verifyOpenedBackup(await backupAt(destination, clock), { depth: 'opens' })).toMatchObject({ ok: false });
  await failure(restoredFrom(destination, clock), 'INTEGRITY');
});

it('a destination that pretends to be another one does not take its place', async () => {
  const { store, destination, clock } = await worldOf();
  const mirror = usePlace(() => memoryAt(clock));
  const backups = backupsOf(store, [destination, mirror]);
  await store.store('k', 'one');
  await backups.backup(destination.url);
  await (await attack(mirror)).restore(await (await attack(destination)).copy());
  await Promise.resolve(backups.backup(mirror.url)).catch(() => undefined);
  expect((await backups.destinations()).map(({ url }) => url)).toContain(destination.url);
});

describe('a synchronous backup', () => {
  it('acknowledges nothing that is not there where the journal has a hole', async () => {
    const { clock, place, attacker, owner } = await club();
    const shelf = new Shelf(() => clock.now());
    const backups = new Backups(owner, shelf.connect);
    await using _ = await backups.startContinuous(PLACE, { synchronous: true });
    await owner.store('a', '1');
    const before = new Set(await attacker.names('j/'));
    const writer = await openAt(place, { clock, fingerprint: owner.fingerprint });
    await writer.store('x', '1');
    await writer.store('y', '1');
    for (const name of (await attacker.names('j/')).filter((one) => !before.has(one)).slice(0, 1))
      await attacker.remove(name);
    await owner.store('b', '2');
    expect(await backups.read(PLACE, {}, (store) => store.list())).toContain('b');
  });

  it('acknowledges nothing for a point that a revoked operator has made', async () => {
    const members = await club();
    const { clock, owner } = members;
    const shelf = new Shelf(() => clock.now());
    const backups = new Backups(owner, shelf.connect);
    await owner.store('a', '1');
    await backups.backup(PLACE);
    const seals = await sealsOfRevoked(members);
    const backend = await shelf.at(PLACE);
    await using view = await openBackupOf(backend, clock);
    const { digest, ...newest } = await view.recoveryPoints.read(2);
    const forged = { ...newest, collects: false, number: 3, base: 3, previous: digest, time: clock.now() + 86_400_000 };
    const body = withChecksum(seals.seal('backupPoint', view.destination.id, pointName(3), encodePoint(forged)));
    await backend.write(pointName(3), body);
    const end = backups.waitForBackup(PLACE);
    await failure(owner.store('b', '2'), 'UNAVAILABLE');
    await end();
  });

  it('acknowledges nothing that could not be copied', async () => {
    const { clock, owner, attacker } = await club();
    const shelf = new Shelf(() => clock.now());
    const backups = new Backups(owner, shelf.connect);
    await using continuous = await backups.startContinuous(PLACE);
    await owner.store('a', Buffer.alloc(200_000, 1));
    const [part = ''] = await attacker.names('b/');
    const body = await attacker.get(part);
    await attacker.put(part, body.subarray(1));
    await continuous.caughtUp().catch(() => undefined);
    expect(continuous.status.findings.join()).toMatch(/^the part \S+ of a payload has \d+ bytes instead of \d+$/);
    await attacker.put(part, body);
    await owner.store('b', '1');
    await continuous.caughtUp();
    clock.advance(3_600_001);
    await owner.store('c', '1');
    await continuous.caughtUp();
    expect(await backups.read(PLACE, {}, (store) => store.list())).toEqual(['a', 'b', 'c']);
  });
});
