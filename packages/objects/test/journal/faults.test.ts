import type { Fault } from '@securestore/backend-api';
import { createFaultInjector } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { HINT_LAPSES_AFTER } from '../../src/engine/journal-limits.ts';
import { pruneJournal, unreadSince } from '../../src/journal/prune.ts';
import { Follower } from '../support/followers.ts';
import type { Shelf } from '../support/followers.ts';
import type { Process, World } from '../support/journals.ts';
import { worldOf } from '../support/journals.ts';
import { versionsAt } from '../support/scenes.ts';
import { withoutBatch } from '../support/places.ts';
import { LONG } from '../../../../tools/campaigns/src/size.ts';

interface Subject extends Process {
  readonly world: World;
  readonly shelf: Shelf;
}

const follower = ({ engine, world, shelf }: Subject): Promise<Follower> =>
  Follower.open(engine, world.clock, 'test', shelf);

interface Scenario {
  readonly name: string;
  /** What has happened before, by a process without faults. */
  readonly before: (subject: Subject) => Promise<unknown>;
  /** What is disturbed. */
  readonly act: (subject: Subject) => Promise<unknown>;
}

const stored = async ({ store }: Subject): Promise<void> => {
  for (const key of ['a', 'b', 'a']) await store.store(key, 'x');
};

const followed = async (subject: Subject): Promise<void> => {
  await (await follower(subject)).follow();
  await stored(subject);
};

const pruned = async (subject: Subject): Promise<void> => {
  await followed(subject);
  await (await follower(subject)).follow();
  await subject.store.close();
  subject.world.clock.advance(HINT_LAPSES_AFTER + 2);
};

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'registering and the first pass',
    before: stored,
    act: async (subject) => (await follower(subject)).follow(),
  },
  {
    name: 'polling and confirming',
    before: followed,
    act: async (subject) => (await follower(subject)).follow(),
  },
  {
    name: 'a cut',
    before: followed,
    act: async (subject) => {
      const cutter = await follower(subject);
      await cutter.cut();
      await cutter.confirm();
    },
  },
  {
    name: 'mutations and the end of a stream',
    before: followed,
    act: async ({ store }) => {
      await store.store('c', 'x');
      await store.delete('c');
      await store.purge('a');
      await store.close();
    },
  },
  {
    name: 'pruning',
    before: pruned,
    act: async ({ engine, world }) => {
      await pruneJournal(engine);
      world.clock.advance(HINT_LAPSES_AFTER + 2);
      await pruneJournal(engine);
    },
  },
  {
    name: 'closing the stream of a dead writer',
    before: followed,
    act: async ({ engine, world }) => {
      world.clock.advance(8 * 24 * 3_600_000);
      await pruneJournal(engine);
    },
  },
];

/** Whoever comes next goes on, prunes, changes something and goes on: nothing is missed, and there is no alarm. */
async function expectGoesOn(world: World, shelf: Shelf, what: string): Promise<void> {
  const { store, engine } = await world.start();
  const next = await follower({ world, shelf, store, engine });
  await next.follow();
  expect(next.versions(), what).toEqual(await versionsAt(engine));
  for (let n = 0; n < 3; n++) {
    await store.store(`after/${n}`, 'x');
    await store.store('a', `${n}`);
    world.clock.advance(HINT_LAPSES_AFTER + 2);
    await next.follow();
    await pruneJournal(engine);
  }
  expect(next.alarms, what).toEqual([]);
  expect(next.consumer.passDue, what).toBe(false);
  expect(next.versions(), what).toEqual(await versionsAt(engine));
}

const FAULTS: readonly Fault['type'][] = ['kill-before', 'kill-after', 'fail', 'lose-acknowledgement'];

