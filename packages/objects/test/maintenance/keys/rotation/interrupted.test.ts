import { randomInt } from 'node:crypto';
import type { FaultPlan } from '@securestore/backend-api';
import { createFaultInjector } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import type { ObjectStore, RotationDepth } from '../../../../src/index.ts';
import { EagerClock, mortal } from '../../../support/eager-clock.ts';
import type { KeptPlace } from '../../../support/kept-place.ts';
import { copyOf, keptAt } from '../../../support/kept-place.ts';
import type { Place } from '../../../support/places.ts';
import { memoryPlace } from '../../../support/places.ts';
import { createAt, failure, openAt, patterned, readRange, usePlace } from '../../../support/stores.ts';
import { TROUBLES } from '../../../support/troubles.ts';
import { sized } from '../../../../../../tools/campaigns/src/size.ts';

const OLD = Buffer.alloc(32, 7);
const NEW = Buffer.alloc(32, 8);
const LARGE = patterned(200_000);
const DEPTHS = ['unlock', 'keys', 'data'] as const satisfies RotationDepth[];

interface World {
  readonly place: Place;
  readonly clock: EagerClock;
}

let kept: Promise<KeptPlace> | undefined;

/** A copy of the same store each time. Time does not pass while it is made. */
async function world(): Promise<World> {
  kept ??= makeStore();
  const clock = new EagerClock();
  return { place: await copyOf(await kept, clock), clock };
}

async function makeStore(): Promise<KeptPlace> {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, { clock });
  for (const n of [1, 2, 3]) await store.store(`small/${n}`, `data ${n}`);
  await store.store('large', LARGE);
  await store.store('changed', 'one');
  await store.store('changed', 'two');
  await store.store('gone', 'x');
  await store.delete('gone');
  await store.close();
  expect(clock.now()).toBe(new EagerClock().now());
  return keptAt(place);
}

async function isIntact(store: ObjectStore): Promise<void> {
  for (const n of [1, 2, 3]) expect((await store.retrieve(`small/${n}`)).text()).toBe(`data ${n}`);
  expect((await readRange(store, 'large')).equals(LARGE)).toBe(true);
  const [newest, oldest] = await store.history('changed');
  expect((await store.retrieve('changed', { version: newest?.version })).text()).toBe('two');
  expect((await store.retrieve('changed', { version: oldest?.version })).text()).toBe('one');
  await failure(store.retrieve('gone'), 'NOT_FOUND');
}

/** Opens the store by whichever secret opens it: exactly one of the two. */
async function openByEither({ place, clock }: World): Promise<{ store: ObjectStore; secret: Buffer }> {
  const opened: { store: ObjectStore; secret: Buffer }[] = [];
  for (const secret of [OLD, NEW]) {
    try {
      opened.push({ store: await openAt(place, { clock, unlock: rawKey(secret) }), secret });
    } catch (error) {
      if (!SecureStoreError.is(error, 'UNLOCK_FAILED')) throw error;
    }
  }
  const [only] = opened;
  if (only === undefined || opened.length > 1) return expect.fail(`${opened.length} secrets open the store`);
  return only;
}

async function isRotated(store: ObjectStore, depth: RotationDepth): Promise<void> {
  await isIntact(store);
  expect(await store.jobs.list()).toEqual([]);
  if (depth === 'unlock') return;
  const states = await store.encryptionKeys.list();
  const census = await store.encryptionKeys.usage();
  const used = states.filter(({ id }) => (census[id] ?? 0) > 0).map(({ state }) => state);
  expect(used.filter((state) => state !== 'primary')).toEqual([]);
  expect(states.filter(({ state }) => state === 'enabled')).toEqual([]);
}

/** Goes on with a rotation that has made new keys. It may have ended, but for the removal of its state. */
async function goOn(store: ObjectStore, depth: RotationDepth): Promise<void> {
  try {
    expect(await store.jobs.resume('rotation')).toMatchObject({ depth, failed: 0 });
  } catch (error) {
    if (!SecureStoreError.is(error, 'NOT_FOUND')) throw error;
  }
}

/** Every call in full; of the long rotations one in a few, each time from another one. */
const STRIDE: Readonly<Record<RotationDepth, number>> = {
  unlock: sized({ short: 8, full: 1, torture: 1 }),
  keys: sized({ short: 40, full: 3, torture: 1 }),
  data: sized({ short: 100, full: 8, torture: 1 }),
};

/** Rotates with trouble at the call `k` of it. Resolves to whether there is such a call. */
async function rotateWith(w: World, depth: RotationDepth, plan: (k: number) => FaultPlan, k: number): Promise<boolean> {
  const injector = createFaultInjector();
  const store = await openAt(w.place, { clock: mortal(w.clock, injector), layers: [injector.layer] });
  const first = injector.calls + k;
  injector.plan(plan(first));
  const ended = store.rotateEncryptionKey(OLD, NEW, { depth }).then(
    () => undefined,
    (error: unknown) => expect(error).toMatchObject({ code: 'UNAVAILABLE' }),
  );
  await Promise.race([ended, injector.killed]);
  return injector.calls > first;
}

describe.each(DEPTHS)('a rotation to the depth "%s"', (depth) => {
  it.each(TROUBLES)(
    'goes on in another process, or has changed nothing, wherever %s',
    async (_what, plan) => {
      let k = randomInt(STRIDE[depth]);
      for (; ; k += STRIDE[depth]) {
        const w = await world();
        const reached = await rotateWith(w, depth, plan, k);
        // What was not begun, and what ended but for the removal of its state, is all right as well.
        const { store: other, secret } = await openByEither(w);
        await isIntact(other);
        const [job] = await other.jobs.list();
        if (secret === OLD) {
          if (job !== undefined) await failure(other.jobs.resume(job.id), 'NOT_FOUND');
          expect((await other.encryptionKeys.list()).map(({ state }) => state)).toEqual(['primary', 'primary']);
          await other.rotateEncryptionKey(OLD, NEW, { depth });
        } else if (job !== undefined) {
          await goOn(other, depth);
        }
        await isRotated(other, depth);
        await failure(openAt(w.place, { clock: w.clock }), 'UNLOCK_FAILED');
        const attackerNames = await (await w.place.open()).list('k/');
        expect(attackerNames.entries, `stopped at call ${k}`).toHaveLength(1);
        await other.close();
        if (!reached) break;
      }
      expect(k, 'calls').toBeGreaterThan(10);
    },
    600_000,
  );
});
