import type { StorageBackend } from '@securestore/backend-api';
import { createFaultInjector, forwardTo } from '@securestore/backend-api';
import { expect, it } from 'vitest';
import { skewed } from '../../../objects/test/support/collection.ts';
import { memoryPlace, withoutBatch } from '../../../objects/test/support/places.ts';
import { openAt } from '../../../objects/test/support/stores.ts';
import type { Clock } from '@securestore/jobs';
import type { ObjectStore } from '@securestore/objects';
import type { Backups, RecoveryPointChoice } from '../../src/index.ts';
import { RecoveryPoints } from '../../src/index.ts';
import type { World } from '../support/worlds.ts';
import { backupsOf, memoryAt, restoredFrom, worldOf } from '../support/worlds.ts';

const SECOND = 1000;

interface Followed extends World {
  readonly backups: Backups;
  /** Stores a value a while after all that came before. @returns when it was acknowledged */
  readonly put: (key: string, value: string) => Promise<number>;
  /** All values of then, by name, as they are read and as they are restored. */
  readonly valuesAt: (choice: RecoveryPointChoice) => Promise<Record<string, string>>;
  readonly restoredAt: (choice: RecoveryPointChoice) => Promise<Record<string, string>>;
}

async function valuesOf(store: Pick<ObjectStore, 'list' | 'retrieve'>): Promise<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const key of await store.list()) values[key] = (await store.retrieve(key)).text();
  return values;
}

/** A store that can be followed, of which time passes while somebody waits. */
async function scene(options: Parameters<typeof worldOf>[0] = {}): Promise<Followed> {
  const world = await worldOf(options);
  const { store, clock, destination } = world;
  const backups = backupsOf(store, [destination]);
  return {
    ...world,
    backups,
    async put(key, value) {
      clock.advance(20);
      await store.store(key, value);
      const done = clock.now();
      clock.advance(20);
      return done;
    },
    valuesAt: (choice) => backups.read(destination.url, choice, valuesOf),
    restoredAt: async (choice) => valuesOf((await restoredFrom(destination, clock, choice)).store),
  };
}

const after = (time: number, by = 10): RecoveryPointChoice => ({ at: new Date(time + by) });

it('a moment between two points has what was acknowledged before it, and nothing that came later', async () => {
  const { put, store, backups, destination, valuesAt, restoredAt } = await scene();
  await put('a', '0');
  await using following = await backups.startContinuous(destination.url);
  const one = await put('a', '1');
  const two = await put('b', '2');
  await store.delete('a');
  await following.caughtUp();
  await following.close();
  for (const at of [valuesAt, restoredAt]) {
    expect(await at(after(one))).toEqual({ a: '1' });
    expect(await at(after(two))).toEqual({ a: '1', b: '2' });
    expect(await at({})).toEqual({ b: '2' });
  }
  // At the time that a version carries it is not there yet.
  const { modified } = await store.info('b');
  expect(await valuesAt({ at: modified })).toEqual({ a: '1' });
  expect(await valuesAt(after(modified.getTime(), 1))).toEqual({ a: '1', b: '2' });
});

it('a moment before a purge has what was purged, also if the next point is a snapshot', async () => {
  const { put, store, backups, destination, valuesAt, restoredAt } = await scene();
  await put('a', '0');
  await using following = await backups.startContinuous(destination.url);
  await following.caughtUp();
  const one = await put('b', '1');
  await store.purge('a');
  const { number } = await backups.backup(destination.url, { label: 'the next' });
  await following.close();
  expect(await backups.windows(destination.url)).toHaveLength(1);
  expect(await valuesAt(after(one))).toEqual({ a: '0', b: '1' });
  expect(await restoredAt(after(one))).toEqual({ a: '0', b: '1' });
  expect(await valuesAt({ snapshot: number })).toEqual({ b: '1' });
});

/** Servers that disagree by up to two seconds, and tell whole ones: as those of S3. */
function likeS3(inner: StorageBackend): StorageBackend {
  return withoutBatch(
    forwardTo(inner, {
      declare: (capabilities) => ({ ...capabilities, modifiedResolution: SECOND, clockSkew: 2 * SECOND, now: false }),
    }),
  );
}

