import type { Layer } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../../../src/engine/engine.ts';
import type { ObjectStore } from '../../../../src/index.ts';
import { openConsumer } from '../../../../src/journal/open-consumer.ts';
import { EagerClock } from '../../../support/eager-clock.ts';
import { engineAt } from '../../../support/engines.ts';
import type { Place } from '../../../support/places.ts';
import { memoryPlace, withoutBatch } from '../../../support/places.ts';
import { createAt, usePlace } from '../../../support/stores.ts';

const KEY = Buffer.alloc(32, 8);

interface World {
  readonly place: Place;
  readonly clock: EagerClock;
  readonly store: ObjectStore;
}

async function world(): Promise<World> {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, { clock });
  await store.slots.add(rawKey(KEY));
  return { place, clock, store };
}

/** A process whose first write of the state of a consumer arrives when the keys have been rotated; nothing comes through after that, if so. */
async function late({ place, clock, store }: World, { isKilled = false } = {}): Promise<Engine> {
  let arrived = false;
  const check = (): void => {
    if (arrived && isKilled) throw new SecureStoreError('UNAVAILABLE', 'the process was killed');
  };
  const layer: Layer = (inner) =>
    Object.assign(withoutBatch(inner), {
      read: async (...[name, options]: Parameters<typeof inner.read>) => {
        check();
        return inner.read(name, options);
      },
      write: async (...[name, body, options]: Parameters<typeof inner.write>) => {
        check();
        if (arrived || !name.startsWith('w/consumer/')) return inner.write(name, body, options);
        const sent = Uint8Array.from(body);
        expect((await store.rotateEncryptionKey(KEY, KEY)).retired).not.toEqual([]);
        arrived = true;
        return inner.write(name, sent, options);
      },
    });
  return (await engineAt(place, clock, { layers: [layer] })).engine;
}

describe('the registration of a consumer that lands after its journal key was retired', () => {
  it('is sealed anew, so that the consumer goes on', async () => {
    const scene = await world();
    const { store } = scene;
    const consumer = await openConsumer(await late(scene), 'late');
    await store.store('a', 'one');
    const seen = new Set<string>();
    expect(await consumer.pass(async ({ name }) => void seen.add(name))).toEqual([]);
    expect(seen.size).toBe(1);
    expect((await consumer.poll()).alarms).toEqual([]);
    await consumer.commit();
    await openConsumer((await engineAt(scene.place, scene.clock)).engine, 'late');
  });

  it('is written again by a process that has heard of it and not of the rotation', async () => {
    const scene = await world();
    const { engine } = await engineAt(scene.place, scene.clock);
    await openConsumer(await late(scene, { isKilled: true }), 'late').catch(() => undefined);
    const consumer = await openConsumer(engine, 'late');
    expect(await consumer.pass(() => undefined)).toEqual([]);
    expect((await consumer.poll()).alarms).toEqual([]);
    await consumer.commit();
    await openConsumer((await engineAt(scene.place, scene.clock)).engine, 'late');
  });

  it('is begun anew by the next process, without an alarm, where its own was killed', async () => {
    const scene = await world();
    const { place, clock } = scene;
    await openConsumer(await late(scene, { isKilled: true }), 'late').catch(() => undefined);
    const alarms: unknown[] = [];
    const { engine } = await engineAt(place, clock);
    const consumer = await openConsumer(engine, 'late', undefined, (alarm) => alarms.push(alarm));
    expect(alarms).toEqual([]);
    expect(consumer.passDue).toBe(true);
    await openConsumer((await engineAt(place, clock)).engine, 'late');
  });
});
