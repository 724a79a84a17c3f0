import { SecureStoreError } from '@securestore/core-format';
import type { ObjectStore } from '@securestore/objects';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { withoutBatch } from '../../../objects/test/support/places.ts';
import { openAt, patterned, UNLOCK, unlessMissing } from '../../../objects/test/support/stores.ts';
import { verifyOpenedBackup } from '../../src/index.ts';
import type { Contents, World } from '../support/worlds.ts';
import { backupAt, backupsOf, contentsAt, contentsOf, filesAt, restoredFrom, worldOf } from '../support/worlds.ts';
import { sized, TORTURE } from '../../../../tools/campaigns/src/size.ts';

const DAY = 24 * 60 * 60 * 1000;
const NAMES = ['a', 'a/b', 'c', 'd', 'n'.repeat(400)];

type Step =
  | {
      readonly type: 'store' | 'setMetadata' | 'delete' | 'purge' | 'undelete';
      readonly key: string;
      readonly size: number;
    }
  | { readonly type: 'snapshot' | 'collect' | 'checkpoint' | 'reopen' | 'rotate' | 'forget'; readonly pick: number }
  | { readonly type: 'days' | 'restore'; readonly pick: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      type: fc.constantFrom('store', 'store', 'store', 'setMetadata', 'delete', 'purge', 'undelete'),
      key: fc.constantFrom(...NAMES),
      size: fc.constantFrom(0, 10, 70_000),
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('snapshot'), pick: fc.nat(100) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constantFrom('collect', 'checkpoint', 'reopen', 'forget', 'forget', 'days', 'rotate', 'restore'),
      pick: fc.nat(100),
    }),
  },
) as fc.Arbitrary<Step>;

/** One history: a store, its backups, and what the store had when each of them was made. */
class Run {
  readonly points = new Map<number, Contents>();
  readonly #world: World;
  readonly #isShort: boolean;
  /** Every version that there ever was, by key and version. */
  readonly #ever = new Map<string, object>();
  #store: ObjectStore;
  #place;
  /** Whether the store was restored, and the backups are still those of the one before. */
  #isRestored = false;
  #backups;
  #serial = 0;

  constructor(world: World, isShort: boolean) {
    this.#world = world;
    this.#isShort = isShort;
    this.#store = world.store;
    this.#place = world.source;
    this.#backups = backupsOf(this.#store, [world.destination]);
  }

