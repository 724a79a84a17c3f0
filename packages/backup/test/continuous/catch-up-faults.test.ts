import type { FaultInjector } from '@securestore/backend-api';
import { describe, expect, it } from 'vitest';
import { openAt } from '../../../objects/test/support/stores.ts';
import { TROUBLES } from '../../../objects/test/support/troubles.ts';
import { atEveryCall, ended, openDoomed } from '../support/faults.ts';
import type { ClosedWorld } from '../support/kept-world.ts';
import { worldMadeOnce } from '../support/kept-world.ts';
import { backupsOf, worldOf } from '../support/worlds.ts';

const HOUR = 60 * 60 * 1000;
const EVERY = 13;

/** What was there at a moment. */
interface Moment {
  readonly at: Date;
  readonly values: Readonly<Record<string, string>>;
}

/** A store that was followed, and then changed while nobody shipped. */
const leftAlone = worldMadeOnce(async () => {
  const { store, ...world } = await worldOf();
  const { destination, clock } = world;
  await store.store('a', '0');
  const following = await backupsOf(store, [destination]).startContinuous(destination.url);
  await following.caughtUp();
  await following.close();
  const moments: Moment[] = [];
  for (const value of ['1', '2', '3']) {
    await store.store('a', value);
    await store.store(`b${value}`, 'x');
    if (value === '3') await store.delete('b1');
    await clock.sleep(2000);
    const values: Record<string, string> = {};
    for (const key of await store.list()) values[key] = (await store.retrieve(key)).text();
    moments.push({ at: new Date(clock.now()), values });
    await clock.sleep(60_000);
  }
  await store.close();
  return { ...world, moments };
});

/** Catches up, with troubles at the store and at the destination. */
async function catchUp(world: ClosedWorld, atSource: FaultInjector, atDestination: FaultInjector): Promise<void> {
  const { destination } = world;
  const own = await openDoomed(world, atSource);
  const backups = backupsOf(own, [destination], () => ({ layers: [atDestination.layer] }));
  const following = await backups.startContinuous(destination.url);
  try {
    await following.caughtUp();
  } finally {
    await following.close();
    await own.close();
  }
}

describe.each(TROUBLES)('a continuous backup that catches up where %s', (...trouble) => {
  it.each(['source', 'destination'] as const)('at the %s loses no moment', { timeout: 300_000 }, async (where) => {
    await atEveryCall(
      trouble,
      async (injector, what, other) => {
        const world = await leftAlone();
        const { source, destination, clock, moments } = world;
        const [atSource, atDestination] = where === 'source' ? [injector, other] : [other, injector];
        await ended(catchUp(world, atSource, atDestination), injector);
        // Until a killed process is known to be gone.
        clock.advance(HOUR);
        const next = await openAt(source, { clock });
        const backups = backupsOf(next, [destination]);
        const following = await backups.startContinuous(destination.url);
        await following.caughtUp();
        await following.close();
        expect(following.status.findings, what).toEqual([]);
        expect(await backups.windows(destination.url), what).toHaveLength(1);
        for (const { at, values } of moments) {
          const found = await backups.read(destination.url, { at }, async (view) => {
            const then: Record<string, string> = {};
            for (const key of await view.list()) then[key] = (await view.retrieve(key)).text();
            return then;
          });
          expect(found, `${what}: ${at.toISOString()}`).toEqual(values);
        }
        expect((await backups.verify(destination.url, { depth: 'opens' })).findings, what).toEqual([]);
        await next.close();
      },
      EVERY,
    );
  });
});
