import { createFaultInjector } from '@securestore/backend-api';
import { rawKey } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../../../jobs/test/support/clock.ts';
import type { ObjectStore } from '../../../../src/index.ts';
import type { Place } from '../../../support/places.ts';
import { memoryPlace } from '../../../support/places.ts';
import { createAt, failure, openAt, usePlace } from '../../../support/stores.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

interface World {
  readonly place: Place;
  readonly clock: FakeClock;
}

async function world(days: number): Promise<World> {
  const clock = new FakeClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, {
    maintenance: true,
    clock,
    rotation: { days },
    categories: { pii: ['users/**'] },
  });
  await store.store('k', 'data');
  await store.store('users/1', 'personal');
  await store.close();
  return { place, clock };
}

/** The states of the keys of all categories, and how many are primary. */
async function categoryKeys(store: ObjectStore): Promise<string[]> {
  const states = await store.encryptionKeys.list();
  return states.filter(({ kind }) => kind === 'category').map(({ state }) => state);
}

const ROTATED = ['disabled', 'primary', 'disabled', 'primary'];
const FRESH = ['primary', 'primary'];

describe('keys that are as old as the store says', () => {
  it('are renewed by a process that has the store open for five minutes, and its objects are under the new ones', async () => {
    const { place, clock } = await world(90);
    clock.advance(90 * DAY - 6 * MINUTE);
    const store = await openAt(place, { maintenance: true, clock });
    await clock.pass(5.5 * MINUTE, 1000);
    expect(await categoryKeys(store)).toEqual(FRESH);
    // It looks every hour from then on.
    await clock.pass(61 * MINUTE, 1000);
    expect(await categoryKeys(store)).toEqual(ROTATED);
    expect((await store.retrieve('k')).text()).toBe('data');
    expect((await openAt(place, { maintenance: true, clock })).fingerprint).toBe(store.fingerprint);
    await clock.pass(3 * HOUR, 1000);
    expect(await categoryKeys(store)).toEqual(ROTATED);
  });

  it('are left alone where the store says never', async () => {
    const { place, clock } = await world(0);
    clock.advance(1000 * DAY);
    const store = await openAt(place, { maintenance: true, clock });
    await clock.pass(2 * HOUR, 1000);
    expect(await categoryKeys(store)).toEqual(FRESH);
  });

  it('are renewed once by two processes', async () => {
    const { place, clock } = await world(90);
    await (await openAt(place, { maintenance: true, clock })).slots.add(rawKey(Buffer.alloc(32, 9)));
    clock.advance(90 * DAY);
    const stores = [
      await openAt(place, { maintenance: true, clock }),
      await openAt(place, { maintenance: true, clock, unlock: rawKey(Buffer.alloc(32, 9)) }),
    ];
    await clock.pass(2 * HOUR, 1000);
    for (const store of stores) {
      expect(await categoryKeys(store)).toEqual(ROTATED);
      expect((await store.retrieve('users/1')).text()).toBe('personal');
      expect(await store.jobs.list()).toEqual([]);
    }
  });

  it('leave a process that only opens, reads and closes without a write', async () => {
    const { place, clock } = await world(90);
    clock.advance(91 * DAY);
    const injector = createFaultInjector();
    const effects: string[] = [];
    injector.plan(({ effect, operation }) => {
      if (effect !== 'none') effects.push(operation);
      return undefined;
    });
    const store = await openAt(place, { maintenance: true, clock, layers: [injector.layer] });
    await clock.pass(4 * MINUTE, 1000);
    await store.retrieve('k');
    await store.close();
    await clock.pass(2 * HOUR, 1000);
    expect(effects).toEqual([]);
  });
});

it('does nothing on a clock that does not sleep', async () => {
  const { place, clock } = await world(90);
  clock.advance(91 * DAY);
  const store = await openAt(place, {
    clock: { now: () => clock.now(), uptime: () => clock.uptime(), sleep: async () => undefined },
  });
  expect((await store.retrieve('k')).text()).toBe('data');
  expect(await categoryKeys(store)).toEqual(FRESH);
});

it('destroys what was scheduled when its time has come, and nothing else', async () => {
  const { place, clock } = await world(0);
  const store = await openAt(place, { maintenance: true, clock });
  const scheduled = store.encryptionKeys.destroy('pii', { waitingPeriod: DAY });
  await clock.pass(MINUTE, 1000);
  await scheduled;
  await clock.pass(DAY - HOUR, MINUTE);
  expect((await store.encryptionKeys.list()).map(({ state }) => state)).toContain('destroying');
  await clock.pass(2 * HOUR, MINUTE);
  expect((await store.encryptionKeys.list()).map(({ state }) => state)).toEqual(
    expect.arrayContaining(['destroyed', 'primary']),
  );
  await failure(store.encryptionKeys.undo('pii'), 'KEY_DESTROYED');
  expect((await store.retrieve('k')).text()).toBe('data');
});

it.each([
  [{ days: -1 }, 'rotation.days'],
  [{ days: 1.5 }, 'rotation.days'],
  [{ days: '90' }, 'rotation.days'],
  [{ weeks: 1 }, 'rotation.weeks'],
  [90, '"rotation" must be an object'],
])('a store made with the rotation %j is INVALID_ARGUMENT', async (rotation, message) => {
  const place = usePlace(memoryPlace);
  expect(
    (await failure(createAt(place, { maintenance: true, rotation: rotation as never }), 'INVALID_ARGUMENT')).message,
  ).toContain(message);
});
