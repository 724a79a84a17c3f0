import { randomInt } from 'node:crypto';
import type { FaultPlan } from '@securestore/backend-api';
import { createFaultInjector } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../../../src/index.ts';
import type { Club, Person } from '../../../support/members.ts';
import { club, person } from '../../../support/members.ts';
import { failure, openAt } from '../../../support/stores.ts';
import { headOf } from '../../../support/thief.ts';
import { TROUBLES } from '../../../support/troubles.ts';
import { sized } from '../../../../../../tools/campaigns/src/size.ts';

const RED = { categories: ['red'] };

/** A revocation makes many calls: one in a few, each time from another one. */
const STRIDE = sized({ short: 40, full: 4, torture: 1 });
/** Adding one makes few. */
const STRIDE_OF_ADDING = sized({ short: 5, full: 1, torture: 1 });

interface World extends Club {
  readonly ann: Person;
  readonly bob: Person;
}

/** A store with the members bob and, where she is to be revoked, ann. */
async function world(withAnn: boolean): Promise<World> {
  const all = await club();
  await all.owner.store('red/a', 'a');
  await all.owner.store('red/a', 'b');
  await all.owner.store('blue/b', 'b');
  const bob = await all.join('bob', { categories: ['red', 'blue'] });
  return { ...all, bob, ann: withAnn ? await all.join('ann', RED) : await person() };
}

/** Has `change` run into trouble at its call `k`. Resolves to whether there is such a call. */
async function troubled(
  { place, clock }: World,
  change: (store: ObjectStore) => PromiseLike<unknown>,
  plan: (k: number) => FaultPlan,
  k: number,
): Promise<boolean> {
  const injector = createFaultInjector();
  const store = await openAt(place, { clock, layers: [injector.layer] });
  const first = injector.calls + k;
  injector.plan(plan(first));
  const ended = change(store).then(
    () => undefined,
    (error: unknown) => expect(error).toMatchObject({ code: 'UNAVAILABLE' }),
  );
  await Promise.race([ended, injector.killed]);
  return injector.calls > first;
}

/** Whatever happened: the head names only what is there, and who was a member before is one still. */
async function isSound({ attacker, owner, bob, enter, clock }: World): Promise<void> {
  const names = new Set(await attacker.names());
  const { references } = headOf(await attacker.copy());
  for (const { name } of Object.values(references)) expect(names).toContain(name);
  clock.advance(10_000);
  expect((await owner.retrieve('red/a')).text()).toBe('b');
  expect(await owner.history('red/a')).toHaveLength(2);
  const member = await enter(bob);
  expect((await member.retrieve('red/a')).text()).toBe('b');
  expect((await member.retrieve('blue/b')).text()).toBe('b');
  await member.close();
}

async function unlessDone(call: PromiseLike<unknown>, code: 'ALREADY_EXISTS' | 'NOT_FOUND'): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!SecureStoreError.is(error, code)) throw error;
  }
}

const revoke = (store: ObjectStore): PromiseLike<unknown> => store.members.revoke('ann');

const isMember = async (store: ObjectStore): Promise<boolean> =>
  (await store.members.list()).some(({ name }) => name === 'ann');

/** What lies under `k/` and `p/` and is named by no head. */
async function leftovers({ attacker }: World): Promise<string[]> {
  const named = Object.values(headOf(await attacker.copy()).references).map(({ name }) => name);
  const there = [...(await attacker.names('k/')), ...(await attacker.names('p/'))];
  return there.filter((name) => !named.includes(name));
}

describe('adding a member', () => {
  it.each(TROUBLES)('is done or not, and can be repeated, wherever %s', async (_what, plan) => {
    for (let k = randomInt(STRIDE_OF_ADDING); ; k += STRIDE_OF_ADDING) {
      const w = await world(false);
      const { owner, ann, enter } = w;
      const add = (store: ObjectStore): PromiseLike<unknown> => store.members.add('ann', ann.recipient, RED);
      const reached = await troubled(w, add, plan, k);
      await isSound(w);
      if (!(await isMember(owner))) await failure(enter(ann), 'UNLOCK_FAILED');
      await unlessDone(add(owner), 'ALREADY_EXISTS');
      expect((await (await enter(ann)).retrieve('red/a')).text()).toBe('b');
      // The next change of keys or members leaves nothing of it.
      await owner.members.add('carl', (await person()).recipient, RED);
      expect(await leftovers(w)).toEqual([]);
      if (!reached) return;
    }
  });
});

describe('revoking a member', () => {
  // T-MEMBER-08
  it.each(TROUBLES)('goes on in another process, or has changed nothing, wherever %s', async (_what, plan) => {
    for (let k = randomInt(STRIDE); ; k += STRIDE) {
      const w = await world(true);
      const { owner, ann, enter } = w;
      const reached = await troubled(w, revoke, plan, k);
      await isSound(w);
      if (await isMember(owner)) {
        await enter(ann);
        w.clock.advance(60_000);
        await revoke(owner);
      } else {
        await failure(enter(ann), 'UNLOCK_FAILED');
        // The lease of whoever was killed lapses first.
        w.clock.advance(60_000);
        await unlessDone(owner.jobs.resume('rotation'), 'NOT_FOUND');
      }
      await failure(enter(ann), 'UNLOCK_FAILED');
      await isSound(w);
      expect((await owner.encryptionKeys.list()).filter(({ state }) => state === 'enabled')).toEqual([]);
      expect(await leftovers(w)).toEqual([]);
      expect(await owner.jobs.list()).toEqual([]);
      if (!reached) return;
    }
  });
});
