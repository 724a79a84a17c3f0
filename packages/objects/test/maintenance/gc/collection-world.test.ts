import { setImmediate as nextTurn } from 'node:timers/promises';
import type { StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { AREAS } from '@securestore/core-format';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../../jobs/test/support/clock.ts';
import { collect } from '../../../src/maintenance/gc/collect.ts';
import type { Process } from '../../support/collection.ts';
import {
  DAY,
  hasCode,
  HOUR,
  markersOf,
  namesUnder,
  partsOf,
  processAt,
  silent,
  skewed,
  whileTimePasses,
} from '../../support/collection.ts';
import { memoryPlace } from '../../support/places.ts';
import type { Place } from '../../support/places.ts';
import { createAt, patterned, usePlace } from '../../support/stores.ts';
import { sized } from '../../../../../tools/campaigns/src/size.ts';

const KEYS = ['a', 'a/b', 'n'.repeat(400)];

interface Action {
  readonly process: number;
  readonly key: string;
  readonly kind: 'store' | 'slow' | 'expiring' | 'delete' | 'undelete' | 'restore' | 'purge' | 'metadata' | 'collect';
  readonly size: number;
  readonly pick: number;
}

/** What happens at once, and how long it is until the next group. */
interface Group {
  readonly actions: readonly Action[];
  readonly hours: number;
}

const action: fc.Arbitrary<Action> = fc.record({
  process: fc.nat(2),
  key: fc.constantFrom(...KEYS),
  kind: fc.oneof(
    { weight: 4, arbitrary: fc.constant('store' as const) },
    { weight: 3, arbitrary: fc.constant('collect' as const) },
    {
      weight: 7,
      arbitrary: fc.constantFrom(
        'slow' as const,
        'expiring' as const,
        'delete' as const,
        'undelete' as const,
        'restore' as const,
        'purge' as const,
        'metadata' as const,
      ),
    },
  ),
  size: fc.constantFrom(10, 10_000),
  pick: fc.nat(10),
});

const groups: fc.Arbitrary<Group[]> = fc.array(
  fc.record({
    actions: fc.array(action, { minLength: 1, maxLength: 4 }),
    hours: fc.constantFrom(0, 1, 11, 13, 25, 50),
  }),
  { minLength: 5, maxLength: 25, size: 'max' },
);

/** Answers after some turns, so that calls of several processes mix. */
function slowed(inner: StorageBackend, seed: number): StorageBackend {
  let state = seed;
  const pause = async (): Promise<void> => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    for (let turns = state % 4; turns > 0; turns--) await nextTurn();
  };
  const outer = silent(inner);
  return forwardTo(outer, {
    read: async (key, options) => {
      await pause();
      return outer.read(key, options);
    },
    write: async (key, body, options) => {
      const copy = Uint8Array.from(body);
      await pause();
      return outer.write(key, copy, options);
    },
    delete: async (key, options) => {
      await pause();
      return outer.delete(key, options);
    },
  });
}

/** Failures that a caller may meet beside others. */
const EXPECTED = ['NOT_FOUND', 'CONFLICT', 'UNAVAILABLE'];

async function perform({ store, engine }: Process, given: Action, clock: FakeClock): Promise<unknown> {
  const { key, kind, size, pick } = given;
  async function* slowly(): AsyncGenerator<Uint8Array> {
    yield patterned(size, pick + 1);
    clock.advance((pick * 5 + 1) * HOUR);
    await nextTurn();
    yield patterned(size, pick + 2);
  }
  switch (kind) {
    case 'store':
      return store.store(key, patterned(size, pick + 1));
    case 'slow':
      return store.store(key, slowly());
    case 'expiring':
      return store.store(key, patterned(size, pick + 1), { expires: new Date(engine.clock.now() + 1 + pick * HOUR) });
    case 'delete':
      return store.delete(key);
    case 'undelete':
      return store.undelete(key);
    case 'purge':
      return store.purge(key);
    case 'metadata':
      return store.setMetadata(key, { pick });
    case 'restore': {
      const history = await store.history(key);
      return store.restoreVersion(key, history[pick % history.length]?.version ?? '');
    }
    case 'collect':
      return collect(engine);
    default:
      throw new TypeError(`no such action: ${String(kind satisfies never)}`);
  }
}

