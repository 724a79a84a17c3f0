import type { StorageBackend } from '@securestore/backend-api';
import { createFaultInjector, forwardTo } from '@securestore/backend-api';
import { describe, expect, it } from 'vitest';
import { Follower } from '../support/followers.ts';
import type { Process, World } from '../support/journals.ts';
import { worldOf } from '../support/journals.ts';
import { tokenOf } from '../support/scenes.ts';

/** A backend whose clock shows whole steps of `resolution` milliseconds, and is `skew` milliseconds ahead. */
function withClock(resolution: number, skew = 0, declared = skew): (backend: StorageBackend) => StorageBackend {
  const shown = (time: number): number => Math.floor((time + skew) / resolution) * resolution;
  return (inner) => {
    const outer = forwardTo(inner, {
      declare: (capabilities) => ({ ...capabilities, modifiedResolution: resolution, clockSkew: declared, now: false }),
    });
    return {
      ...outer,
      name: inner.name,
      capabilities: { ...inner.capabilities, modifiedResolution: resolution, clockSkew: declared, now: false },
      init: (config) => inner.init(config),
      delete: (key, options) => inner.delete(key, options),
      close: () => inner.close(),
      async read(key, options) {
        const found = await inner.read(key, options);
        if (found === undefined) return undefined;
        const { now: _, ...rest } = found;
        return { ...rest, modified: shown(found.modified) };
      },
      async write(key, body, options) {
        const { etag } = await inner.write(key, body, options);
        return { etag };
      },
      async list(prefix, options) {
        const { entries, more } = await inner.list(prefix, options);
        return { entries: entries.map((entry) => ({ ...entry, modified: shown(entry.modified) })), more };
      },
    };
  };
}

interface Scene extends Process {
  readonly world: World;
  readonly follower: Follower;
}

async function scene(wrap: (backend: StorageBackend) => StorageBackend = (backend) => backend): Promise<Scene> {
  const world = await worldOf();
  const process = await world.start({ wrap });
  const { engine } = await world.start({ wrap });
  const follower = await Follower.open(engine, world.clock);
  await follower.follow();
  return { world, follower, store: process.store, engine };
}

/** A backend whose clock stands still. */
const stands = (inner: StorageBackend): StorageBackend => {
  const outer = withClock(1)(inner);
  return {
    ...outer,
    read: async (key, options) => {
      const found = await outer.read(key, options);
      return found && { ...found, modified: 5 };
    },
  };
};

describe('a cut', () => {
  it.each([
    ['a millisecond', 1, 0],
    ['a second', 1000, 0],
    ['a second, on servers that are apart', 1000, 700],
  ])('holds what was acknowledged before it, with a clock of %s', async (_what, resolution, skew) => {
    const { world, store, follower, engine } = await scene(withClock(resolution, 0, skew));
    let last = 0;
    for (let n = 0; n < 5; n++) {
      world.clock.advance(333);
      await store.store(`k${n}`, 'x');
      const time = await follower.cut();
      expect(follower.known.has(tokenOf(engine, `k${n}`))).toBe(true);
      expect(time).toBeGreaterThan(last);
      last = time;
    }
    expect(follower.alarms).toEqual([]);
  });

  it('holds what servers whose clocks are ahead have written', async () => {
    const { world, follower, engine } = await scene(withClock(1000, 0, 800));
    const { store } = await world.start({ wrap: withClock(1000, 800) });
    await store.store('k', 'x');
    await follower.cut();
    expect(follower.known.has(tokenOf(engine, 'k'))).toBe(true);
  });

  it('leaves to the next one what comes after its tick, and what depends on it', async () => {
    const world = await worldOf();
    const { store } = await world.start();
    const { store: second } = await world.start();
    const { engine } = await world.start();
    const follower = await Follower.open(engine, world.clock);
    await follower.follow();
    await store.store('a', '1');
    await second.store('b', '1');
    const late = async (): Promise<void> => {
      await store.store('first', 'x');
      await second.store('second', 'x');
    };
    // Both changes come when one of the two streams has been listed and the other has not.
    const { backend } = engine;
    const list = backend.list.bind(backend);
    let streams = 0;
    backend.list = async (prefix, options) => {
      const page = await list(prefix, options);
      if (prefix.startsWith('j/') && ++streams === 1) await late();
      return page;
    };
    await follower.cut();
    expect(follower.known.has(tokenOf(engine, 'a'))).toBe(true);
    expect(follower.known.has(tokenOf(engine, 'b'))).toBe(true);
    const first = follower.known.has(tokenOf(engine, 'first'));
    const dependent = follower.known.has(tokenOf(engine, 'second'));
    expect({ first, dependent }).toEqual({ first: false, dependent: false });
    backend.list = list;
    await follower.cut();
    expect(follower.known.has(tokenOf(engine, 'first'))).toBe(true);
    expect(follower.known.has(tokenOf(engine, 'second'))).toBe(true);
  });

  it('holds the version of its time of an object that was overwritten after it', async () => {
    const { world, store, follower, engine } = await scene();
    const old = await store.store('k', 'old');
    const { backend } = engine;
    const list = backend.list.bind(backend);
    backend.list = async (prefix, options) => {
      const page = await list(prefix, options);
      if (prefix.startsWith('j/')) {
        backend.list = list;
        world.clock.advance(1);
        await store.store('k', 'new');
      }
      return page;
    };
    await follower.cut();
    const { known } = follower;
    const version = known.get(tokenOf(engine, 'k'))?.version ?? 0;
    expect(old.version.startsWith(version.toString(32).padStart(11, '0'))).toBe(true);
    await follower.cut();
    expect(known.get(tokenOf(engine, 'k'))?.version).toBeGreaterThan(version);
  });

  it('that finds a commit late holds it, and the ones before do not', async () => {
    const world = await worldOf();
    const released = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const injector = createFaultInjector(({ operation, key }) => {
      if (operation !== 'write' || key?.startsWith('o/') !== true) return undefined;
      held.resolve();
      return { type: 'delay', until: released.promise };
    });
    const { store } = await world.start({ layers: [injector.layer] });
    const { engine } = await world.start();
    const follower = await Follower.open(engine, world.clock);
    await follower.follow();
    const storing = store.store('late', 'x');
    await held.promise;
    await follower.cut();
    await follower.consumer.commit();
    expect(follower.known.has(tokenOf(engine, 'late'))).toBe(false);
    released.resolve();
    await storing;
    await follower.cut();
    expect(follower.known.has(tokenOf(engine, 'late'))).toBe(true);
  });

  it('is given up where the clock of the backend stands still', async () => {
    const { follower } = await scene(stands);
    await expect(follower.cut()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});
