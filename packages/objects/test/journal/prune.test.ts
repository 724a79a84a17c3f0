import type { StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import {
  AREAS,
  decodeBase32,
  encodeWriter,
  hintName,
  hintSequence,
  workName,
  workPrefix,
} from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { CONSUMER_EXPIRES_AFTER, HINT_LAPSES_AFTER, STREAM_CLOSES_AFTER } from '../../src/engine/journal-limits.ts';
import { pruneJournal, unreadSince } from '../../src/journal/prune.ts';
import { listWriters, readRegistration } from '../../src/journal/streams.ts';
import { writeSystemObject } from '../../src/engine/sealed-objects.ts';
import { attack } from '../support/attacker.ts';
import { Follower } from '../support/followers.ts';
import { namesUnder, scene, storeTimes, writersAt } from '../support/journals.ts';

const AN_HOUR: number = HINT_LAPSES_AFTER + 2;

/** The sequence numbers that are there of all streams. */
async function sequences(engine: Engine): Promise<number[]> {
  const names = await namesUnder(engine, AREAS.journal);
  return names.map((name) => hintSequence(name.slice(0, name.lastIndexOf('/') + 1), name) ?? -1);
}

/** The registrations of all streams. */
async function registrations(engine: Engine): Promise<unknown[]> {
  const writers = await listWriters(engine);
  return Promise.all(writers.map((writer) => readRegistration(engine, writer)));
}

describe('pruning the journal', () => {
  it('removes all but the last hint after an hour while nobody reads it', async () => {
    const { world, store, cleaner } = await scene();
    await storeTimes(store, 4);
    await pruneJournal(cleaner);
    expect(await sequences(cleaner)).toEqual([0, 1, 2, 3]);
    world.clock.advance(AN_HOUR);
    await store.store('k', 'young');
    await pruneJournal(cleaner);
    expect(await sequences(cleaner)).toEqual([4]);
    await store.store('k', 'x');
    expect(await sequences(cleaner)).toEqual([4, 5]);
  });

  it('[J-11] keeps what a consumer has not confirmed', async () => {
    const { world, store, cleaner } = await scene();
    const follower = await Follower.open(cleaner, world.clock);
    await follower.follow();
    const behind = await Follower.open(cleaner, world.clock, 'behind');
    await behind.follow();
    await storeTimes(store, 3);
    await behind.follow();
    await storeTimes(store, 3);
    await follower.follow();
    world.clock.advance(AN_HOUR);
    await pruneJournal(cleaner);
    expect(await registrations(cleaner)).toMatchObject([{ floor: 2, ended: false }]);
    expect(await sequences(cleaner)).toEqual([2, 3, 4, 5]);
    await behind.poll();
    await pruneJournal(cleaner);
    expect(await sequences(cleaner)).toEqual([2, 3, 4, 5]);
    await behind.consumer.commit();
    await pruneJournal(cleaner);
    expect(await sequences(cleaner)).toEqual([5]);
    await storeTimes(store, 2);
    await Promise.all([follower.follow(), behind.follow()]);
    expect([...follower.alarms, ...behind.alarms]).toEqual([]);
    expect(behind.versions()).toEqual(follower.versions());
  });

  it('leaves a consumer that joins later at the right place', async () => {
    const { world, store, cleaner } = await scene();
    await storeTimes(store, 5);
    world.clock.advance(AN_HOUR);
    await pruneJournal(cleaner);
    const follower = await Follower.open(cleaner, world.clock);
    await follower.follow();
    expect(follower.consumer.passDue).toBe(false);
    await storeTimes(store, 2);
    await follower.follow();
    expect(follower.alarms).toEqual([]);
    expect(follower.consumer.passDue).toBe(false);
  });

  it('removes closed streams and their registrations when all have read them', async () => {
    const { world, store, cleaner } = await scene();
    const follower = await Follower.open(cleaner, world.clock);
    await storeTimes(store, 2);
    await store.close();
    world.clock.advance(AN_HOUR);
    await pruneJournal(cleaner);
    expect(await sequences(cleaner)).toEqual([0, 1, 2]);
    await follower.follow();
    await pruneJournal(cleaner);
    expect(await registrations(cleaner)).toMatchObject([{ ended: true }]);
    await follower.follow();
    world.clock.advance(AN_HOUR);
    await pruneJournal(cleaner);
    expect(await sequences(cleaner)).toEqual([]);
    expect(await writersAt(cleaner)).toEqual([]);
    await follower.follow();
    await follower.follow();
    expect(follower.alarms).toEqual([]);
    expect(follower.consumer.passDue).toBe(false);
  });

  it('closes a stream that is silent for a week; its writer goes on with another', async () => {
    const { world, store, cleaner } = await scene();
    await storeTimes(store, 2);
    world.clock.advance(STREAM_CLOSES_AFTER + 2);
    for (let n = 0; n < 3; n++) {
      await pruneJournal(cleaner);
      world.clock.advance(AN_HOUR);
    }
    expect(await writersAt(cleaner)).toEqual([]);
    expect(await sequences(cleaner)).toEqual([]);
    const follower = await Follower.open(cleaner, world.clock);
    await follower.follow();
    await storeTimes(store, 1);
    await follower.follow();
    expect(follower.commits).toHaveLength(2);
    expect(follower.alarms).toEqual([]);
  });

  it('closes the stream of a writer that died before its first hint', async () => {
    const { world, store, cleaner } = await scene();
    await store.store('k', 'x');
    const attacker = await attack(world.place);
    await attacker.remove(await attacker.name(AREAS.journal));
    world.clock.advance(STREAM_CLOSES_AFTER + 2);
    for (let n = 0; n < 3; n++) {
      await pruneJournal(cleaner);
      world.clock.advance(AN_HOUR);
    }
    expect(await writersAt(cleaner)).toEqual([]);
  });

  it('lets a consumer expire that was silent for a week; it comes back with a pass', async () => {
    const { world, store, cleaner } = await scene();
    const follower = await Follower.open((await world.start()).engine, world.clock);
    await storeTimes(store, 2);
    await follower.follow();
    await store.store('gone', 'x');
    await storeTimes(store, 2);
    world.clock.advance(CONSUMER_EXPIRES_AFTER);
    await pruneJournal(cleaner);
    expect(await sequences(cleaner)).toEqual([1, 2, 3, 4]);
    world.clock.advance(2);
    await store.store('late', 'x');
    await pruneJournal(cleaner);
    expect((await sequences(cleaner)).length).toBeLessThan(4);
    await follower.poll();
    expect(follower.consumer.passDue).toBe(true);
    await follower.follow();
    expect(follower.known.size).toBe(3);
    expect(follower.alarms).toEqual([]);
    await pruneJournal(cleaner);
    expect(follower.consumer.passDue).toBe(false);
  });

  it.each(['commit', 'heartbeat'] as const)('a consumer that expired comes back by its next %s', async (call) => {
    const { world, cleaner } = await scene();
    const follower = await Follower.open((await world.start()).engine, world.clock);
    await follower.follow();
    world.clock.advance(CONSUMER_EXPIRES_AFTER + 2);
    await pruneJournal(cleaner);
    await follower.consumer[call]();
    expect(follower.consumer.passDue).toBe(true);
    await follower.follow();
    expect(follower.consumer.passDue).toBe(false);
  });

  it('that expired meanwhile comes back when it is opened', async () => {
    const { world, cleaner, store } = await scene();
    await (await Follower.open((await world.start()).engine, world.clock)).follow();
    await store.store('k', 'x');
    world.clock.advance(CONSUMER_EXPIRES_AFTER + 2);
    await pruneJournal(cleaner);
    const again = await Follower.open((await world.start()).engine, world.clock);
    expect(again.consumer.passDue).toBe(true);
    await again.follow();
    expect(again.known.size).toBe(1);
  });

  it('gives no alarm about what was removed while a consumer that expired was in the middle of a look', async () => {
    const { world, store, cleaner } = await scene();
    let sleep: (() => Promise<void>) | undefined;
    const wrap = (backend: StorageBackend): StorageBackend =>
      forwardTo(backend, {
        async list(prefix, options) {
          if (prefix.startsWith(AREAS.journal)) {
            const asleep = sleep;
            sleep = undefined;
            await asleep?.();
          }
          return backend.list(prefix, options);
        },
      });
    const follower = await Follower.open((await world.start({ wrap })).engine, world.clock);
    await store.store('k', 'x');
    await follower.follow();
    await store.store('k', 'unread');
    await store.close();
    sleep = async () => {
      world.clock.advance(CONSUMER_EXPIRES_AFTER + 2);
      for (let n = 0; n < 3; n++) {
        await pruneJournal(cleaner);
        world.clock.advance(AN_HOUR);
      }
      expect(await writersAt(cleaner)).toEqual([]);
    };
    await follower.poll();
    expect(sleep).toBeUndefined();
    expect(follower.alarms).toEqual([]);
    expect(follower.consumer.passDue).toBe(true);
    await follower.follow();
    expect(follower.alarms).toEqual([]);
    expect(new Set(follower.commits).size).toBe(2);
  });

  it('keeps a consumer that shows a heartbeat', async () => {
    const { world, cleaner } = await scene();
    const follower = await Follower.open(cleaner, world.clock);
    await follower.follow();
    for (let day = 0; day < 10; day++) {
      world.clock.advance(CONSUMER_EXPIRES_AFTER / 7);
      await follower.consumer.heartbeat();
      await pruneJournal(cleaner);
    }
    await follower.poll();
    expect(follower.consumer.passDue).toBe(false);
  });

  it('keeps a consumer that shows a heartbeat between the listing of consumers and the look at it', async () => {
    const { world } = await scene();
    const follower = await Follower.open((await world.start()).engine, world.clock);
    await follower.follow();
    world.clock.advance(CONSUMER_EXPIRES_AFTER + 2);
    const wrap = (backend: StorageBackend): StorageBackend =>
      forwardTo(backend, {
        async list(prefix, options) {
          const page = await backend.list(prefix, options);
          if (prefix === workPrefix('consumer')) await follower.consumer.heartbeat();
          return page;
        },
      });
    await pruneJournal((await world.start({ wrap })).engine);
    await follower.poll();
    expect(follower.consumer.passDue).toBe(false);
  });

  it('keeps everything for a consumer whose state is damaged, until that is as silent as any other', async () => {
    const { world, store, cleaner } = await scene();
    const follower = await Follower.open(cleaner, world.clock);
    await storeTimes(store, 3);
    await follower.follow();
    expect(await unreadSince(cleaner)).toBe(Number.POSITIVE_INFINITY);
    const attacker = await attack(world.place);
    await attacker.put(await attacker.name(workPrefix('consumer')), Buffer.alloc(100));
    world.clock.advance(AN_HOUR);
    await pruneJournal(cleaner);
    expect(await sequences(cleaner)).toEqual([0, 1, 2]);
    expect(await unreadSince(cleaner)).toBe(0);
    world.clock.advance(CONSUMER_EXPIRES_AFTER + 2);
    await pruneJournal(cleaner);
    expect(await unreadSince(cleaner)).toBe(Number.POSITIVE_INFINITY);
  });

  it('tells from when on history and tombstones are still needed', async () => {
    const { world, store, cleaner } = await scene();
    await store.store('k', 'x');
    expect(await unreadSince(cleaner)).toBe(Number.POSITIVE_INFINITY);
    const follower = await Follower.open(cleaner, world.clock);
    expect(await unreadSince(cleaner)).toBe(0);
    await follower.follow();
    expect(await unreadSince(cleaner)).toBe(Number.POSITIVE_INFINITY);
    world.clock.advance(10);
    const time = world.clock.now();
    await store.store('k', 'y');
    world.clock.advance(10);
    await store.store('k', 'z');
    expect(await unreadSince(cleaner)).toBe(time);
    const attacker = await attack(world.place);
    const name = await attacker.name(AREAS.objects);
    const body = await attacker.get(name);
    await attacker.remove(name);
    await follower.follow();
    expect(await unreadSince(cleaner)).toBe(time + 10);
    await attacker.put(name, body);
    await follower.follow();
    expect(await unreadSince(cleaner)).toBe(Number.POSITIVE_INFINITY);
  });

  it('goes on past a registration that is damaged', async () => {
    const { world, store, cleaner } = await scene();
    await storeTimes(store, 3);
    const attacker = await attack(world.place);
    await attacker.put(await attacker.name(workPrefix('writer')), Buffer.alloc(100));
    await storeTimes((await world.start()).store, 3);
    world.clock.advance(AN_HOUR);
    await pruneJournal(cleaner);
    expect((await sequences(cleaner)).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 2]);
  });

  it('[J-10] by somebody slow, who does not know of a new consumer, is no alarm, but leads to a pass', async () => {
    const { world, store, cleaner } = await scene();
    await storeTimes(store, 3);
    const follower = await Follower.open(cleaner, world.clock);
    await follower.follow();
    await storeTimes(store, 3);
    const writer = decodeBase32((await writersAt(cleaner))[0]?.slice(workPrefix('writer').length) ?? '');
    if (writer === undefined) throw new Error('no writer');
    const registration = encodeWriter({ created: 0, floor: 5, ended: false });
    await writeSystemObject(cleaner, 'writer', workName('writer', writer), registration, {});
    for (let n = 0; n < 5; n++) await cleaner.backend.delete(hintName(writer, n));
    await follower.poll();
    expect(follower.consumer.passDue).toBe(true);
    await follower.follow();
    expect(follower.consumer.passDue).toBe(false);
    expect(follower.alarms).toEqual([]);
  });

  it('by two at once does no harm', async () => {
    const { world, store, cleaner } = await scene();
    const follower = await Follower.open(cleaner, world.clock);
    await storeTimes(store, 5);
    await follower.follow();
    world.clock.advance(AN_HOUR);
    await storeTimes(store, 1);
    const { engine } = await world.start();
    await Promise.all([pruneJournal(cleaner), pruneJournal(engine), pruneJournal(cleaner)]);
    await storeTimes(store, 1);
    await follower.follow();
    expect(follower.alarms).toEqual([]);
    expect(follower.consumer.passDue).toBe(false);
  });
});
