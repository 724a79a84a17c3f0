import type { StorageBackend } from '@securestore/backend-api';
import type { Point } from '@securestore/core-format';
import { encodePoint, pointName, withChecksum } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import { BackupSeals } from '../../../objects/src/replica/copy/backup-cipher.ts';
import type { Club } from '../../../objects/test/support/members.ts';
import { club } from '../../../objects/test/support/members.ts';
import { atEnd, failure } from '../../../objects/test/support/stores.ts';
import type { OpenedBackup, RestoreReport, RestoreStoreOptions } from '../../src/index.ts';
import { forgetPoints } from '../../src/prune/forget.ts';
import { newestOwn } from '../../src/trust/key-change-points.ts';
import { Backups, openBackup, restoreStoreTo, verifyOpenedBackup } from '../../src/index.ts';
import { allChecked, encodeChecked, nothingChecked } from '../../src/verify/rolling/scrub-progress.ts';
import { ScrubState } from '../../src/verify/rolling/scrub-state.ts';
import { tipOf, trustTip, trustedTipAt } from '../../src/trust/trusted-tip.ts';
import { Shelf } from '../support/shelf.ts';
import { extensionsOf } from '@securestore/objects/internal';

const PLACE = 'memory:backups';

/** A store with backups, and an operator whose right to make them is taken away. */
interface Scene extends Club {
  readonly shelf: Shelf;
  readonly backups: Backups;
  readonly backend: StorageBackend;
  /** What is there, opened without the store. */
  readonly lost: () => Promise<OpenedBackup>;
  /** Seals a point with the key that the operator had. */
  readonly forge: (point: Point) => Promise<void>;
  /** What seals with the keys that the operator had. */
  readonly seals: BackupSeals;
}

async function scene(fill: (scene: Pick<Scene, 'owner' | 'backups' | 'clock'>) => Promise<void>): Promise<Scene> {
  const members = await club();
  const { clock, owner, join, enter } = members;
  const shelf = new Shelf(() => clock.now());
  const backups = new Backups(owner, shelf.connect);
  const backend = await shelf.at(PLACE);
  await fill({ owner, backups, clock });
  const operator = await enter(await join('operator', { areas: ['backup'] }));
  const { keys } = extensionsOf(operator).backup.seals;
  const { random, head } = extensionsOf(owner).backup;
  const seals = new BackupSeals({ keys: () => keys, suites: () => head.suites, random });
  await owner.members.revoke('operator');
  const lost = async (): Promise<OpenedBackup> => {
    const opened = await openBackup({ backend, url: PLACE, unlock: rawKey(Buffer.alloc(32, 7)), clock });
    atEnd(async () => opened.close());
    return opened;
  };
  const { destination } = await lost();
  const forge = async (point: Point): Promise<void> => {
    const name = pointName(point.number);
    await backend.write(name, withChecksum(seals.seal('backupPoint', destination.id, name, encodePoint(point))));
  };
  return { ...members, shelf, backups, backend, lost, forge, seals };
}

const list = async (opened: OpenedBackup, choice = {}): Promise<string[]> => {
  await using store = await opened.open(choice);
  return await store.list();
};

/** Two snapshots, and a moment after the second one. */
const fill = async ({ owner, backups }: Pick<Scene, 'owner' | 'backups'>): Promise<void> => {
  await owner.store('red/a', 'one');
  await backups.backup(PLACE);
  await owner.store('red/b', 'two');
  await backups.backup(PLACE);
  await using continuous = await backups.startContinuous(PLACE);
  await owner.store('red/c', 'three');
  await continuous.caughtUp();
};

