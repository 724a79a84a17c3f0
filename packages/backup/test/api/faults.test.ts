import type { FaultInjector } from '@securestore/backend-api';
import {
  backupBlobPrefix,
  envelopesName,
  indexPageName,
  packName,
  parseBackupBlobName,
} from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { openAt } from '../../../objects/test/support/stores.ts';
import { TROUBLES } from '../../../objects/test/support/troubles.ts';
import { verifyOpenedBackup } from '../../src/index.ts';
import { atEveryCall, change, ended, fill, isInTurn, NAMES, openDoomed } from '../support/faults.ts';
import type { ClosedWorld } from '../support/kept-world.ts';
import { worldMadeOnce } from '../support/kept-world.ts';
import type { Contents } from '../support/worlds.ts';
import { backupAt, backupsOf, contentsOf, filesAt, restoredFrom, snapshotAt, worldOf } from '../support/worlds.ts';
import { onlyLong } from '../../../../tools/campaigns/src/size.ts';

const HOUR = 60 * 60 * 1000;
/** What the points of a destination need, by its own index. */
async function neededAt(world: ClosedWorld): Promise<Set<string>> {
  const backup = await backupAt(world.destination, world.clock);
  const needed = new Set<string>();
  for (const number of await backup.recoveryPoints.numbers()) {
    const { pages, others } = await backup.recoveryPoints.read(number);
    for (const page of [...pages, ...others]) {
      needed.add(indexPageName(page));
      for (const { pack, blob } of await backup.pages.read(page)) {
        needed.add(packName(pack));
        needed.add(envelopesName(pack));
        if (blob !== undefined) needed.add(backupBlobPrefix(blob.epoch, blob.blobId));
      }
    }
  }
  return needed;
}

