import { createCallCounter, forwardTo } from '@securestore/backend-api';
import type { StorageBackend } from '@securestore/backend-api';
import { AREAS, objectName, parseStoreKey, splitRecord, workPrefix } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../src/engine.ts';
import { openConsumer, unregisterConsumer } from '../../src/journal/consumer.ts';
import { HINT_LAPSES_AFTER } from '../../src/journal/limits.ts';
import { attack } from '../support/attacker.ts';
import { Follower } from '../support/followers.ts';
import { namesUnder, worldOf } from '../support/journals.ts';
import type { Process, World } from '../support/journals.ts';
import { TORTURE } from '../support/places.ts';
import { failure } from '../support/stores.ts';

const token = (engine: Engine, key: string): string => engine.names.locate(parseStoreKey(key)).token;

/** The versions of all objects, as they lie there. */
async function versionsAt(engine: Engine): Promise<Map<string, number>> {
  const names = await namesUnder(engine, AREAS.objects);
  const read = async (name: string): Promise<[string, number]> => {
    const body = (await engine.backend.read(name))?.body ?? Buffer.alloc(0);
    return [name.slice(AREAS.objects.length), splitRecord(body).header.version];
  };
  return new Map(await Promise.all(names.map(read)));
}

interface Scene extends Process {
  readonly world: World;
  readonly follower: Follower;
}

/** A store with some objects and a consumer that knows them. */
async function scene(): Promise<Scene> {
  const world = await worldOf({ journal: false });
  const process = await world.start();
  await process.store.store('before', 'x');
  const { engine } = await world.start();
  const follower = await Follower.open(engine, world.clock);
  await follower.follow();
  world.clock.advance(6000);
  return { world, follower, ...process };
}

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
    expect(engine.watcher.state.head.journal).toBe('on');
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
    const name = objectName(token(engine, 'k'));
    const body = (await backend.read(name))?.body ?? Buffer.alloc(0);
    await backend.delete(name);
    await follower.follow();
    expect(follower.known.has(token(engine, 'k'))).toBe(false);
    await backend.write(name, body);
    const later = await Follower.open((await world.start()).engine, world.clock);
    await later.follow();
    expect(later.known.has(token(engine, 'k'))).toBe(true);
    expect([...follower.alarms, ...later.alarms]).toEqual([]);
  });

  it('forgets a hint without a commit after an hour', async () => {
    const { world, store, follower, engine } = await scene();
    await store.store('k', '1');
    const name = objectName(token(engine, 'k'));
    const body = (await engine.backend.read(name))?.body ?? Buffer.alloc(0);
    await engine.backend.delete(name);
    await follower.follow();
    world.clock.advance(HINT_LAPSES_AFTER + 1);
    await follower.follow();
    await engine.backend.write(name, body);
    await follower.follow();
    expect(follower.known.has(token(engine, 'k'))).toBe(false);
  });

  it('is one process at a time, and says so', async () => {
    const { world, follower } = await scene();
    const other = await openConsumer((await world.start()).engine, 'test');
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
});

