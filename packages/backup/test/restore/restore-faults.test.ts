import { SecureStoreError } from '@securestore/core-format';
import type { ObjectStore } from '@securestore/objects';
import { describe, expect, it } from 'vitest';
import { mortal } from '../../../objects/test/support/eager-clock.ts';
import type { Place } from '../../../objects/test/support/places.ts';
import { withoutBatch } from '../../../objects/test/support/places.ts';
import { openAt, usePlace } from '../../../objects/test/support/stores.ts';
import { TROUBLES } from '../../../objects/test/support/troubles.ts';
import { restoreInto, restoreStoreTo } from '../../src/index.ts';
import { atEveryCall, change, ended, fill, isInTurn, NAMES, openDoomed } from '../support/faults.ts';
import { worldMadeOnce } from '../support/kept-world.ts';
import type { Contents, World } from '../support/worlds.ts';
import { backupAt, backupsOf, contentsOf, memoryAt, reached, snapshotAt, worldOf } from '../support/worlds.ts';
import { onlyLong } from '../../../../tools/campaigns/src/size.ts';

const HOUR = 60 * 60 * 1000;

/** A store that has changed since its backup, and what it had then. */
const changedSince = worldMadeOnce(async () => {
  const { store, ...world } = await worldOf();
  await fill(store);
  await snapshotAt(store, world.destination);
  const wanted = await currentOf(store);
  await change(store);
  await store.close();
  return { ...world, wanted };
});

describe.each(TROUBLES)('where %s', (...trouble) => {
  describe.each(['source', 'destination'] as const)('at the %s of', (where) => {
    const inPlace = isInTurn(trouble, where === 'source');
    it.runIf(inPlace)(onlyLong('a restore of the whole store in place', inPlace), async () => {
      await atEveryCall(trouble, async (injector, what, other) => {
        const { source, destination, clock, wanted } = await changedSince();
        const [atSource, atDestination] = where === 'source' ? [injector, other] : [other, injector];
        const options = { conflict: 'overwrite', deleteExtra: true } as const;
        const work = async (): Promise<void> => {
          const own = await openDoomed({ source, clock }, atSource);
          const reach = { layers: [atDestination.layer] };
          const backups = backupsOf(own, [destination], () => reach);
          const { failed } = await backups.restore(destination.url, options);
          if (failed.length > 0) throw new SecureStoreError('UNAVAILABLE', 'not all of it');
        };
        const isDone = await ended(work(), injector);
        const next = await openAt(source, { clock });
        const backups = backupsOf(next, [destination]);
        if (isDone) {
          expect(await currentOf(next), what).toEqual(wanted);
        } else {
          clock.advance(HOUR);
          const again = await backups.restore(destination.url, options);
          expect(again.failed, what).toEqual([]);
          // Where only the answer was lost it was done, and this one brought back what was before.
          if (again.snapshot === 1) expect(await currentOf(next), what).toEqual(wanted);
        }
        await next.store('f', 'others may write again');
        expect((await next.verify({ payloads: true })).findings, what).toEqual([]);
        await next.close();
      });
    });

    const intoStore = isInTurn(trouble, where === 'destination');
    it.runIf(intoStore)(onlyLong('a restore into a store', intoStore), async () => {
      await atEveryCall(trouble, async (injector, what, other) => {
        const { source, destination, clock, wanted } = await changedSince();
        const [atSource, atDestination] = where === 'source' ? [injector, other] : [other, injector];
        const options = { conflict: 'overwrite', deleteExtra: true } as const;
        const work = async (): Promise<void> => {
          const own = await openDoomed({ source, clock }, atSource);
          const backup = await backupAt(destination, mortal(clock, injector), { layers: [atDestination.layer] });
          await using view = await backup.open();
          const { failed } = await restoreInto(view, own, options);
          if (failed.length > 0) throw new SecureStoreError('UNAVAILABLE', 'not all of it');
        };
        const isDone = await ended(work(), injector);
        const next = await openAt(source, { clock });
        if (isDone) expect(await currentOf(next), what).toEqual(wanted);
        const backup = await backupAt(destination, clock);
        const again = await restoreInto(await backup.open(), next, options);
        expect(again.failed, what).toEqual([]);
        expect(await currentOf(next), what).toEqual(wanted);
        expect((await next.verify({ payloads: true })).findings, what).toEqual([]);
        await next.close();
      });
    });
  });

  describe.each([
    ['the target', true],
    ['the destination', false],
  ] as const)('at %s of', (_what, isTarget) => {
    const isRun = isInTurn(trouble, isTarget);
    it.runIf(isRun)(onlyLong('a restore to a new place', isRun), async () => {
      const world = await worldOf();
      const { store, destination, clock } = world;
      await fill(store);
      await snapshotAt(store, destination);
      const contents = await contentsOf(store, NAMES);
      await atEveryCall(trouble, async (injector, what, other) => {
        const to: Place = usePlace(() => memoryAt(clock));
        const [atTarget, atDestination] = isTarget ? [injector, other] : [other, injector];
        const work = async (): Promise<void> => {
          const backup = await backupAt(destination, mortal(clock, injector), { layers: [atDestination.layer] });
          await restoreStoreTo(backup, await reached(to, { layers: [atTarget.layer], wrap: withoutBatch }));
        };
        const isDone = await ended(work(), injector);
        const head = await (await reached(to)).read('store');
        // Until it is whole nobody takes it for a store.
        if (isDone || head !== undefined) expect(await contentsIn(to, world), what).toEqual(contents);
        const backup = await backupAt(destination, clock);
        await restoreStoreTo(backup, await reached(to)).catch((error: unknown) => {
          if (!SecureStoreError.is(error, 'ALREADY_EXISTS') || head === undefined) throw error;
        });
        // It holds keys.
        expect(await (await reached(to)).read('w/restore'), what).toBeUndefined();
        expect(await contentsIn(to, world), what).toEqual(contents);
      });
    });
  });
});

async function contentsIn(place: Place, { clock }: World): Promise<Contents> {
  const store = await openAt(place, { clock });
  const contents = await contentsOf(store, NAMES);
  expect((await store.verify({ payloads: true })).findings).toEqual([]);
  await store.close();
  return contents;
}

/** What the newest versions are of, whatever they are called. */
async function currentOf(store: ObjectStore): Promise<object> {
  const contents = await contentsOf(store);
  return Object.fromEntries(
    Object.entries(contents).map(([key, [newest]]) => [key, [newest?.data, newest?.metadata, newest?.expires]]),
  );
}