/** Runs a scenario with a fault at backend call `k`. @returns how many calls it made */
async function disturb(
  { before, act }: Scenario,
  k: number,
  fault: Fault | undefined,
): Promise<[World, Shelf, number]> {
  const world = await worldOf({ journal: false });
  const shelf: Shelf = new Map();
  await before({ world, shelf, ...(await world.start()) });
  const injector = createFaultInjector();
  const process = await world.start({ layers: [injector.layer] });
  const start = injector.calls;
  injector.plan(({ index }) => (index === start + k ? fault : undefined));
  const acting = act({ world, shelf, ...process }).catch((error: unknown) => {
    if (!SecureStoreError.is(error)) throw error;
  });
  await Promise.race([acting, injector.killed]);
  return [world, shelf, injector.calls - start];
}

describe.each(SCENARIOS)('a fault at every backend call of $name', (scenario) => {
  it.each(FAULTS)('leaves what the next process goes on with: %s', async (type) => {
    const [, , calls] = await disturb(scenario, 0, undefined);
    expect(calls).toBeGreaterThan(5);
    // In a short run each kind of fault at other calls.
    for (let k = LONG ? 0 : 2 * FAULTS.indexOf(type); k < calls; k += LONG ? 1 : 8) {
      const [world, shelf] = await disturb(scenario, k, { type } as Fault);
      await expectGoesOn(world, shelf, `${type} at call ${k}`);
    }
  });
});

describe('a writer that stops', () => {
  it.each([
    ['its hint: which lapses', 'j/', false],
    ['its copy to the history: which is of the current version', 'h/', false],
    ['its record: which is there, and announced', 'o/', true],
  ])('after %s', async (_what, area, there) => {
    const world = await worldOf();
    const { engine, store } = await world.start();
    await store.store('k', 'one');
    const reader = await Follower.open(engine, world.clock);
    await reader.follow();
    const injector = createFaultInjector(({ operation, key }) =>
      operation === 'write' && key?.startsWith(area) === true ? { type: 'kill-after' } : undefined,
    );
    const writer = await world.start({ layers: [injector.layer], wrap: withoutBatch });
    void writer.store.store('k', 'two');
    await injector.killed;
    await reader.follow();
    expect((await unreadSince(engine)) < Number.POSITIVE_INFINITY).toBe(!there);
    expect((await store.retrieve('k')).text()).toBe(there ? 'two' : 'one');
    expect(reader.versions()).toEqual(await versionsAt(engine));
    world.clock.advance(HINT_LAPSES_AFTER + 2);
    await reader.follow();
    expect(await unreadSince(engine)).toBe(Number.POSITIVE_INFINITY);
    await store.store('k', 'three');
    await reader.follow();
    expect(reader.versions()).toEqual(await versionsAt(engine));
    expect(reader.alarms).toEqual([]);
  });
});

describe('a consumer that goes on after a fault', () => {
  it.each(FAULTS.filter((type) => type === 'fail' || type === 'lose-acknowledgement'))(
    'in the same process misses nothing: %s at every call',
    async (type) => {
      // In a short run each kind of fault at other calls.
      const [first, every] = LONG ? [0, 1] : [type === 'fail' ? 0 : 2, 4];
      for (let k = first, calls = k + 1; k < calls; k += every) {
        const world = await worldOf();
        const { store } = await world.start();
        const injector = createFaultInjector();
        const { engine } = await world.start({ layers: [injector.layer] });
        const shelf: Shelf = new Map();
        const reader = await follower({ world, shelf, store, engine });
        await reader.follow();
        await stored({ world, shelf, store, engine });
        const start = injector.calls;
        injector.plan(({ index }) => (index === start + k ? { type } : undefined));
        const disturbed = reader.cut().then(() => reader.confirm());
        await disturbed.catch((error: unknown) => expect(error).toMatchObject({ code: 'UNAVAILABLE' }));
        calls = Math.max(calls, injector.calls - start);
        injector.plan(undefined);
        await store.store('after', 'x');
        await reader.follow();
        expect(reader.versions(), `call ${k}`).toEqual(await versionsAt(engine));
        expect(reader.alarms, `call ${k}`).toEqual([]);
      }
    },
  );
});
