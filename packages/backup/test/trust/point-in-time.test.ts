import { describe, expect, it } from 'vitest';
import { skewed } from '../../../objects/test/support/collection.ts';
import { club } from '../../../objects/test/support/members.ts';
import { openAt, UNLOCK } from '../../../objects/test/support/stores.ts';
import { Backups, openBackup, restoreStoreTo } from '../../src/index.ts';
import { openObjectStore } from '@securestore/objects';
import { Shelf } from '../support/shelf.ts';
import { sized, TORTURE } from '../../../../tools/campaigns/src/size.ts';

const PLACE = 'memory:backups';
const MINUTE = 60_000;
const MUTATIONS = sized({ short: 150, full: 400, torture: 2000 });
const QUESTIONS = sized({ short: 25, full: 60, torture: 200 });

/** A small generator, so that a failure can be repeated. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** What was done to one object, in the order of its versions; `undefined` for a deletion. Times are the backend's. */
interface Operation {
  readonly value: string | undefined;
  readonly begun: number;
  readonly acknowledged: number;
}

type Model = Map<string, Operation[]>;

/** Whether a value is what an object may have been like if all that was acknowledged before `time` counts, and nothing begun after `made`. */
function isPossible(operations: readonly Operation[], value: string | undefined, time: number, made: number): boolean {
  const least = operations.findLastIndex(({ acknowledged }) => acknowledged < time);
  if (least === -1 && value === undefined) return true;
  return operations.some((one, at) => at >= least && one.value === value && one.begun <= made);
}

/** @param areRight whether the clocks of all writers are: then versions carry the time of the backend */
async function world(seed: number, areRight: boolean) {
  const pick = generator(seed);
  const { clock, owner, place } = await club();
  const shelf = new Shelf(() => clock.now());
  const backups = new Backups(owner, shelf.connect);
  const writers = [owner];
  for (const by of areRight ? [0, 0, 0] : [-7 * MINUTE, 3 * MINUTE, 8 * MINUTE]) {
    writers.push(await openAt(place, { clock: skewed(clock, by), fingerprint: owner.fingerprint }));
  }
  const model: Model = new Map();
  const mutate = async (number: number): Promise<void> => {
    const key = `${['red', 'blue', 'other'][pick(3)]}/${pick(12)}`;
    const writer = writers[pick(writers.length)] ?? owner;
    const begun = clock.now();
    const value = pick(6) === 0 ? undefined : `value ${number}`;
    if (value === undefined) await writer.delete(key);
    else await writer.store(key, value);
    const operations = model.get(key) ?? [];
    model.set(key, operations);
    operations.push({ value, begun, acknowledged: clock.now() });
  };
  return { pick, clock, owner, place, shelf, backups, model, mutate };
}

async function valuesOf(store: { list(): Promise<string[]>; retrieve(key: string): Promise<{ text(): string }> }) {
  const values = new Map<string, string>();
  for (const key of await store.list()) values.set(key, (await store.retrieve(key)).text());
  return values;
}

describe('recovery to a point in time', () => {
  it.each([
    ...(TORTURE ? [1, 2, 3] : [1]).map((seed) => ({ seed, areRight: true, how: 'for every moment' })),
    { seed: 1, areRight: false, how: 'to the next point where clocks of writers are wrong' },
  ])('is exact $how, and always gives the same answer (seed $seed)', async ({ seed, areRight }) => {
    const { pick, clock, backups, model, mutate, shelf } = await world(seed, areRight);
    await mutate(0);
    const continuous = await backups.startContinuous(PLACE);
    const begin = continuous.status.recoverableTo?.getTime() ?? 0;
    for (let number = 1; number <= MUTATIONS; number++) {
      await mutate(number);
      if (pick(4) === 0) clock.advance(pick(400));
      if (pick(8) === 0) await continuous.caughtUp();
    }
    await continuous.caughtUp();
    const end = continuous.status.recoverableTo?.getTime() ?? 0;
    await continuous.close();
    expect(await backups.windows(PLACE)).toMatchObject([{ from: new Date(begin) }]);

    const opened = await openBackup({ backend: await shelf.at(PLACE), url: PLACE, unlock: UNLOCK, clock });
    const seen = new Set<number>();
    for (let question = 0; question < QUESTIONS; question++) {
      const at = new Date(begin + pick(end - begin + 1));
      const { number, from, time, point, gap } = await opened.choose({ at });
      seen.add(number);
      expect([new Date(time), gap]).toEqual([at, undefined]);
      const [known, made] = areRight ? [time, time] : [from, point.made];
      const view = await opened.open({ at });
      const values = await valuesOf(view);
      for (const [key, operations] of model) {
        expect([key, isPossible(operations, values.get(key), known, made)]).toEqual([key, true]);
      }
      expect(await valuesOf(await opened.open({ at }))).toEqual(values);
      if (question % 10 > 0) continue;
      // The whole, a prefix and one object, restored.
      const target = await shelf.at(`memory:target-${seed}-${areRight}-${question}`);
      await restoreStoreTo(opened, target, { at });
      const whole = await openObjectStore({
        backend: target,
        url: 'memory:',
        unlock: UNLOCK,
        maintenance: false,
        clock,
      });
      expect(await valuesOf(whole)).toEqual(values);
      const part = await shelf.at(`memory:part-${seed}-${areRight}-${question}`);
      await restoreStoreTo(opened, part, { at, prefix: 'red/' });
      const red = await openObjectStore({
        backend: part,
        url: 'memory:',
        unlock: UNLOCK,
        maintenance: false,
        clock,
      });
      expect(await valuesOf(red)).toEqual(new Map([...values].filter(([key]) => key.startsWith('red/'))));
      const [one] = values.keys();
      if (one === undefined) continue;
      await backups.restore(PLACE, { at, keys: [one], into: `restored-${question}/` });
    }
    expect(seen.size).toBeGreaterThan(5);
  });

  it('says where a span of time is missing, and what can be restored around it', async () => {
    const { clock, owner, place, backups, mutate } = await world(4, false);
    await mutate(0);
    const first = await backups.startContinuous(PLACE);
    await mutate(1);
    await first.caughtUp();
    await first.close();
    const gapFrom = first.status.recoverableTo?.getTime() ?? 0;
    // Somebody cuts the journal while nobody reads it.
    clock.advance(10_000);
    for (let number = 2; number < 42; number++) await mutate(number);
    const backend = await place.open();
    const { entries } = await backend.list('j/', {});
    // The last but one of each writer, so that it shows.
    const streams = Map.groupBy(entries, ({ key }) => key.slice(0, key.lastIndexOf('/')));
    for (const hints of streams.values()) await backend.delete(hints.at(-2)?.key ?? '');
    await owner.store('after', 'the gap');
    const second = await backups.startContinuous(PLACE);
    await second.caughtUp();
    await second.close();
    expect(second.status.findings.length).toBeGreaterThan(0);
    const windows = await backups.windows(PLACE);
    expect(windows).toHaveLength(2);
    expect(windows[1]?.to.getTime()).toBeLessThanOrEqual(gapFrom);
    expect(windows[0]?.from.getTime()).toBeGreaterThan(gapFrom);
    const now = await valuesOf(owner);
    expect(await backups.read(PLACE, {}, (store) => valuesOf(store))).toEqual(now);
  });
});
