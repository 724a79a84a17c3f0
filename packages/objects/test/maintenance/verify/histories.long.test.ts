import { SecureStoreError } from '@securestore/core-format';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../../src/index.ts';
import { collect } from '../../../src/maintenance/gc/collect.ts';
import { engineAt } from '../../support/engines.ts';
import { EagerClock } from '../../support/eager-clock.ts';
import type { Place } from '../../support/places.ts';
import { memoryPlace } from '../../support/places.ts';
import { createAt, openAt, patterned, usePlace } from '../../support/stores.ts';
import { sized, TORTURE } from '../../../../../tools/campaigns/src/size.ts';

/** What rotations replace; the stores are open by another secret. */
const KEY = Buffer.alloc(32, 8);
const KEYS = ['a', 'a/b', 'c', 'n'.repeat(400)] as const;

const ACTIONS = ['store', 'setMetadata', 'delete', 'purge', 'undelete', 'restoreVersion'] as const;

interface Step {
  readonly client: number;
  readonly key: string;
  readonly action: (typeof ACTIONS)[number] | 'checkpoint' | 'unlock' | 'keys' | 'data' | 'wait' | 'reopen' | 'collect';
  readonly large: boolean;
  readonly pick: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  client: fc.nat(1),
  key: fc.constantFrom(...KEYS),
  action: fc.oneof(
    { weight: 10, arbitrary: fc.constantFrom(...ACTIONS) },
    { weight: 1, arbitrary: fc.constant('reopen' as const) },
    { weight: 4, arbitrary: fc.constantFrom('checkpoint' as const, 'wait' as const, 'collect' as const) },
    { weight: 1, arbitrary: fc.constantFrom('unlock' as const, 'keys' as const, 'data' as const) },
  ),
  large: fc.boolean(),
  pick: fc.nat(20),
});

/** Calls that may find nothing to do, or come against another one. */
const HARMLESS = new Set(['NOT_FOUND', 'CONFLICT', 'LOCKED']);

async function harmless(call: PromiseLike<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!SecureStoreError.is(error) || !HARMLESS.has(error.code)) throw error;
  }
}

async function restoreSome(store: ObjectStore, key: string, pick: number): Promise<void> {
  const versions = (await store.history(key)).filter(({ deleted }) => !deleted);
  const chosen = versions[pick % Math.max(1, versions.length)];
  if (chosen !== undefined) await store.restoreVersion(key, chosen.version);
}

function perform(store: ObjectStore, { key, action, large, pick }: Step): Promise<void> {
  switch (action) {
    case 'store':
      return harmless(store.store(key, large ? patterned(70_000, pick + 1) : `${pick}`));
    case 'setMetadata':
      return harmless(store.setMetadata(key, { pick }));
    case 'delete':
      return harmless(store.delete(key));
    case 'purge':
      return harmless(store.purge(key));
    case 'undelete':
      return harmless(store.undelete(key));
    case 'restoreVersion':
      return harmless(restoreSome(store, key, pick));
    case 'checkpoint':
      return harmless(store.checkpoint());
    case 'unlock':
    case 'keys':
    case 'data':
      return harmless(store.rotateEncryptionKey(KEY, KEY, { depth: action }));
    default:
      return Promise.resolve();
  }
}

/** What a process that has the store open does in the background. @returns how much was removed */
async function collectAt(place: Place, clock: EagerClock): Promise<number> {
  const { store, engine } = await engineAt(place, clock);
  const { versions, tombstones } = await collect(engine);
  await store.close();
  return versions + tombstones;
}

describe('verify', () => {
  it('raises no alarm over any legitimate history', { timeout: 3_600_000 }, async () => {
    let collected = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: TORTURE ? 50 : 30, size: 'max' }),
        fc.boolean(),
        async (steps, journal) => {
          const clock = new EagerClock();
          const place = usePlace(() => memoryPlace(() => clock.now()));
          const stores = [
            await createAt(place, { clock, journal, history: { versions: 1, days: 0 } }),
            await openAt(place, { clock }),
          ];
          await stores[0]?.slots.add(KEY);
          for (const one of steps) {
            const store = stores[one.client];
            if (store === undefined) throw new Error('no such client');
            if (one.action === 'reopen') {
              await store.close();
              stores[one.client] = await openAt(place, { clock });
            } else if (one.action === 'collect') {
              collected += await collectAt(place, clock);
            } else if (one.action === 'wait') {
              clock.advance(one.pick * 12 * 60 * 60 * 1000);
            } else {
              await perform(store, one);
            }
          }
          for (const store of stores) {
            const report = await store.verify({ payloads: true });
            expect(report.findings).toEqual([]);
            expect(report.foreign).toEqual([]);
            expect(report.ok).toBe(true);
          }
          const [store] = stores;
          expect(await store?.checkpoint()).toMatchObject({ contradicted: 0 });
          expect(await store?.verify()).toMatchObject({ ok: true });
          for (const one of stores) await one.close();
        },
      ),
      { numRuns: sized({ short: 5, full: 25, torture: 1000 }) },
    );
    if (TORTURE) expect(collected).toBeGreaterThan(100);
  });

  it('raises no false alarm beside writers', { timeout: 600_000 }, async () => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const store = await createAt(place, { clock });
    const writers = [await openAt(place, { clock }), await openAt(place, { clock })];
    for (const key of KEYS) await store.store(key, 'x');
    const stop = new AbortController();
    const work = writers.map(async (writer, n) => {
      for (let count = 0; !stop.signal.aborted; count++) {
        const key = KEYS[(count * 7 + n) % KEYS.length] ?? 'a';
        const action = ACTIONS[(count * 5 + n) % ACTIONS.length] ?? 'store';
        await perform(writer, { client: n, key, action, large: count % 3 === 0, pick: count % 21 });
        if (count % 50 === 49) await perform(writer, { client: n, key, action: 'checkpoint', large: false, pick: 0 });
      }
    });
    for (let round = 0; round < 10; round++) {
      const report = await store.verify({ payloads: true });
      expect(report.findings, `round ${round}`).toEqual([]);
    }
    stop.abort();
    await Promise.all(work);
    expect(await store.verify({ payloads: true })).toMatchObject({ ok: true });
  });
});