  async #open(): Promise<void> {
    const { clock, destination } = this.#world;
    this.#store = await openAt(this.#place, { clock, wrap: withoutBatch });
    this.#backups = backupsOf(this.#store, [destination]);
  }

  async perform(given: Step): Promise<void> {
    const { clock, destination } = this.#world;
    switch (given.type) {
      case 'store':
        this.#serial += 1;
        await this.#store.store(given.key, patterned(given.size, this.#serial), { metadata: { n: this.#serial } });
        return;
      case 'setMetadata':
        this.#serial += 1;
        return unlessMissing(this.#store.setMetadata(given.key, { n: this.#serial }));
      case 'delete':
        await this.#store.delete(given.key);
        return;
      case 'purge':
        await this.#store.purge(given.key);
        return;
      case 'undelete':
        if (!(await this.#store.has(given.key))) await unlessMissing(this.#store.undelete(given.key));
        return;
      case 'snapshot':
        return this.#snapshot();
      case 'collect':
        await this.#store.gc();
        return;
      case 'checkpoint':
        await this.#store.checkpoint();
        return;
      case 'days':
        clock.advance((1 + (given.pick % 9)) * DAY);
        return;
      case 'reopen':
        await this.#store.close();
        return this.#open();
      case 'rotate': {
        const depth = given.pick % 3 === 0 ? 'data' : 'keys';
        const { retired } = await this.#store.rotateEncryptionKey(UNLOCK, UNLOCK, { depth });
        if (given.pick % 2 === 0) {
          for (const id of retired) await this.#destroy(id);
        }
        return;
      }
      case 'forget': {
        if (this.points.size === 0 || this.#isRestored) return;
        const chosen = [...this.points.keys()].filter((number) => (number * 7 + given.pick) % 3 === 0);
        const { removed } = await this.#backups.forget(destination.url, () => chosen);
        for (const number of removed) this.points.delete(number);
        return;
      }
      case 'restore': {
        const numbers = [...this.points.keys()];
        const snapshot = numbers[given.pick % numbers.length];
        if (snapshot === undefined) return;
        await this.#store.close();
        const { store, place } = await restoredFrom(destination, clock, { snapshot });
        await store.close();
        this.#place = place;
        this.#isRestored = true;
        return this.#open();
      }
    }
  }

  async #destroy(id: string): Promise<void> {
    try {
      await this.#store.encryptionKeys.destroy(id, { waitingPeriod: 0 });
    } catch (error) {
      // A restored store that was not backed up yet can't look through the destination.
      if (!SecureStoreError.is(error, 'UNAVAILABLE')) throw error;
    }
  }

  async #snapshot(): Promise<void> {
    const { destination } = this.#world;
    if (this.#isRestored)
      await expect(this.#backups.backup(destination.url)).rejects.toMatchObject({ code: 'CONFLICT' });
    const takeOver = this.#isRestored;
    const { number, findings, failed } = await this.#backups.backup(destination.url, { takeOver });
    this.#isRestored = false;
    expect([findings, failed]).toEqual([[], []]);
    const contents = await contentsOf(this.#store, NAMES);
    for (const [key, versions] of Object.entries(contents)) {
      for (const { state: _, ...version } of versions) this.#ever.set(`${key} ${version.version}`, version);
    }
    this.points.set(number, contents);
    await this.#compare(number);
  }

  async #compare(snapshot: number): Promise<void> {
    const { destination, clock } = this.#world;
    const expected = this.points.get(snapshot) ?? {};
    const actual = await contentsAt(destination, clock, { snapshot }, NAMES);
    this.#expectSame(actual, expected, `snapshot ${snapshot}`);
    // Whoever asks again hears the same.
    expect(await contentsAt(destination, clock, { snapshot }, NAMES)).toEqual(actual);
  }

  /** Where the store has forgotten nothing it is all the same; else of the past there may be more or less. */
  #expectSame(actual: Contents, expected: Contents, what: string): void {
    if (!this.#isShort) {
      expect(actual, what).toEqual(expected);
      return;
    }
    for (const key of NAMES) {
      const [found, known] = [actual[key]?.[0], expected[key]?.[0]];
      if (known?.state === 'current') expect(found, what).toEqual(known);
      else if (found !== undefined) expect(found.state, what).toContain('deleted');
      for (const { state: _, ...version } of actual[key] ?? []) {
        expect(version, what).toEqual(this.#ever.get(`${key} ${version.version}`));
      }
    }
  }

  async end(pick: number): Promise<void> {
    const { destination, clock } = this.#world;
    await this.#snapshot();
    for (const number of this.points.keys()) await this.#compare(number);
    const numbers = [...this.points.keys()];
    const snapshot = numbers[pick % numbers.length] ?? 0;
    const { store } = await restoredFrom(destination, clock, { snapshot });
    this.#expectSame(await contentsOf(store, NAMES), this.points.get(snapshot) ?? {}, `restored ${snapshot}`);
    expect((await store.verify({ payloads: true })).findings).toEqual([]);
    await store.close();
    const backup = await backupAt(destination, clock);
    const report = await verifyOpenedBackup(backup, { depth: 'opens', snapshot });
    expect(report.findings).toEqual([]);
    await this.#store.close();
  }
}

it.each([
  ['that keeps its past', false],
  ['that soon forgets its past', true],
])(
  'every snapshot of a store %s has what the store had, whatever happens',
  async (_kind, isShort) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 10, maxLength: 40, size: 'max' }),
        fc.nat(100),
        async (steps, pick) => {
          const settings = { history: isShort ? { versions: 1, days: 1 } : { versions: 1000, days: 3650 } };
          const world = await worldOf({ settings, reach: { wrap: withoutBatch } });
          const run = new Run(world, isShort);
          for (const given of steps) await run.perform(given);
          await run.end(pick);
          await world.source.remove();
        },
      ),
      { numRuns: sized({ short: 1, full: 12, torture: 2000 }) },
    );
  },
  TORTURE ? 3_600_000 : 240_000,
);