async function readable({ store }: Process): Promise<void> {
  for (const key of KEYS) {
    const history = await store.history(key).catch((error: unknown) => {
      if (hasCode(error, 'NOT_FOUND')) return [];
      throw error;
    });
    for (const { version, deleted } of history) {
      if (deleted) continue;
      await store.retrieve(key, { version }).catch((error: unknown) => {
        if (!hasCode(error, 'NOT_FOUND')) throw error;
      });
    }
  }
}

async function threeProcesses(place: Place, clock: FakeClock): Promise<Process[]> {
  return Promise.all(
    [-HOUR, 0, HOUR].map((skew, index) =>
      processAt(place, {
        clock: skewed(clock, skew),
        smallParts: true,
        wrap: (backend) => slowed(backend, index + 1),
      }),
    ),
  );
}

describe('collectors beside writers whose clocks are an hour apart', () => {
  it('lose nothing that a record leads to, and leave nothing else after two passes', async () => {
    await fc.assert(
      fc.asyncProperty(groups, fc.record({ versions: fc.nat(3), days: fc.nat(3) }), async (steps, history) => {
        const clock = new FakeClock();
        const place = usePlace(() => memoryPlace(() => clock.now()));
        await (await createAt(place, { clock, history })).close();
        const processes = await threeProcesses(place, clock);
        const witness = await processAt(place, { clock });
        for (const { actions, hours } of steps) {
          const running = actions.map(async (given) => {
            const process = processes[given.process];
            if (process === undefined) throw new Error('no such process');
            await perform(process, given, clock).catch((error: unknown) => {
              if (!hasCode(error, ...EXPECTED)) throw error;
            });
          });
          await whileTimePasses(clock, Promise.all(running));
          expect((await partsOf(witness.engine)).missing).toEqual([]);
          clock.advance(hours * HOUR);
        }
        for (let pass = 0; pass < 2; pass++) {
          clock.advance(2 * DAY);
          expect(await whileTimePasses(clock, collect(witness.engine))).toMatchObject({ failed: 0 });
        }
        expect(await partsOf(witness.engine)).toEqual({ missing: [], unreachable: [] });
        expect(await markersOf(witness.engine)).toEqual({});
        await readable(witness);
        for (const { store } of processes) await store.close();
      }),
      { numRuns: sized({ short: 5, full: 20, torture: 3000 }) },
    );
  });
});

describe('the size of a store', () => {
  it('does not show in what a collection holds', async () => {
    const objects = sized({ short: 3000, full: 20_000, torture: 1_000_000 });
    const clock = new FakeClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    await (await createAt(place, { clock, history: { versions: 0, days: 0 } })).close();
    const { engine, store } = await processAt(place, { clock });
    for (let start = 0; start < objects; start += 1000) {
      await store.storeMany(Array.from({ length: 1000 }, (_, n) => ({ key: `k${start + n}`, data: 'x' })));
    }
    for (let n = 0; n < objects; n += 10) await store.store(`k${n}`, 'y');
    clock.advance(2 * DAY);
    let listed = 0;
    let done = 0;
    let most = 0;
    const counted = forwardTo(engine.backend, {
      list: async (prefix, options) => {
        const page = await engine.backend.list(prefix, options);
        if (prefix === AREAS.objects) listed += page.entries.length;
        most = Math.max(most, listed - done);
        return page;
      },
    });
    const report = await whileTimePasses(
      clock,
      collect({ ...engine, backend: counted }, { onProgress: ({ objects: count }) => void (done = count) }),
    );
    expect(report).toMatchObject({ objects, versions: objects / 10, failed: 0 });
    expect(await namesUnder(engine.backend, AREAS.history)).toEqual([]);
    // Two pages, and what is being read.
    expect(most).toBeLessThanOrEqual(2 * 1000 + 16);
  });
});