/** No file of a destination is there for nothing, and none is missing. */
async function expectNoOrphans(world: ClosedWorld, what: string): Promise<void> {
  const needed = await neededAt(world);
  const names = [...(await filesAt(world.destination)).keys()].filter((name) => /^[xdeb]\//.test(name));
  const orphans = names.filter((name) => {
    const blob = parseBackupBlobName(name);
    return !needed.has(blob === undefined ? name : backupBlobPrefix(blob.epoch, blob.blobId));
  });
  expect(orphans, what).toEqual([]);
  expect(names.length, what).toBeGreaterThan(0);
}

async function expectPoints(world: ClosedWorld, expected: ReadonlyMap<number, Contents>, what: string): Promise<void> {
  const { destination, clock } = world;
  for (const [snapshot, contents] of expected) {
    const { store } = await restoredFrom(destination, clock, { snapshot });
    expect(await contentsOf(store, NAMES), `${what}: snapshot ${snapshot}`).toEqual(contents);
    await store.close();
  }
  await expectSound(world, what);
}

async function expectSound({ destination, clock }: ClosedWorld, what: string): Promise<void> {
  const report = await verifyOpenedBackup(await backupAt(destination, clock), { depth: 'opens' });
  expect(report.findings, what).toEqual([]);
}

/** The newest point says what the store has, and each other one what it had when it was made. */
async function goOn(world: ClosedWorld, before: ReadonlyMap<number, Contents>, what: string): Promise<void> {
  const { source, destination, clock } = world;
  const store = await openAt(source, { clock });
  await store.store('f', what);
  const backups = backupsOf(store, [destination]);
  // Until a killed process is known to be gone.
  clock.advance(HOUR);
  const report = await backups.backup(destination.url);
  expect(report.failed, what).toEqual([]);
  expect(report.findings, what).toEqual([]);
  const after = new Map([...before, [report.number, await contentsOf(store, NAMES)]]);
  await expectSound(world, what);
  await backups.forget(destination.url, () => []);
  await backups.forget(destination.url, () => []);
  await expectNoOrphans(world, what);
  await expectPoints(world, after, what);
  await store.close();
}

/** A store that has never been backed up. */
const withoutBackup = worldMadeOnce(async () => {
  const { store, ...world } = await worldOf();
  await fill(store);
  await store.close();
  return world;
});

/** A store that has changed since its backup, with what it had then and has now. */
const withOneBackup = worldMadeOnce(async () => {
  const { store, ...world } = await worldOf();
  await fill(store);
  await snapshotAt(store, world.destination);
  const before = await contentsOf(store, NAMES);
  await change(store);
  const contents = await contentsOf(store, NAMES);
  await store.close();
  return { ...world, before, contents };
});

/** A store with three backups, and what the last two have. */
const withThreeBackups = worldMadeOnce(async () => {
  const { store, ...world } = await worldOf();
  const { destination } = world;
  await fill(store);
  await snapshotAt(store, destination);
  await change(store);
  await snapshotAt(store, destination);
  const second = await contentsOf(store, NAMES);
  await store.store('e', 'third');
  await snapshotAt(store, destination);
  const points = new Map([
    [2, second],
    [3, await contentsOf(store, NAMES)],
  ]);
  await store.close();
  return { ...world, points };
});

/** Backs up, with troubles at the store and at the destination. */
async function backupUnder(world: ClosedWorld, atSource: FaultInjector, atDestination: FaultInjector): Promise<void> {
  const { destination } = world;
  const own = await openDoomed(world, atSource);
  const reach = { layers: [atDestination.layer] };
  await backupsOf(own, [destination], () => reach).backup(destination.url);
}

describe.each(TROUBLES)('where %s', (...trouble) => {
  describe.each(['source', 'destination'] as const)('at the %s of', (where) => {
    const first = isInTurn(trouble, where === 'source');
    it.runIf(first)(onlyLong('the first backup', first), async () => {
      await atEveryCall(trouble, async (injector, what, other) => {
        const world = await withoutBackup();
        const { source, destination, clock } = world;
        const [atSource, atDestination] = where === 'source' ? [injector, other] : [other, injector];
        const isDone = await ended(backupUnder(world, atSource, atDestination), injector);
        const expected = await openAt(source, { clock });
        const contents = await contentsOf(expected, NAMES);
        await expected.close();
        const points = await filesAt(destination, 's/');
        expect(points.size, what).toBeLessThan(2);
        if (isDone) expect(points.size, what).toBe(1);
        await goOn(world, new Map(points.size === 1 ? [[1, contents]] : []), what);
      });
    });

    const later = isInTurn(trouble, where === 'destination');
    it.runIf(later)(onlyLong('a later one', later), async () => {
      await atEveryCall(trouble, async (injector, what, other) => {
        const world = await withOneBackup();
        const { destination, before, contents } = world;
        const [atSource, atDestination] = where === 'source' ? [injector, other] : [other, injector];
        const isDone = await ended(backupUnder(world, atSource, atDestination), injector);
        const points = await filesAt(destination, 's/');
        if (isDone) expect(points.size, what).toBe(2);
        const known = new Map([[1, before]]);
        if (points.size === 2) known.set(2, contents);
        await goOn(world, known, what);
      });
    });
  });

  it('at the destination of forgetting', async () => {
    await atEveryCall(trouble, async (injector, what) => {
      const world = await withThreeBackups();
      const { source, destination, clock, points } = world;
      const store = await openAt(source, { clock });
      const backups = backupsOf(store, [destination], () => ({ layers: [injector.layer] }));
      const isDone = await ended(
        backups.forget(destination.url, () => [1]),
        injector,
      );
      await store.close();
      await expectPoints(world, points, what);
      const next = await openAt(source, { clock });
      await backupsOf(next, [destination]).forget(destination.url, () => [1]);
      const left = await backupsOf(next, [destination]).list(destination.url);
      expect(
        left.map(({ number }) => number),
        `${what}, ${isDone}`,
      ).toEqual([3, 2]);
      await next.close();
      await goOn(world, points, what);
    });
  });
});