it.each(['of a continuous backup', 'of a snapshot'])(
  'a moment just before a bad write is without it, where servers disagree about the time, %s',
  async (kind) => {
    const isFollowed = kind === 'of a continuous backup';
    const world = await scene({
      reach: { wrap: likeS3 },
      makeSource: (clock) => memoryPlace(() => Math.floor(clock.now() / SECOND) * SECOND),
    });
    const { put, store, clock, backups, destination, valuesAt } = world;
    await put('a', 'good');
    const following = isFollowed ? await backups.startContinuous(destination.url) : undefined;
    const backing = isFollowed ? undefined : backups.backup(destination.url);
    const bad: Date[] = [];
    // Some of them come after the time of a point, and are in it.
    for (let serial = 0; serial < 25; serial++) {
      await put('a', `${serial}`);
      bad.push((await store.info('a')).modified);
      await clock.sleep(700);
    }
    await following?.caughtUp();
    await following?.close();
    await backing;
    const [{ from } = { from: new Date(0) }] = await backups.windows(destination.url);
    const ends = isFollowed ? Infinity : from.getTime() + 2 * SECOND;
    const told = bad.filter((modified) => modified > from && modified.getTime() < ends);
    expect(told.length).toBeGreaterThan(1);
    for (const modified of told) {
      const serial = bad.indexOf(modified);
      const before = serial === 0 ? 'good' : `${serial - 1}`;
      expect(await valuesAt({ at: modified })).toEqual({ a: before });
    }
  },
);

it.each([-2, 0])(
  'moments in which nobody followed are told apart afterwards, also where servers disagree (from %i s on)',
  async (slowest) => {
    let serial = 0;
    // Each answer is of the next one of three servers.
    const oneOf = (clock: Clock): number => clock.now() + (((serial += 1) % 3) + slowest) * SECOND;
    const { put, store, clock, backups, destination, valuesAt, restoredAt } = await scene({
      reach: { wrap: likeS3 },
      makeSource: (of) => memoryPlace(() => Math.floor(oneOf(of) / SECOND) * SECOND),
    });
    await put('0', '');
    const first = await backups.startContinuous(destination.url);
    await first.caughtUp();
    await first.close();
    const told: Date[] = [];
    for (let number = 1; number <= 40; number++) {
      await put(`${number}`, '');
      told.push((await store.info(`${number}`)).modified);
      await clock.sleep(350 * (number % 4));
    }
    const second = await backups.startContinuous(destination.url, { interval: 300 });
    await second.caughtUp();
    await second.close();
    const windows = await backups.windows(destination.url);
    expect(windows).toHaveLength(1);
    expect(windows[0]?.recoveryPoints).toBeGreaterThan(10);
    for (const [number, at] of told.entries()) {
      const before = Object.fromEntries(Array.from({ length: number + 1 }, (_, earlier) => [earlier, '']));
      expect(await valuesAt({ at })).toEqual(before);
      if (number % 10 === 9) expect(await restoredAt({ at })).toEqual(before);
    }
  },
);

it('a writer whose clock is behind changes nothing that was told of moments before', async () => {
  const { put, source, clock, backups, destination, valuesAt } = await scene();
  await put('a', '0');
  await using following = await backups.startContinuous(destination.url);
  const slow = await openAt(source, { clock: skewed(clock, -30 * SECOND) });
  await following.caughtUp();
  await clock.sleep(20 * SECOND);
  const quiet = clock.now();
  await clock.sleep(5 * SECOND);
  await slow.store('b', 'later');
  await following.caughtUp();
  await following.close();
  expect(await valuesAt({ at: new Date(quiet) })).toEqual({ a: '0' });
  expect(await valuesAt({})).toEqual({ a: '0', b: 'later' });
});

