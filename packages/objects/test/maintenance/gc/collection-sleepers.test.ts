import type { StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { AREAS, SecureStoreError } from '@securestore/core-format';
import { expect, it } from 'vitest';
import { FakeClock } from '../../../../jobs/test/support/clock.ts';
import { collect } from '../../../src/maintenance/gc/collect.ts';
import { openConsumer } from '../../../src/journal/open-consumer.ts';
import { DAY, HOUR, namesUnder, partsOf, processAt, whileTimePasses } from '../../support/collection.ts';
import { Follower } from '../../support/followers.ts';
import { memoryPlace, withoutBatch } from '../../support/places.ts';
import type { Place } from '../../support/places.ts';
import { createAt, failure, patterned, usePlace } from '../../support/stores.ts';

async function newWorld({ journal = false } = {}): Promise<{ clock: FakeClock; place: Place }> {
  const clock = new FakeClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  await (await createAt(place, { clock, journal, history: { versions: 0, days: 0 } })).close();
  return { clock, place };
}

/** A backend where something happens between each write under `prefix` and its answer. */
function afterWrites(inner: StorageBackend, prefix: string, happen: () => Promise<void> | void): StorageBackend {
  return forwardTo(inner, {
    async write(key, body, options) {
      const written = await inner.write(key, body, options);
      if (key.startsWith(prefix)) await happen();
      return written;
    },
  });
}

/** A process that falls asleep when it has written something under `prefix`. @param answer what comes when it wakes */
function napAfter(prefix: string, answer: () => void = () => undefined) {
  const asleep = Promise.withResolvers<void>();
  const awake = Promise.withResolvers<void>();
  const nap = async (): Promise<void> => {
    asleep.resolve();
    await awake.promise;
    answer();
  };
  return {
    wrap: (inner: StorageBackend): StorageBackend => afterWrites(inner, prefix, nap),
    asleep: asleep.promise,
    wake: awake.resolve,
  };
}

it('a writer that slept between its copy to the history and its record names no payload that was collected', async () => {
  const { clock, place } = await newWorld();
  const nap = napAfter(AREAS.history);
  const wrap = (inner: StorageBackend): StorageBackend => nap.wrap(withoutBatch(inner));
  const sleeper = await processAt(place, { clock, smallParts: true, wrap });
  await sleeper.store.store('k', 'before');
  const storing = sleeper.store.store('k', patterned(20_000));
  await nap.asleep;
  clock.advance(2 * DAY);
  const collector = await processAt(place, { clock });
  await whileTimePasses(clock, collect(collector.engine));
  nap.wake();
  await failure(whileTimePasses(clock, storing), 'UNAVAILABLE');
  expect(await partsOf(collector.engine)).toEqual({ missing: [], unreachable: [] });
  expect((await collector.store.retrieve('k')).text()).toBe('before');
});

it('a writer that slept between its copy to the history and its record takes back what had been purged', async () => {
  const { clock, place } = await newWorld();
  const nap = napAfter(AREAS.history);
  const wrap = (inner: StorageBackend): StorageBackend => nap.wrap(withoutBatch(inner));
  const sleeper = await processAt(place, { clock, smallParts: true, wrap });
  await sleeper.store.store('k', patterned(20_000));
  const { store, engine } = await processAt(place, { clock });
  await whileTimePasses(clock, store.purge('k'));
  const storing = sleeper.store.store('k', 'after');
  await nap.asleep;
  clock.advance(DAY);
  nap.wake();
  await whileTimePasses(clock, storing);
  expect((await store.history('k')).map(({ purged }) => purged)).toEqual([false, true]);
  expect(await namesUnder(engine.backend, AREAS.history)).toHaveLength(1);
  expect(await partsOf(engine)).toEqual({ missing: [], unreachable: [] });
  expect(await store.verify()).toMatchObject({ ok: true, findings: [] });
});

/** The names of the copies that somebody sends to the history. */
function notedCopies() {
  const copies: string[] = [];
  const wrap = (inner: StorageBackend): StorageBackend =>
    forwardTo(withoutBatch(inner), {
      write(key, body, options) {
        if (key.startsWith(AREAS.history)) copies.push(key);
        return inner.write(key, body, options);
      },
    });
  return { copies, wrap };
}

it('a writer that slept until its record was replaced and collected brings no copy of it back', async () => {
  const { clock, place } = await newWorld();
  const nap = napAfter(AREAS.objects);
  const { copies, wrap: note } = notedCopies();
  const wrap = (inner: StorageBackend): StorageBackend => nap.wrap(note(inner));
  const sleeper = await processAt(place, { clock, smallParts: true, wrap });
  const storing = sleeper.store.store('k', patterned(20_000));
  await nap.asleep;
  const { store, engine } = await processAt(place, { clock });
  await store.store('k', 'newer');
  clock.advance(2 * DAY);
  await whileTimePasses(clock, collect(engine));
  expect(await namesUnder(engine.backend, AREAS.history)).toEqual([]);
  nap.wake();
  await whileTimePasses(clock, storing);
  await whileTimePasses(clock, sleeper.store.store('k', 'newest'));
  expect(copies).toHaveLength(1);
  expect(await namesUnder(engine.backend, AREAS.history)).toEqual(copies);
});

it('a writer that slept sends no copy of what it remembers from so long ago that it may be collected on the way', async () => {
  const { clock, place } = await newWorld({ journal: true });
  const { copies, wrap: note } = notedCopies();
  let sleep = 0;
  const nap = (): void => {
    clock.advance(sleep);
    sleep = 0;
  };
  const wrap = (inner: StorageBackend): StorageBackend => afterWrites(note(inner), AREAS.journal, nap);
  const sleeper = await processAt(place, { clock, wrap });
  await sleeper.store.store('k', 'remembered');
  const other = await processAt(place, { clock });
  await whileTimePasses(clock, other.store.store('k', 'current'));
  clock.advance(11 * HOUR);
  sleep = 11 * HOUR;
  await whileTimePasses(clock, sleeper.store.store('k', 'newest'));
  // Of what is there alone.
  expect(copies).toHaveLength(1);
  expect(await other.store.history('k')).toHaveLength(3);
});

it('a writer that slept before it sent its record gives it no number from before what was forgotten meanwhile', async () => {
  const { clock, place } = await newWorld({ journal: true });
  const nap = napAfter(AREAS.journal);
  const sleeper = await processAt(place, { clock, wrap: nap.wrap });
  const storing = sleeper.store.store('k', 'late');
  await nap.asleep;
  clock.advance(1000);
  const other = await processAt(place, { clock });
  const { version } = await other.store.store('k', 'early');
  await other.store.delete('k');
  clock.advance(2 * DAY);
  for (let passes = 0; passes < 2; passes++) await whileTimePasses(clock, collect(other.engine));
  expect((await other.engine.backend.list(AREAS.objects)).entries).toEqual([]);
  nap.wake();
  const late = await whileTimePasses(clock, storing);
  expect(late.version > version).toBe(true);
  expect((await other.store.retrieve('k')).text()).toBe('late');
});

it('a collection leaves the history to a consumer that has not read it', async () => {
  const { clock, place } = await newWorld();
  const { engine, store } = await processAt(place, { clock });
  const consumer = await openConsumer(engine, 'slow');
  await whileTimePasses(
    clock,
    consumer.pass(() => undefined),
  );
  await consumer.commit();
  for (const data of ['one', 'two', 'three']) await store.store('k', data);
  clock.advance(2 * DAY);
  await whileTimePasses(clock, Promise.resolve(store.gc()));
  const { changes } = await consumer.poll();
  expect(changes).toHaveLength(3);
  await consumer.commit();
  await whileTimePasses(clock, Promise.resolve(store.gc()));
  expect(await store.history('k')).toHaveLength(1);
});

it('a collection leaves a deletion that was announced late to a consumer that has not read it', async () => {
  const { clock, place } = await newWorld();
  // Time passes between a record and the hint of a writer that learns of the journal after it.
  const wrap = (inner: StorageBackend): StorageBackend =>
    afterWrites(withoutBatch(inner), AREAS.objects, () => clock.advance(1000));
  const idle = await processAt(place, { clock, wrap });
  await idle.store.store('k', 'x');
  const { engine, store } = await processAt(place, { clock });
  const consumer = await openConsumer(engine, 'slow');
  await whileTimePasses(
    clock,
    consumer.pass(() => undefined),
  );
  await consumer.commit();
  await idle.store.purge('k');
  clock.advance(2 * DAY);
  await whileTimePasses(clock, Promise.resolve(store.gc()));
  const { changes } = await consumer.poll();
  expect(changes.map(({ header }) => header.kind)).toEqual(['tombstone']);
});

it('a deletion that was never acknowledged, nor announced, is forgotten only when consumers know of it', async () => {
  const { clock, place } = await newWorld();
  const { engine, store } = await processAt(place, { clock });
  await store.store('k', 'x');
  // It does not know yet that the journal is on, and is given up when its record has landed.
  const stop = new AbortController();
  const wrap = (inner: StorageBackend): StorageBackend =>
    afterWrites(withoutBatch(inner), AREAS.objects, () => stop.abort());
  const idle = await processAt(place, { clock, wrap });
  const follower = await Follower.open(engine, clock);
  await follower.follow();
  const error = await failure(whileTimePasses(clock, idle.store.delete('k', { signal: stop.signal })), 'ABORTED');
  expect(error.outcome).toBe('unknown');
  for (let days = 0; days < 4; days++) {
    clock.advance(1.1 * DAY);
    await whileTimePasses(clock, Promise.resolve(store.gc()));
    await follower.follow();
  }
  expect((await engine.backend.list(AREAS.objects)).entries).toEqual([]);
  await follower.pass();
  expect(follower.alarms).toEqual([]);
  expect([...follower.known.values()]).toMatchObject([{ deleted: true }]);
});

it('a writer of unknown outcome that slept until all traces of it were collected does not write again', async () => {
  const { clock, place } = await newWorld();
  const nap = napAfter(AREAS.objects, () => {
    throw new SecureStoreError('UNAVAILABLE', 'no answer', { outcome: 'unknown' });
  });
  const sleeper = await processAt(place, { clock, wrap: nap.wrap });
  const storing = sleeper.store.store('k', 'of the sleeper');
  await nap.asleep;
  const { store, engine } = await processAt(place, { clock });
  await store.purge('k');
  await store.store('k', 'of somebody else');
  clock.advance(2 * DAY);
  await whileTimePasses(clock, collect(engine));
  nap.wake();
  const error = await failure(whileTimePasses(clock, storing), 'UNAVAILABLE');
  expect(error.outcome).toBe('unknown');
  expect((await store.retrieve('k')).text()).toBe('of somebody else');
});

it('a reader that slept until what it had begun to read was replaced and collected reads what is there now', async () => {
  const { clock, place } = await newWorld();
  const { store, engine } = await processAt(place, { clock, smallParts: true });
  await store.store('k', patterned(20_000));
  const asleep = Promise.withResolvers<void>();
  const awake = Promise.withResolvers<void>();
  const wrap = (inner: StorageBackend): StorageBackend =>
    forwardTo(inner, {
      async read(name, options) {
        const found = await inner.read(name, options);
        if (!name.startsWith(AREAS.objects)) return found;
        asleep.resolve();
        await awake.promise;
        return found;
      },
    });
  const sleeper = await processAt(place, { clock, smallParts: true, wrap });
  const reading = sleeper.store.retrieve('k');
  await asleep.promise;
  await store.store('k', 'newer');
  clock.advance(2 * DAY);
  await whileTimePasses(clock, collect(engine));
  expect(await partsOf(engine)).toEqual({ missing: [], unreachable: [] });
  awake.resolve();
  expect((await whileTimePasses(clock, reading)).text()).toBe('newer');
});

it('a collector that slept while it asked what consumers have read leaves what has been written since', async () => {
  const { clock, place } = await newWorld({ journal: true });
  const { store, engine } = await processAt(place, { clock });
  const follower = await Follower.open(engine, clock);
  await store.store('k', 'first');
  await follower.follow();
  const asleep = Promise.withResolvers<void>();
  const awake = Promise.withResolvers<void>();
  const wrap = (inner: StorageBackend): StorageBackend =>
    forwardTo(inner, {
      async list(prefix, options) {
        const page = await inner.list(prefix, options);
        if (!prefix.startsWith(AREAS.journal)) return page;
        asleep.resolve();
        await awake.promise;
        return page;
      },
    });
  const sleeper = await processAt(place, { clock, wrap });
  const collecting = whileTimePasses(clock, Promise.resolve(sleeper.store.gc()));
  await asleep.promise;
  for (const data of ['second', 'third', 'fourth']) await store.store('k', data);
  clock.advance(2 * DAY);
  awake.resolve();
  await collecting;
  follower.commits.length = 0;
  await follower.follow();
  expect(new Set(follower.commits).size).toBe(3);
  expect(follower.alarms).toEqual([]);
});
