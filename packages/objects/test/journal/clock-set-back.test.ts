import type { StorageBackend } from '@securestore/backend-api';
import { createFaultInjector, forwardTo } from '@securestore/backend-api';
import { expect, it } from 'vitest';
import type { FakeClock } from '../../../jobs/test/support/clock.ts';
import { Follower } from '../support/followers.ts';
import { worldOf } from '../support/journals.ts';

const MONTH: number = 30 * 24 * 3_600_000;

/** A backend whose clock is a month ahead, until it is set back with the times that it has given. */
function aheadOf(clock: FakeClock): { wrap: (inner: StorageBackend) => StorageBackend; reset: () => void } {
  let resetAt: number | undefined;
  const shown = (time: number): number => {
    if (resetAt === undefined) return time + MONTH;
    return time < resetAt ? Math.min(time + MONTH, resetAt) : time;
  };
  return {
    reset: () => void (resetAt = clock.now()),
    wrap: (inner) =>
      forwardTo(inner, {
        // What it says of now would keep the stores from writing.
        declare: (capabilities) => ({ ...capabilities, now: false }),
        async read(key, options) {
          const found = await inner.read(key, options);
          if (found === undefined) return undefined;
          const { now: _, ...rest } = found;
          return { ...rest, modified: shown(found.modified) };
        },
        async write(key, body, options) {
          const { etag, modified = 0 } = await inner.write(key, body, options);
          return { etag, modified: shown(modified) };
        },
        async list(prefix, options) {
          const { entries, more } = await inner.list(prefix, options);
          return { entries: entries.map((entry) => ({ ...entry, modified: shown(entry.modified) })), more };
        },
      }),
  };
}

it.each(['goes on', 'is opened again'])(
  'a commit that was announced before the clock of the backend was set back is found by a consumer that %s',
  async (how) => {
    const world = await worldOf();
    const { wrap, reset } = aheadOf(world.clock);
    const [held, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const injector = createFaultInjector(({ operation, key }) => {
      if (operation !== 'write' || key?.startsWith('o/') !== true) return undefined;
      held.resolve();
      return { type: 'delay', until: released.promise };
    });
    const { store } = await world.start({ wrap, layers: [injector.layer] });
    const { store: other } = await world.start({ wrap });
    const { engine } = await world.start({ wrap });
    let follower = await Follower.open(engine, world.clock);
    await follower.follow();
    const storing = store.store('late', '1');
    await held.promise;
    world.clock.advance(10);
    await follower.cut();
    await follower.confirm();
    expect(follower.commits).toEqual([]);
    world.clock.advance(10);
    reset();
    released.resolve();
    await storing;
    world.clock.advance(10);
    await other.store('late', '2');
    if (how === 'is opened again') follower = await Follower.open(engine, world.clock);
    // The first look shows that it has to begin anew.
    for (let looks = 0; looks < 2; looks++) await follower.follow();
    expect(new Set(follower.commits).size).toBe(2);
    expect(follower.alarms).toEqual([]);
    world.clock.advance(10);
    await other.store('late', '3');
    await follower.cut();
    expect(new Set(follower.commits).size).toBe(3);
  },
);

it('a cut during which the clock of the backend is set back is not to be published', async () => {
  const world = await worldOf();
  const { wrap, reset } = aheadOf(world.clock);
  const { store } = await world.start({ wrap });
  const { engine } = await world.start({ wrap });
  const follower = await Follower.open(engine, world.clock);
  await follower.follow();
  await store.store('a', '1');
  const { backend } = engine;
  const list = backend.list.bind(backend);
  backend.list = async (prefix, options) => {
    if (prefix.startsWith('j/')) {
      backend.list = list;
      world.clock.advance(10);
      reset();
      world.clock.advance(10);
      await store.store('b', '1');
    }
    return list(prefix, options);
  };
  expect(follower.consumer.passDue).toBe(false);
  await follower.cut().catch(() => undefined);
  expect(follower.consumer.passDue).toBe(true);
});
