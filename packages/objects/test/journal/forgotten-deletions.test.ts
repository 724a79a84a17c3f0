import type { StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { AREAS } from '@securestore/core-format';
import { expect, it } from 'vitest';
import { FakeClock } from '../../../jobs/test/support/clock.ts';
import { CONSUMER_EXPIRES_AFTER } from '../../src/engine/journal-limits.ts';
import type { Process } from '../support/collection.ts';
import { DAY, HOUR, namesUnder, processAt, whileTimePasses } from '../support/collection.ts';
import { Follower } from '../support/followers.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, usePlace } from '../support/stores.ts';

interface World {
  readonly clock: FakeClock;
  readonly owner: Process;
  readonly follower: Follower;
  /** From now on, something happens before the next listing of all objects by the follower. */
  readonly beforeItLists: (act: () => Promise<void>) => void;
  /** Deletes the object "k", and collects until that is forgotten, while nothing is heard of the follower. */
  readonly forget: (stream?: 'goes on' | 'is gone') => Promise<void>;
}

/** A consumer that knows the objects "k" and "l". */
async function newWorld(): Promise<World> {
  const clock = new FakeClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  await (await createAt(place, { clock, journal: true, history: { versions: 0, days: 0 } })).close();
  const owner = await processAt(place, { clock });
  let waiting: (() => Promise<void>) | undefined;
  const wrap = (inner: StorageBackend): StorageBackend =>
    forwardTo(inner, {
      async list(prefix, options) {
        if (prefix !== AREAS.objects || waiting === undefined) return inner.list(prefix, options);
        const act = waiting;
        waiting = undefined;
        await act();
        return inner.list(prefix, options);
      },
    });
  const follower = await Follower.open((await processAt(place, { clock, wrap })).engine, clock);
  const { store, engine } = owner;
  await store.store('k', 'x');
  await store.store('l', 'x');
  await follower.follow();
  const forget: World['forget'] = async (stream = 'goes on') => {
    const deleter = stream === 'goes on' ? store : (await processAt(place, { clock })).store;
    await deleter.delete('k');
    if (stream === 'is gone') await deleter.close();
    else for (const data of ['y', 'z']) await store.store('l', data);
    clock.advance(CONSUMER_EXPIRES_AFTER + DAY);
    await whileTimePasses(clock, Promise.resolve(store.gc()));
    expect(await namesUnder(engine.backend, AREAS.objects)).toHaveLength(1);
    clock.advance(2 * HOUR);
    await whileTimePasses(clock, Promise.resolve(store.gc()));
  };
  return { clock, owner, follower, beforeItLists: (act) => void (waiting = act), forget };
}

it('a consumer that has expired is told of what is gone, and does not take it for hidden later', async () => {
  const { follower, forget } = await newWorld();
  await forget();
  // It learns first that it has expired.
  await follower.poll();
  await follower.follow();
  expect(follower.known.size).toBe(1);
  await follower.pass();
  expect(follower.alarms).toEqual([]);
});

it('a consumer that was told that an object is gone sees it come back', async () => {
  const { owner, follower, forget } = await newWorld();
  const { backend } = owner.engine;
  const before = new Map<string, Uint8Array>();
  for (const name of await namesUnder(backend, AREAS.objects)) {
    const found = await backend.read(name);
    if (found !== undefined) before.set(name, found.body);
  }
  await forget();
  // It learns first that it has expired.
  await follower.poll();
  await follower.follow();
  const [hidden] = [...before].filter(([name]) => ![...follower.known.keys()].some((token) => name.endsWith(token)));
  if (hidden === undefined) throw new Error('nothing was forgotten');
  await backend.write(...hidden);
  await follower.pass();
  expect(follower.alarms).toMatchObject([{ type: 'unannounced', name: hidden[0] }]);
});

it.each(['goes on', 'is gone'] as const)(
  'a consumer that expires in a pass does not take what is gone for hidden: the stream that announced that %s',
  async (stream) => {
    const { clock, follower, beforeItLists, forget } = await newWorld();
    beforeItLists(() => forget(stream));
    await whileTimePasses(clock, follower.pass());
    expect(follower.alarms).toEqual([]);
    expect(follower.consumer.passDue).toBe(true);
    await follower.follow();
    expect(follower.known.size).toBe(1);
    expect(follower.alarms).toEqual([]);
  },
);