describe('an attack on the journal', () => {
  it('[J-10] that removes a hint is an alarm, and misses nothing', async () => {
    const { world, store, follower, engine } = await scene();
    const attacker = await attack(world.place);
    for (let n = 0; n < 4; n++) await store.store(`k${n}`, 'x');
    const names = await attacker.names(AREAS.journal);
    await attacker.remove(names[1] ?? '');
    await follower.poll();
    expect(follower.alarms).toMatchObject([{ type: 'missing-hints', name: names[1] }]);
    expect(follower.consumer.passDue).toBe(true);
    await follower.follow();
    expect(follower.versions()).toEqual(await versionsAt(engine));
    expect(follower.alarms).toMatchObject([{ type: 'missing-hints' }, { type: 'unannounced' }]);
    await follower.follow();
    expect(follower.alarms).toHaveLength(2);
  });

  it('[J-10] that removes the last hint is an alarm once the store is closed', async () => {
    const { world, store, follower } = await scene();
    const attacker = await attack(world.place);
    await store.store('k', 'x');
    const [name = ''] = await attacker.names(AREAS.journal);
    await attacker.remove(name);
    await follower.follow();
    expect(follower.alarms).toEqual([]);
    await store.close();
    await follower.poll();
    expect(follower.alarms).toMatchObject([{ type: 'missing-hints', name }]);
    await follower.follow();
    expect(follower.versions()).toEqual(await versionsAt((await world.start()).engine));
  });

  it('[J-10] that removes what was read already is an alarm, once', async () => {
    const { world, store, follower } = await scene();
    await store.store('k', 'x');
    await follower.follow();
    const attacker = await attack(world.place);
    const [name = ''] = await attacker.names(AREAS.journal);
    await attacker.remove(name);
    await follower.follow();
    await follower.follow();
    expect(follower.alarms).toMatchObject([{ type: 'missing-hints', name }]);
  });

  it('that removes the registration of a writer is an alarm', async () => {
    const { world, store, follower, engine } = await scene();
    await store.store('k', 'x');
    await follower.follow();
    await store.store('k', 'y');
    const attacker = await attack(world.place);
    await attacker.remove(await attacker.name(workPrefix('writer')));
    await follower.poll();
    expect(follower.alarms).toMatchObject([{ type: 'missing-stream' }]);
    await follower.follow();
    expect(follower.versions()).toEqual(await versionsAt(engine));
  });

  it.each([
    ['a hint', AREAS.journal, 'damaged-hint'],
    ['a registration', workPrefix('writer'), 'damaged-writer'],
  ])('that damages %s is an alarm, and misses nothing', async (_what, prefix, type) => {
    const { world, store, follower, engine } = await scene();
    await store.store('k', 'x');
    const attacker = await attack(world.place);
    const name = await attacker.name(prefix);
    const body = await attacker.get(name);
    body.writeUInt8(body.readUInt8(100) ^ 1, 100);
    await attacker.put(name, body);
    await store.store('l', 'x');
    await follower.poll();
    expect(follower.alarms).toMatchObject([{ type, name }]);
    await follower.follow();
    expect(follower.versions()).toEqual(await versionsAt(engine));
  });

  it('that puts garbage far ahead is an alarm, and hides nothing', async () => {
    const { world, store, follower, engine } = await scene();
    await store.store('k', 'x');
    const attacker = await attack(world.place);
    const name = await attacker.name(AREAS.journal);
    await attacker.put(name.replace(/0$/, '9'), Buffer.alloc(200));
    await follower.poll();
    expect(follower.alarms).toMatchObject([{ type: 'damaged-hint' }]);
    await store.store('l', 'x');
    await follower.follow();
    expect(follower.versions()).toEqual(await versionsAt(engine));
  });

  it('that damages a record that was announced is an alarm', async () => {
    const { world, store, follower, engine } = await scene();
    await store.store('k', 'x');
    const attacker = await attack(world.place);
    const name = objectName(token(engine, 'k'));
    const body = await attacker.get(name);
    body.writeUInt8(body.readUInt8(body.length - 1) ^ 1, body.length - 1);
    await attacker.put(name, body);
    await follower.poll();
    expect(follower.alarms).toMatchObject([{ type: 'damaged-record', name }]);
  });

  it('that puts back, hides or rolls back objects is seen by a pass', async () => {
    const { world, store, follower, engine } = await scene();
    const attacker = await attack(world.place);
    for (const key of ['hidden', 'rolled', 'back']) await store.store(key, '1');
    const old = await attacker.copy();
    await store.store('rolled', '2');
    await follower.follow();
    const at = (key: string): string => objectName(token(engine, key));
    await attacker.remove(at('hidden'));
    await attacker.put(at('rolled'), old.get(at('rolled')) ?? Buffer.alloc(0));
    follower.known.delete(token(engine, 'back'));
    await follower.pass();
    const found = follower.alarms.map(({ type, name }) => [name, type]);
    expect(new Map(found as [string, string][])).toEqual(
      new Map([
        [at('hidden'), 'hidden'],
        [at('rolled'), 'rolled-back'],
        [at('back'), 'unannounced'],
      ]),
    );
  });
});

describe('reading changes', () => {
  it('costs as much as there are changes and writers, however many objects there are', async () => {
    const objects = TORTURE ? 100_000 : 10_000;
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