it('a moment in a gap is of the beginning of it, and says so', async () => {
  const { put, store, clock, backups, destination, valuesAt } = await scene();
  await put('a', '1');
  const first = await backups.backup(destination.url);
  await clock.sleep(60 * SECOND);
  const missed = await put('a', '2');
  await clock.sleep(60 * SECOND);
  const second = await backups.backup(destination.url);
  const gap = { from: first.time, to: second.time };
  const [at, last] = [new Date(missed + 10), new Date(second.time.getTime() + 60 * SECOND)];
  expect(await valuesAt({ at })).toEqual({ a: '1' });
  const { report } = await restoredFrom(destination, clock, { at });
  const said = `${first.time.toISOString()} and ${second.time.toISOString()}. The store of ${first.time.toISOString()} is restored`;
  expect(report).toMatchObject({ snapshot: 1, time: first.time, gap, findings: [expect.stringContaining(said)] });
  const into = await backups.restore(destination.url, { at, into: 'then/' });
  expect(into).toMatchObject({ snapshot: 1, time: first.time, gap, findings: [expect.stringContaining(said)] });
  expect(await backups.read(destination.url, { at }, async (_, chosen) => chosen)).toMatchObject({ gap });
  // After the end, too.
  const { report: ended } = await restoredFrom(destination, clock, { at: last });
  expect(ended).toMatchObject({ snapshot: 2, time: second.time, gap: { from: second.time } });
  expect(ended.findings).toEqual([expect.stringContaining('the backup ends at')]);
  // Not of what can be told.
  for (const choice of [{}, { snapshot: 1 }, { at: first.time }, { at: second.time }]) {
    const { report: plain } = await restoredFrom(destination, clock, choice);
    expect([plain.gap, plain.findings]).toEqual([undefined, []]);
  }
  expect((await store.retrieve('then/a')).text()).toBe('1');
});

it('a moment after the last point is no gap if whoever follows has looked since', async () => {
  const { put, clock, backups, destination } = await scene();
  await put('a', '1');
  await using following = await backups.startContinuous(destination.url);
  await clock.sleep(20 * SECOND);
  const at = new Date(clock.now() - 10 * SECOND);
  const told = await backups.restore(destination.url, { at, dryRun: true });
  expect([told.time, told.gap, told.findings]).toEqual([at, undefined, []]);
  await following.close();
});

it('two moments between the same points are told apart by whoever looks at them', async () => {
  const { put, store, backups, destination } = await scene();
  await put('a', '0');
  await using following = await backups.startContinuous(destination.url);
  const one = await put('a', '1');
  const two = await put('b', '2');
  await following.caughtUp();
  await following.close();
  const points = new RecoveryPoints(store, backups, {
    nameOf: (url) => url,
    connect: async (url) => {
      const backend = await destination.open();
      return { backend, url, close: () => backend.close() };
    },
  });
  const [from, to] = [after(one), after(two)];
  const place = { destination: destination.url };
  const { differences } = await points.compare({ ...place, from, to });
  expect(differences.map(({ key, type }) => [key, type])).toEqual([['b', 'added']]);
  const [then, later] = [await points.browse({ ...place, ...from }), await points.browse({ ...place, ...to })];
  expect([then.entries, later.entries].map((entries) => entries.map(({ key }) => key))).toEqual([['a'], ['a', 'b']]);
  expect([then.time, later.time]).toEqual([from.at, to.at]);
});

it('a restore in place to a moment that was killed is gone on with, to the same moment', async () => {
  const { put, store, source, destination, clock, backups } = await scene({ makeSource: memoryAt });
  await put('k', 'before');
  const following = await backups.startContinuous(destination.url);
  const wanted = await put('k', 'wanted');
  await put('k', 'unwanted');
  await following.caughtUp();
  await following.close();
  await store.close();
  const injector = createFaultInjector(({ operation, key }) =>
    operation === 'write' && key?.startsWith('o/') === true ? { type: 'kill-before' } : undefined,
  );
  const killed = await openAt(source, { clock, layers: [injector.layer], wrap: withoutBatch });
  const how = { conflict: 'overwrite', deleteExtra: true } as const;
  const running = backupsOf(killed, [destination]).restore(destination.url, { ...how, ...after(wanted) });
  running.catch(() => undefined);
  await injector.killed;
  const next = await openAt(source, { clock });
  const report = await backupsOf(next, [destination]).restore(destination.url, how);
  expect(report.time).toEqual(after(wanted).at);
  expect((await next.retrieve('k')).text()).toBe('wanted');
});
