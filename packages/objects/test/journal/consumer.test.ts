import { createCallCounter, forwardTo } from '@securestore/backend-api';
import type { StorageBackend } from '@securestore/backend-api';
import { AREAS, objectName, splitRecord, workPrefix } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { openConsumer, unregisterConsumer } from '../../src/journal/open-consumer.ts';
import { HINT_LAPSES_AFTER } from '../../src/engine/journal-limits.ts';
import { attack } from '../support/attacker.ts';
import { Follower } from '../support/followers.ts';
import { namesUnder, passing, worldOf } from '../support/journals.ts';
import { scene, tokenOf, versionsAt } from '../support/scenes.ts';
import { failure } from '../support/stores.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';

/** A backend that holds as little in a body as any may. */
const small = (backend: StorageBackend): StorageBackend =>
  forwardTo(backend, { declare: (capabilities) => ({ ...capabilities, maxBodyBytes: 65_536 }) });

describe('a consumer', () => {
  it('switches the journal on, and begins with a pass over all objects', async () => {
    const world = await worldOf({ journal: false });
    const { store, engine } = await world.start();
    await store.store('a', '1');
    await store.store('b', '1');
    const follower = await Follower.open(engine, world.clock);
    expect(follower.consumer.passDue).toBe(true);
    expect(engine.monitor.state.head.journal).toBe('on');
    await follower.follow();
    expect(follower.consumer.passDue).toBe(false);
    expect(follower.versions()).toEqual(await versionsAt(engine));
    expect(follower.alarms).toEqual([]);
  });

  it('is told of every kind of change, also in names that are too long to show', async () => {
    const { store, follower, engine } = await scene();
    const long = 'n'.repeat(500);
    for (const key of ['a', long, 'gone', `${long}/x`]) await store.store(key, '1');
    await store.setMetadata('a', { n: 1 });
    await store.delete('gone');
    await store.delete(`${long}/x`);
    await store.purge('before');
    await follower.follow();
    expect(follower.versions()).toEqual(await versionsAt(engine));
    expect([...follower.known.values()].filter(({ deleted }) => deleted)).toHaveLength(3);
    expect(follower.alarms).toEqual([]);
  });

  it('is given every version, the overwritten ones from the history', async () => {
    const { store, follower } = await scene();
    follower.commits.length = 0;
    for (let n = 0; n < 5; n++) await store.store('k', `${n}`);
    await follower.follow();
    expect(new Set(follower.commits).size).toBe(5);
  });

  it('is given nothing twice once it has confirmed it, and all of it again where it has not', async () => {
    const { world, store, follower } = await scene();
    await store.store('k', '1');
    await follower.poll();
    const again = await Follower.open((await world.start()).engine, world.clock);
    await again.follow();
    expect(again.commits).toEqual(follower.commits.slice(1));
    const third = await Follower.open((await world.start()).engine, world.clock);
    await third.follow();
    expect(third.commits).toEqual([]);
  });

  it('reads a few hints at a time where it is told to', async () => {
    const { store, follower, engine } = await scene();
    for (let n = 0; n < 20; n++) await store.store(`k${n}`, 'x');
    const first = await follower.consumer.poll({ limit: 5 });
    expect(first.more).toBe(true);
    expect(first.changes).toHaveLength(5);
    for (const change of first.changes) follower.take(change);
    await follower.poll(5);
    expect(follower.versions()).toEqual(await versionsAt(engine));
  });

  it('keeps a hint without a commit until the commit comes', async () => {
    const { world, store, follower, engine } = await scene();
    await store.store('k', '1');
    const { backend } = engine;
    const name = objectName(tokenOf(engine, 'k'));
    const body = (await backend.read(name))?.body ?? Buffer.alloc(0);
    await backend.delete(name);
    world.clock.advance(60_000);
    await follower.follow();
    expect(follower.known.has(tokenOf(engine, 'k'))).toBe(false);
    world.clock.advance(60_000);
    await backend.write(name, body);
    const later = await Follower.open((await world.start()).engine, world.clock);
    await later.follow();
    expect(later.known.has(tokenOf(engine, 'k'))).toBe(true);
    expect([...follower.alarms, ...later.alarms]).toEqual([]);
  });

  it('forgets a hint without a commit after an hour', async () => {
    const { world, store, follower, engine } = await scene();
    await store.store('k', '1');
    const name = objectName(tokenOf(engine, 'k'));
    const body = (await engine.backend.read(name))?.body ?? Buffer.alloc(0);
    await engine.backend.delete(name);
    await follower.follow();
    world.clock.advance(HINT_LAPSES_AFTER + 1);
    await follower.follow();
    await engine.backend.write(name, body);
    await follower.follow();
    expect(follower.known.has(tokenOf(engine, 'k'))).toBe(false);
  });

  it('is one process at a time, and says so', async () => {
    const { world, store, follower } = await scene();
    const other = await openConsumer((await world.start()).engine, 'test');
    await store.store('k', 'x');
    await other.poll();
    await other.commit();
    const error = await failure(follower.consumer.poll(), 'CONFLICT');
    expect(error.message).toContain('"test"');
    await failure(follower.consumer.commit(), 'CONFLICT');
  });

  it('that was unregistered is NOT_FOUND, and begins anew when it is opened again', async () => {
    const { follower, engine, world } = await scene();
    await follower.consumer.unregister();
    await failure(follower.consumer.poll(), 'NOT_FOUND');
    expect(await namesUnder(engine, workPrefix('consumer'))).toEqual([]);
    expect((await Follower.open(engine, world.clock)).consumer.passDue).toBe(true);
  });

  it.each(['', 'a//b', 'x'.repeat(65)])('with the label %j is refused', async (label) => {
    const { engine } = await (await worldOf()).start();
    await expect(openConsumer(engine, label)).rejects.toMatchObject({
      code: expect.stringMatching(/^INVALID_(KEY|ARGUMENT)$/),
    });
  });

  it('whose state is damaged is INTEGRITY until it is unregistered', async () => {
    const { world, engine } = await scene();
    const [name = ''] = await namesUnder(engine, workPrefix('consumer'));
    await (await attack(world.place)).put(name, Buffer.alloc(100));
    await failure(openConsumer(engine, 'test'), 'INTEGRITY');
    await unregisterConsumer(engine, 'test');
    expect((await openConsumer(engine, 'test')).passDue).toBe(true);
  });

  it('with more pending than it can remember begins anew with a pass, and misses nothing', async () => {
    const world = await worldOf();
    const { store } = await world.start();
    const { engine } = await world.start({ wrap: small });
    const follower = await Follower.open(engine, world.clock);
    await follower.follow();
    const keys = Array.from({ length: 500 }, (_, n) => `${'long/'.repeat(19)}${n}`);
    await Promise.all(keys.map((key) => store.store(key, 'x')));
    const attacker = await attack(world.place);
    const copy = await attacker.copy();
    for (const name of await attacker.names(AREAS.objects)) await attacker.remove(name);
    await follower.poll();
    await follower.consumer.commit();
    expect(follower.consumer.passDue).toBe(true);
    for (const [name, body] of copy) if (name.startsWith(AREAS.objects)) await attacker.put(name, body);
    await follower.follow();
    expect(follower.consumer.passDue).toBe(false);
    expect(follower.known.size).toBe(500);
    expect(follower.alarms).toEqual([]);
  });

  it('is given what was announced only after it had been replaced', async () => {
    const world = await worldOf({ journal: false });
    const answer = Promise.withResolvers<void>();
    const landed = Promise.withResolvers<void>();
    const wrap = (inner: StorageBackend): StorageBackend =>
      forwardTo(inner, {
        async write(key, body, options) {
          const written = await inner.write(key, body, options);
          if (key.startsWith(AREAS.objects)) {
            landed.resolve();
            await answer.promise;
          }
          return written;
        },
      });
    const slow = await world.start({ wrap });
    const storing = slow.store.store('k', 'announced late');
    await landed.promise;
    await (await world.start()).store.store('k', 'newer');
    const follower = await Follower.open((await world.start()).engine, world.clock);
    await follower.follow();
    expect(new Set(follower.commits).size).toBe(1);
    world.clock.advance(60_000);
    answer.resolve();
    await passing(world.clock, storing);
    await follower.follow();
    expect(new Set(follower.commits).size).toBe(2);
  });
});

