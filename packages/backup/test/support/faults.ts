import type { FaultInjector } from '@securestore/backend-api';
import { createFaultInjector } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { ObjectStore } from '@securestore/objects';
import { expect } from 'vitest';
import { mortal } from '../../../objects/test/support/eager-clock.ts';
import { withoutBatch } from '../../../objects/test/support/places.ts';
import { openAt, patterned } from '../../../objects/test/support/stores.ts';
import { TROUBLES } from '../../../objects/test/support/troubles.ts';
import type { World } from './worlds.ts';
import { LONG, TORTURE } from '../../../../tools/campaigns/src/size.ts';

/** The names that {@link fill} and {@link change} use, and one more. */
export const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];

/**
 * Runs `body` with all that goes wrong at call 0, 1, … until nothing goes wrong any more: at every call in the long form, and otherwise at
 * every `every`-th, for each trouble from another one on. A short run has each trouble once, at another call each, or where there are not
 * so many, at half as many, and so on.
 */
export async function atEveryCall(
  [name, planAt]: (typeof TROUBLES)[number],
  body: (injector: FaultInjector, what: string, other: FaultInjector) => Promise<void>,
  every = TROUBLES.length,
): Promise<void> {
  const run = async (k: number): Promise<boolean> => {
    let hit = false;
    const plan = planAt(k);
    const injector = createFaultInjector((call) => {
      const fault = plan(call);
      hit ||= fault !== undefined;
      return fault;
    });
    // A process that is killed is killed on all sides.
    const other = createFaultInjector();
    void injector.killed.then(() => other.kill());
    await body(injector, `${name} at call ${k}`, other);
    return hit;
  };
  const number = TROUBLES.findIndex(([other]) => other === name);
  if (!LONG) {
    for (let k = 4 + 8 * number; !(await run(k)); k >>= 1) expect(k).toBeGreaterThan(1);
    return;
  }
  const step = TORTURE ? 1 : every;
  let k = number % step;
  while (await run(k)) k += step;
  expect(k).toBeGreaterThan(5);
}

/** Whether a trouble is one of the half of them that a short run has on one of two sides. The other side has the others. */
export function isInTurn([name]: (typeof TROUBLES)[number], isFirstSide: boolean): boolean {
  return LONG || (TROUBLES.findIndex(([other]) => other === name) % 2 === 0) === isFirstSide;
}

/** Waits for work that may fail, or never end since its process was killed. @returns whether it succeeded */
export async function ended(work: PromiseLike<unknown>, { killed }: FaultInjector): Promise<boolean> {
  const done = Promise.resolve(work).then(
    () => true,
    (error: unknown) => {
      if (SecureStoreError.is(error)) return false;
      throw error;
    },
  );
  return Promise.race([done, killed.then(() => false)]);
}

/** Opens the store of a world in a process whose time ends where `injector` kills it. */
export async function openDoomed(
  { source, clock }: Pick<World, 'source' | 'clock'>,
  injector: FaultInjector,
): Promise<ObjectStore> {
  return openAt(source, { clock: mortal(clock, injector), wrap: withoutBatch, layers: [injector.layer] });
}

/** Some objects, and some that are deleted. */
export async function fill(store: ObjectStore): Promise<void> {
  await store.store('a', 'one', { metadata: { n: 1 } });
  await store.store('b', patterned(80_000, 2));
  await store.store('c', 'old');
  await store.store('c', 'new');
  await store.store('d', patterned(70_000, 3));
  await store.delete('d');
}

/** Changes of all kinds. */
export async function change(store: ObjectStore): Promise<void> {
  await store.store('a', 'two');
  await store.purge('b');
  await store.store('e', patterned(90_000, 4));
  await store.delete('c');
}