describe('a backup operator whose membership was revoked, and who may still write at the destination', () => {
  it('does not change what the moments after it build on', async () => {
    const { owner, backups, lost, forge } = await scene(fill);
    const { recoveryPoints } = await lost();
    const [newest, base, first] = [
      await recoveryPoints.read(4),
      await recoveryPoints.read(2),
      await recoveryPoints.read(1),
    ];
    expect(newest).toMatchObject({ kind: 'changes', base: 2, isOld: false });
    // What was in the first snapshot, as if it were what the newest moment builds on.
    await forge({ ...base, pages: first.pages, totals: first.totals });
    const opened = await lost();
    await failure(list(opened), 'INTEGRITY');
    await failure(list(opened, { snapshot: 3 }), 'INTEGRITY');
    await owner.store('red/d', 'four');
    const { findings } = await backups.backup(PLACE);
    expect(findings.join()).toMatch(/snapshot \d+ follows another one/);
    expect(await list(await lost())).toEqual(['red/a', 'red/b', 'red/c', 'red/d']);
  });

  it('has nothing built on what they add, where the store was made to forget its newest snapshot', async () => {
    const { owner, backups, lost, forge, attacker } = await scene(fill);
    const { recoveryPoints, destination } = await lost();
    const first = await recoveryPoints.read(1);
    const newest = await recoveryPoints.read(4);
    await forge({ ...first, number: 5, base: 5, previous: newest.digest, time: newest.time + 1 });
    // Whoever has the backend of the store tries which name it is.
    const area = extensionsOf(owner).backup;
    for (const name of await attacker.names('w/')) {
      const body = await attacker.get(name);
      await attacker.remove(name);
      if ((await trustedTipAt(area, destination)) === undefined) break;
      await attacker.put(name, body);
    }
    expect(await trustedTipAt(area, destination)).toBeUndefined();
    expect(await newestOwn(area, destination)).toMatchObject({ number: 4, digest: newest.digest.toString('hex') });
    await owner.store('red/d', 'four');
    const { findings } = await backups.backup(PLACE);
    expect(findings.join()).toMatch(/retired/);
    const { removed } = await forgetPoints(area, destination, () => new Set([1, 5]));
    expect(removed).toEqual(expect.arrayContaining([5, 1]));
    expect(await list(await lost())).toEqual(['red/a', 'red/b', 'red/c', 'red/d']);
    expect(await verifyOpenedBackup(await lost(), { depth: 'opens' })).toMatchObject({ ok: true });
  });

  it('has nothing built on what they add, where a member has the store remember that', async () => {
    const { owner, backups, lost, forge } = await scene(fill);
    const { recoveryPoints, destination } = await lost();
    const [first, newest] = [await recoveryPoints.read(1), await recoveryPoints.read(4)];
    await forge({ ...first, number: 5, base: 5, previous: newest.digest, time: newest.time + 1 });
    // What is kept in the store is sealed under the journal key, which every member has.
    const area = extensionsOf(owner).backup;
    await trustTip(area, destination, tipOf(await recoveryPoints.read(5)), [await trustedTipAt(area, destination)]);
    expect(await newestOwn(extensionsOf(owner).backup, destination)).toMatchObject({ number: 4 });
    await owner.store('red/d', 'four');
    const { findings } = await backups.backup(PLACE);
    expect(findings.join()).toMatch(/retired/);
    expect(await list(await lost())).toEqual(['red/a', 'red/b', 'red/c', 'red/d']);
  });

  // T-BACKUP-14
  it('has nothing restored that they put in the place of a snapshot from before they were, unless that is asked for', async () => {
    const { backups, lost, forge, shelf } = await scene(fill);
    const { recoveryPoints } = await lost();
    const genuine = await recoveryPoints.read(2);
    const restore = async (to: string, options: RestoreStoreOptions): Promise<RestoreReport> =>
      restoreStoreTo(await lost(), await shelf.at(to), options);
    const before = { at: new Date(genuine.time) };
    expect(await restore('memory:genuine', before)).toMatchObject({ snapshot: 2, findings: [], failed: [] });
    // As if there had been nothing then.
    await forge({ ...genuine, pages: [], totals: { objects: 0, deleted: 0, versions: 0, bytes: 0 } });
    expect((await failure(restore('memory:forged', before), 'INTEGRITY')).message).toMatch(
      /snapshot 3 follows another one/,
    );
    await failure(backups.restore(PLACE, { ...before, conflict: 'overwrite', prefix: 'red/' }), 'INTEGRITY');
    const { failed } = await restore('memory:partial', { ...before, partial: true });
    expect(failed).toMatchObject([{ name: pointName(2), code: 'INTEGRITY' }]);
  });

  // T-BACKUP-14
  it('has it said of a snapshot from before, that nothing vouches for it where all that did was removed', async () => {
    const { owner, backups, lost, shelf } = await scene(async ({ owner: store, backups: made, clock }) => {
      for (const name of ['red/a', 'red/b', 'red/c', 'red/d']) {
        await store.store(name, name);
        await made.backup(PLACE);
        clock.advance(60_000);
      }
    });
    await owner.store('red/e', 'later');
    await backups.backup(PLACE);
    let places = 0;
    const restore = async (snapshot: number): Promise<RestoreReport> =>
      restoreStoreTo(await lost(), await shelf.at(`memory:${snapshot}-${places++}`), {
        snapshot,
      });
    for (const number of [1, 2, 3, 4]) expect(await restore(number)).toMatchObject({ findings: [], failed: [] });
    // That keys were replaced said the fifth.
    const { removed } = await backups.forget(PLACE, () => [3]);
    expect(new Set(removed)).toEqual(new Set([3, 5]));
    expect((await restore(4)).findings).toEqual([]);
    for (const number of [1, 2]) {
      const { findings, objects } = await restore(number);
      expect(findings).toMatchObject([expect.stringMatching(/cannot be authenticated/)]);
      expect(objects).toBe(number);
    }
  });

  it('keeps nothing from being read, by saying that it was after they were gone', async () => {
    const { owner, clock, lost, seals } = await scene(fill);
    const { destination } = await lost();
    const memory = new ScrubState(extensionsOf(owner).backup, destination.id);
    const before = clock.now();
    clock.advance(86_400_000);
    const label = `verified ${Buffer.from(destination.id).toString('hex')}`;
    const claimed = encodeChecked(allChecked(clock.now(), clock.now(), nothingChecked(clock.now())));
    const body = seals.seal('backupWork', destination.id, 'w/verified', claimed);
    await extensionsOf(owner).backup.states.write(label, body, { ifAbsent: true });
    expect(await memory.since()).toBeUndefined();
    // What was read before the key was replaced was read.
    const { etag = '' } = (await extensionsOf(owner).backup.states.read(label)) ?? {};
    const genuine = encodeChecked(allChecked(before, before, nothingChecked(before)));
    const other = seals.seal('backupWork', destination.id, 'w/verified', genuine);
    await extensionsOf(owner).backup.states.write(label, other, { ifMatch: etag });
    expect(await memory.since()).toBe(before);
  });

  it('hides no snapshot, and nothing that is missing, by saying that it was removed', async () => {
    const { lost, forge, backend } = await scene(fill);
    const before = await lost();
    const shown = await Array.fromAsync(before.list());
    const newest = await before.recoveryPoints.read(4);
    const { digest: previous, ...forged } = newest;
    await forge({ ...forged, number: 5, previous, removed: [{ from: 1, to: 4 }] });
    const opened = await lost();
    const numbers = (await Array.fromAsync(opened.list())).map(({ number }) => number);
    expect(numbers).toEqual(expect.arrayContaining(shown.map(({ number }) => number)));
    expect(await opened.describe({ at: new Date(newest.time) })).toMatchObject({ number: 3 });
    await backend.write(pointName(1), Buffer.from('damaged'));
    await failure(Array.fromAsync((await lost()).list()), 'INTEGRITY');
    const damaged = await verifyOpenedBackup(await lost());
    expect(damaged.findings.map(({ name }) => name)).toContain(pointName(1));
    await backend.delete(pointName(1));
    const missing = await verifyOpenedBackup(await lost());
    expect(missing.findings.map(({ name }) => name)).toContain(pointName(1));
  });
});