describe('reading changes', () => {
  it('costs as much as there are changes and writers, however many objects there are', async () => {
    const objects = sized({ short: 2000, full: 10_000, torture: 100_000 });
    const world = await worldOf();
    const { store } = await world.start();
    const others = await Promise.all([world.start(), world.start()]);
    for (let n = 0; n < objects; n += 1000) {
      await Promise.all(Array.from({ length: 1000 }, (_, k) => store.store(`many/${n + k}`, 'x')));
    }
    const counter = createCallCounter();
    const { engine } = await world.start({ layers: [counter.layer] });
    const follower = await Follower.open(engine, world.clock);
    await follower.follow();
    expect(follower.known.size).toBe(objects);
    for (let n = 0; n < 100; n++) await (others[n % 2] ?? others[0]).store.store(`many/${n * 7}`, 'y');
    counter.reset();
    await follower.follow();
    const { length: cost } = counter.calls;
    expect(follower.versions()).toEqual(await allVersions(engine, objects));
    // Its own state twice, and the writers; of each writer its registration and its stream, and of each change a hint
    // and a record.
    expect(cost).toBeLessThan(2 * 100 + 3 * 2 + 10);
  });
});

async function allVersions(engine: Engine, count: number): Promise<Map<string, number>> {
  const all = new Map<string, number>();
  for (let after: string | undefined; all.size < count;) {
    const page = await engine.backend.list(AREAS.objects, after === undefined ? {} : { after });
    for (const { key } of page.entries) {
      const body = (await engine.backend.read(key))?.body ?? Buffer.alloc(0);
      all.set(key.slice(AREAS.objects.length), splitRecord(body).header.version);
      after = key;
    }
  }
  return all;
}