/** Versions, whether they are the current ones or not. */
const strip = (versions: Contents[string]): object[] =>
  versions.map(({ state, ...rest }) => ({ ...rest, is: state.replace(/ ?current/, '') }));

/** A clock that is wrong by a constant. */
const skewed = (clock: World['clock'], by: number): World['clock'] =>
  new Proxy(clock, {
    get(target, name) {
      if (name === 'now') return () => target.now() + by;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

it('snapshots that are made while four writers with wrong clocks write hold what was acknowledged before', async () => {
  const world = await worldOf({
    settings: { history: { versions: 100_000, days: 3650 } },
    reach: { wrap: withoutBatch },
  });
  const { source, destination, clock, store } = world;
  const keys = Array.from({ length: 12 }, (_, n) => `k${n}`);
  const skews = [0, 120_000, -90_000, 300_000];
  const writers = await Promise.all(
    skews.map((by) => openAt(source, { clock: skewed(clock, by), wrap: withoutBatch })),
  );
  const [total, pace] = sized({ short: [240, 200], full: [400, 200], torture: [2000, 50] });
  const acknowledged = new Map<string, string>();
  let done = 0;
  const over = new AbortController();
  const write = async (writer: ObjectStore, seed: number): Promise<void> => {
    for (let serial = seed; done < total; serial += 4) {
      done += 1;
      // Time passes for others meanwhile.
      await clock.sleep(pace);
      const key = keys[(serial * 7 + seed) % keys.length] ?? '';
      if (serial % 9 === 0) {
        await writer.delete(key);
        continue;
      }
      const size = serial % 11 === 0 ? 70_000 : serial % 50;
      const { version } = await writer.store(key, patterned(size, serial));
      // Several may be acknowledged in another order than they were made in.
      if ((acknowledged.get(key) ?? '') < version) acknowledged.set(key, version);
    }
  };
  const points: { number: number; before: Map<string, string>; contents: Contents }[] = [];
  const backups = backupsOf(store, [destination]);
  const snap = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const before = new Map(acknowledged);
      const { number, findings, failed } = await backups.backup(destination.url);
      expect([findings, failed]).toEqual([[], []]);
      points.push({ number, before, contents: await contentsAt(destination, clock, { snapshot: number }, keys) });
      if (points.length % 4 === 0) await store.gc();
    }
  };
  const snapping = snap();
  await Promise.all(writers.map((writer, index) => write(writer, index + 1)));
  over.abort();
  await snapping;
  const last = await backups.backup(destination.url);
  const final = await contentsOf(store, keys);
  expect(await contentsAt(destination, clock, { snapshot: last.number }, keys)).toEqual(final);
  expect(points.length).toBeGreaterThan(2);
  for (const { number, before, contents } of points) {
    // The same question, later.
    expect(await contentsAt(destination, clock, { snapshot: number }, keys)).toEqual(contents);
    for (const key of keys) {
      const [found, all] = [contents[key] ?? [], final[key] ?? []];
      const newest = found[0]?.version ?? '';
      expect(newest >= (before.get(key) ?? ''), `${key} in snapshot ${number}`).toBe(true);
      // Nothing without what it depends on.
      expect(strip(found)).toEqual(strip(all.filter(({ version }) => version <= newest)));
    }
  }
  const { store: restored } = await restoredFrom(destination, clock, { snapshot: points[1]?.number });
  expect(await contentsOf(restored, keys)).toEqual(points[1]?.contents);
  expect((await restored.verify({ payloads: true })).findings).toEqual([]);
  expect((await filesAt(destination)).size).toBeGreaterThan(points.length);
});
