import type { StorageBackend } from '@securestore/backend-api';
import { createFaultInjector } from '@securestore/backend-api';
import { AREAS, SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../jobs/test/support/clock.ts';
import type { ObjectStore } from '../../src/index.ts';
import { Follower } from '../support/followers.ts';
import { worldOf } from '../support/journals.ts';
import type { Place } from '../support/places.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, openAt, usePlace } from '../support/stores.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Several processes that keep one store open, and how often it is collected. */
interface Scene {
  readonly clock: FakeClock;
  readonly place: Place;
  readonly backend: StorageBackend;
  readonly begun: { count: number };
  readonly open: (collects?: () => boolean) => Promise<ObjectStore>;
}

async function scene(): Promise<Scene> {
  const clock = new FakeClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  await (await createAt(place, { clock, rotation: { days: 0 } })).close();
  const begun = { count: 0 };
  const open = async (collects = (): boolean => true): Promise<ObjectStore> => {
    const injector = createFaultInjector();
    injector.plan(({ operation, key }) => {
      // Only a collection lists all payloads, and once.
      if (operation !== 'list' || key !== AREAS.blobs) return undefined;
      begun.count += 1;
      return collects() ? undefined : { type: 'fail', error: new SecureStoreError('ACCESS_DENIED', 'no listing') };
    });
    return openAt(place, { clock, maintenance: true, layers: [injector.layer] });
  };
  return { clock, place, backend: await place.open(), begun, open };
}

describe('a store that processes keep open', () => {
  it.each([1, 2, 5])('is collected once a day, by %i of them', async (processes) => {
    const { clock, begun, open } = await scene();
    for (let n = 0; n < processes; n++) {
      await open();
      await clock.pass(3 * HOUR, MINUTE);
    }
    const before = begun.count;
    await clock.pass(3 * DAY, 5 * MINUTE);
    expect(begun.count - before).toBe(3);
  });

  it('is collected once by processes that look at the same moment', async () => {
    const { clock, begun, open } = await scene();
    await Promise.all([open(), open(), open()]);
    await clock.pass(2 * HOUR, MINUTE);
    expect(begun.count).toBe(1);
  });

  it('is not collected again for a day after somebody asked for it', async () => {
    const { clock, begun, open } = await scene();
    const store = await open();
    await store.gc();
    expect(begun.count).toBe(1);
    await clock.pass(20 * HOUR, 5 * MINUTE);
    expect(begun.count).toBe(1);
    await store.gc();
    expect(begun.count).toBe(2);
  });

  it('is collected by another one within an hour where one can not', async () => {
    const { clock, begun, open } = await scene();
    await open(() => false);
    await clock.pass(6 * MINUTE, MINUTE);
    expect(begun.count).toBe(1);
    await open();
    await clock.pass(HOUR, MINUTE);
    expect(begun.count).toBe(2);
    await clock.pass(20 * HOUR, 5 * MINUTE);
    expect(begun.count).toBe(2);
  });

  it('is not collected every hour where collections fail', async () => {
    const { clock, begun, open } = await scene();
    await open(() => false);
    await clock.pass(2 * DAY, 5 * MINUTE);
    expect(begun.count).toBe(2);
  });

  it('is collected where what says when it was is damaged', async () => {
    const { clock, begun, backend, open } = await scene();
    const store = await open();
    await store.gc();
    const { entries } = await backend.list(`${AREAS.work}collected/`);
    expect(entries).toHaveLength(1);
    for (const { key } of entries) await backend.write(key, Buffer.from('damaged'));
    await clock.pass(HOUR, MINUTE);
    expect(begun.count).toBe(2);
  });
});

it('knows when it was collected also after its keys were renewed', async () => {
  const { clock, begun, open } = await scene();
  const store = await open();
  await store.gc();
  const rotated = store.rotateEncryptionKey(Buffer.alloc(32, 7), Buffer.alloc(32, 8));
  await clock.pass(MINUTE);
  const { failed, remaining } = await rotated;
  expect({ failed, remaining }).toEqual({ failed: 0, remaining: {} });
  const before = begun.count;
  await clock.pass(20 * HOUR, 5 * MINUTE);
  expect(begun.count).toBe(before);
});

it('lets consumers expire that were silent for a week', async () => {
  const world = await worldOf();
  const follower = await Follower.open((await world.start()).engine, world.clock);
  await follower.follow();
  await openAt(world.place, { clock: world.clock, maintenance: true });
  await world.clock.pass(6 * DAY, 10 * MINUTE);
  await follower.poll();
  expect(follower.consumer.passDue).toBe(false);
  await world.clock.pass(3 * DAY, 10 * MINUTE);
  await follower.poll();
  expect(follower.consumer.passDue).toBe(true);
});
