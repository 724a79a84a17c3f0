import type { Fault, FaultInjector } from '@securestore/backend-api';
import { createFaultInjector } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { ObjectStore, Version } from '../../src/index.ts';
import type { Place } from '../support/places.ts';
import { memoryPlace, PLACES, withoutBatch } from '../support/places.ts';
import { createAt, openAt, patterned, unlessMissing, usePlace } from '../support/stores.ts';
import { LONG } from '../../../../tools/campaigns/src/size.ts';

/** What a key holds: its text or size and its metadata; `undefined` for nothing. */
type Seen = string | undefined;

async function see(store: ObjectStore): Promise<Seen> {
  try {
    const { data, metadata } = await store.retrieve('k');
    return `${data.length}:${data.subarray(0, 8).toString()}:${JSON.stringify(metadata)}`;
  } catch (error) {
    if (SecureStoreError.is(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

const LARGE_OLD = patterned(150_000, 1);
const LARGE_NEW = patterned(150_000, 2);

interface Scenario {
  readonly name: string;
  /** What lies there before. */
  readonly before: (store: ObjectStore) => Promise<unknown>;
  readonly act: (store: ObjectStore, version: Version) => Promise<unknown>;
  /** Whether the whole call may run again after a stop, as a user would, and lead to the same. */
  readonly repeatable: boolean;
}

const nothing = async (): Promise<void> => undefined;
const one = (store: ObjectStore): Promise<unknown> => store.store('k', 'one', { metadata: { n: 1 } });
const large = (store: ObjectStore): Promise<unknown> => store.store('k', LARGE_OLD);
const deleted = async (store: ObjectStore): Promise<void> => {
  await one(store);
  await store.delete('k');
};

const SCENARIOS: readonly Scenario[] = [
  { name: 'a new object', before: nothing, act: (s) => s.store('k', 'two'), repeatable: true },
  { name: 'ifAbsent', before: nothing, act: (s) => s.store('k', 'two', { ifAbsent: true }), repeatable: false },
  {
    name: 'ifAbsent after a deletion',
    before: deleted,
    act: (s) => s.store('k', 'two', { ifAbsent: true }),
    repeatable: false,
  },
  { name: 'an overwrite', before: one, act: (s) => s.store('k', 'two'), repeatable: true },
  { name: 'ifVersion', before: one, act: (s, ifVersion) => s.store('k', 'two', { ifVersion }), repeatable: false },
  { name: 'a large object', before: nothing, act: (s) => s.store('k', LARGE_NEW), repeatable: true },
  { name: 'large over large', before: large, act: (s) => s.store('k', LARGE_NEW), repeatable: true },
  {
    name: 'large ifVersion',
    before: large,
    act: (s, ifVersion) => s.store('k', LARGE_NEW, { ifVersion }),
    repeatable: false,
  },
  { name: 'setMetadata', before: one, act: (s) => s.setMetadata('k', { n: 2 }), repeatable: true },
  { name: 'setMetadata of a large object', before: large, act: (s) => s.setMetadata('k', { n: 2 }), repeatable: true },
  { name: 'delete', before: one, act: (s) => s.delete('k'), repeatable: true },
  { name: 'delete ifVersion', before: large, act: (s, ifVersion) => s.delete('k', { ifVersion }), repeatable: false },
  { name: 'undelete', before: deleted, act: (s) => s.undelete('k'), repeatable: false },
  {
    name: 'restoreVersion',
    before: async (s) => {
      await one(s);
      await s.store('k', 'other');
    },
    act: async (s) => {
      const history = await s.history('k');
      return s.restoreVersion('k', history.at(-1)?.version ?? '');
    },
    repeatable: true,
  },
  { name: 'purge', before: large, act: (s) => s.purge('k'), repeatable: true },
];

const KINDS: readonly (readonly [string, (place: Place, injector: FaultInjector) => Promise<ObjectStore>])[] = [
  ['with batches', (place, { layer }) => openAt(place, { layers: [layer] })],
  ['without batches', (place, { layer }) => openAt(place, { wrap: withoutBatch, layers: [layer] })],
];

interface Prepared {
  readonly place: Place;
  readonly before: Seen;
  readonly after: Seen;
  readonly calls: number;
  readonly version: Version;
}

/** Runs a scenario without a fault, to learn its outcome and how many backend calls it takes. */
async function prepare(scenario: Scenario, open: (typeof KINDS)[number][1], make: () => Place): Promise<Prepared> {
  const place = usePlace(make);
  const injector = createFaultInjector();
  const { version } = await setUp(scenario, place);
  const store = await open(place, injector);
  const before = await see(store);
  const start = injector.calls;
  await scenario.act(store, version);
  const calls = injector.calls - start;
  const after = await see(store);
  await store.close();
  return { place, before, after, calls, version };
}

async function setUp(scenario: Scenario, place: Place): Promise<{ version: Version }> {
  const store = await createAt(place);
  await scenario.before(store);
  const version = (await store.has('k')) ? (await store.info('k')).version : '00000000000-00000000';
  await store.close();
  return { version };
}

type Outcome = { readonly done: true } | { readonly done: false; readonly error: SecureStoreError } | 'stopped';

/** Runs a scenario with `fault` at backend call `k`, counted from its own first one. */
async function runWith(
  scenario: Scenario,
  open: (typeof KINDS)[number][1],
  place: Place,
  k: number,
  fault: Fault,
): Promise<Outcome> {
  const { version } = await setUp(scenario, place);
  const injector = createFaultInjector();
  const store = await open(place, injector);
  const start = injector.calls;
  injector.plan(({ index }) => (index === start + k ? fault : undefined));
  const call = scenario.act(store, version).then(
    (): Outcome => ({ done: true }),
    (error: unknown): Outcome => {
      if (!SecureStoreError.is(error)) throw error;
      return { done: false, error };
    },
  );
  return Promise.race([call, injector.killed.then((): Outcome => 'stopped')]);
}

describe.each(KINDS)('a fault at every backend call, %s', (_kind, open) => {
  // In a short run each with or without batches.
  const scenarios = SCENARIOS.filter((_, at) => LONG || KINDS[at % KINDS.length]?.[1] === open);

  describe.each(scenarios)('of $name', (scenario) => {
    let known: Promise<Prepared> | undefined;
    const prepared = (): Promise<Prepared> => (known ??= prepare(scenario, open, memoryPlace));
    const FAULTS: readonly (readonly [string, Fault])[] = [
      ['it is killed before', { type: 'kill-before' }],
      ['it is killed after', { type: 'kill-after' }],
      ['the call fails', { type: 'fail' }],
      ['the acknowledgement is lost', { type: 'lose-acknowledgement' }],
    ];

    it.each(FAULTS)('leaves the old or the new object, whole, where %s', async (_what, fault) => {
      const { before, after, calls } = await prepared();
      expect(after).not.toBe(before);
      // In a short run each kind of fault at other calls.
      const turn = FAULTS.findIndex(([, other]) => other.type === fault.type);
      for (let k = LONG ? 0 : (3 * turn) % calls; k < calls; k += LONG ? 1 : 12) {
        const place = usePlace(memoryPlace);
        const outcome = await runWith(scenario, open, place, k, fault);
        const store = await openAt(place);
        const found = await see(store);
        expect([before, after], `call ${k}`).toContain(found);
        await Array.fromAsync(store.entries());
        await unlessMissing(store.history('k'));
        if (outcome !== 'stopped' && outcome.done) expect(found, `call ${k}`).toBe(after);
        // What is reported as failed did not take place, unless it says that it may have.
        if (outcome !== 'stopped' && !outcome.done) {
          expect(outcome.error.code, `call ${k}`).toBe('UNAVAILABLE');
          if (outcome.error.outcome === undefined) expect(found, `call ${k}`).toBe(before);
        }
        if (scenario.repeatable) {
          const version = found === undefined ? '' : (await store.info('k')).version;
          await scenario
            .act(store, version)
            .catch((error: unknown) => expect(error).toMatchObject({ code: 'NOT_FOUND' }));
          expect(await see(store), `again after call ${k}`).toBe(after);
        }
        await store.close();
      }
    });

    it('a single lost acknowledgement is made good, wherever it happens', async () => {
      const { after, calls } = await prepared();
      const lost: number[] = [];
      for (let k = 0; k < calls; k += LONG ? 1 : 7) {
        const place = usePlace(memoryPlace);
        const injector = createFaultInjector();
        const { version } = await setUp(scenario, place);
        const store = await open(place, injector);
        const start = injector.calls;
        let mutating = false;
        injector.plan(({ index, effect }) => {
          if (index !== start + k) return undefined;
          mutating = effect !== 'none';
          return mutating ? { type: 'lose-acknowledgement' } : undefined;
        });
        await scenario.act(store, version).catch((error: unknown) => {
          // Deletions are repeated by whoever asked for them.
          if (!(scenario.name === 'purge' && SecureStoreError.is(error, 'UNAVAILABLE'))) throw error;
          lost.push(k);
        });
        if (lost.includes(k)) continue;
        expect(await see(store), `call ${k}`).toBe(after);
        if (scenario.name === 'purge') expect((await (await place.open()).list('b/')).entries).toEqual([]);
      }
    });
  });
});

describe.each(PLACES)('a process that dies, over %s', (_name, make) => {
  it.each(SCENARIOS.filter(({ name }) => ['an overwrite', 'large over large', 'delete', 'purge'].includes(name)))(
    'in the middle of $name leaves the old or the new object',
    async (scenario) => {
      const open = KINDS[0]?.[1];
      if (open === undefined) throw new Error('no kind');
      const { before, after, calls } = await prepare(scenario, open, make);
      for (let k = 0; k < calls; k += LONG ? 1 : 7) {
        const place = usePlace(make);
        await runWith(scenario, open, place, k, { type: 'kill-after' });
        const store = await openAt(place);
        expect([before, after], `call ${k}`).toContain(await see(store));
        await store.close();
      }
    },
  );
});
