import { createFaultInjector } from '@securestore/backend-api';
import { rawKey } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import type { ObjectStore, RotationDepth } from '../../../../src/index.ts';
import { attack } from '../../../support/attacker.ts';
import { EagerClock } from '../../../support/eager-clock.ts';
import type { Place } from '../../../support/places.ts';
import { memoryPlace } from '../../../support/places.ts';
import { createAt, failure, openAt, patterned, readRange, usePlace } from '../../../support/stores.ts';

const OLD = Buffer.alloc(32, 7);
const NEW = Buffer.alloc(32, 8);
const LARGE = patterned(200_000);
const DAY = 24 * 60 * 60 * 1000;

type Bodies = ReadonlyMap<string, Buffer>;

/** The head, the keyring and the category map: what keys come from. */
const isKeyObject = (name: string): boolean => name === 'store' || /^[kp]\//.test(name);
const isBlob = (name: string): boolean => name.startsWith('b/');

/** A store as an attacker puts it together: each object from where `from` says. */
function mixed(from: (name: string) => Bodies, ...all: readonly Bodies[]): Map<string, Buffer> {
  const names = new Set(all.flatMap((bodies) => [...bodies.keys()]));
  return new Map(
    [...names].flatMap((name) => {
      const body = from(name).get(name);
      return body === undefined ? [] : [[name, body] as const];
    }),
  );
}

async function openCopy(copy: Bodies, clock: EagerClock, secret: Buffer): Promise<ObjectStore> {
  const place = usePlace(() => memoryPlace(() => clock.now()));
  await (await attack(place)).restore(copy);
  return openAt(place, { clock, unlock: rawKey(secret) });
}

interface Rotated {
  readonly clock: EagerClock;
  readonly before: Bodies;
  readonly after: Bodies;
}

/** Copies of a store from before a rotation and from after it, when an object has been stored since. */
async function rotated(depth: RotationDepth): Promise<Rotated> {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const attacker = await attack(place);
  const store = await createAt(place, { clock });
  await store.store('small', 'data');
  await store.store('large', LARGE);
  const before = await attacker.copy();
  await store.rotateEncryptionKey(OLD, NEW, { depth });
  await store.store('since', 'data');
  return { clock, before, after: await attacker.copy() };
}

describe.each(['unlock', 'keys', 'data'] as const)('after a rotation to the depth "%s"', (depth) => {
  // T-REVOKED-01
  it('the old secret opens nothing of now, and a whole copy of before', async () => {
    const { clock, before, after } = await rotated(depth);
    await failure(openCopy(after, clock, OLD), 'UNLOCK_FAILED');
    const now = await openCopy(after, clock, NEW);
    expect((await now.retrieve('since')).text()).toBe('data');
    const then = await openCopy(before, clock, OLD);
    expect((await then.retrieve('small')).text()).toBe('data');
    expect((await readRange(then, 'large')).equals(LARGE)).toBe(true);
    await failure(openCopy(before, clock, NEW), 'UNLOCK_FAILED');
  });

  // T-REVOKED-01
  it(`the old secret, head and keyring open ${depth === 'unlock' ? 'all' : 'nothing'} that lies in the store now`, async () => {
    const { clock, before, after } = await rotated(depth);
    const store = await openCopy(
      mixed((name) => (isKeyObject(name) ? before : after), before, after),
      clock,
      OLD,
    );
    for (const key of ['small', 'large', 'since']) {
      if (depth === 'unlock') expect((await store.info(key)).key).toBe(key);
      else await failure(store.retrieve(key), 'INTEGRITY');
    }
  });

  it(`the old keys and old records open ${depth === 'data' ? 'no payload' : 'the payloads'} that lie in the store now`, async () => {
    const { clock, before, after } = await rotated(depth);
    const store = await openCopy(
      mixed((name) => (isBlob(name) ? after : before), before, after),
      clock,
      OLD,
    );
    expect((await store.retrieve('small')).text()).toBe('data');
    if (depth === 'data') await failure(store.retrieve('large'), 'INTEGRITY');
    else expect(LARGE.equals((await store.retrieve('large')).data)).toBe(true);
  });

  // T-REVOKED-01
  it('the old keyring lies nowhere any more', async () => {
    const { before, after } = await rotated(depth);
    const [old] = [...before.keys()].filter((name) => name.startsWith('k/'));
    expect([...after.keys()].filter((name) => name.startsWith('k/'))).toHaveLength(1);
    expect(after.has(old ?? expect.fail('no keyring'))).toBe(false);
  });
});

async function withCategory(): Promise<{ place: Place; clock: EagerClock; store: ObjectStore }> {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, { clock, categories: { pii: ['users/**'] } });
  await store.store('users/1', 'one');
  await store.store('users/1', 'two');
  await store.store('users/large', LARGE);
  await store.store('else', 'not');
  return { place, clock, store };
}

describe('a category that is destroyed', () => {
  it('opens nothing, and everything again when that is undone in time', async () => {
    const { clock, store } = await withCategory();
    const destroyAt = new Date(clock.now() + 30 * DAY);
    const [report] = await store.encryptionKeys.destroy('pii');
    expect(report).toMatchObject({ category: 'pii', state: 'destroying', destroyAt });
    for (const call of [store.retrieve('users/1'), store.store('users/2', 'x'), store.purge('users/1')]) {
      expect((await failure(call, 'KEY_DESTROYED')).advice).toEqual([{ id: 'undo-key-destruction', target: 'pii' }]);
    }
    expect((await store.retrieve('else')).text()).toBe('not');
    clock.advance(destroyAt.getTime() - clock.now() - 1);
    expect(await store.encryptionKeys.destroyDue()).toEqual({ destroyed: [], inUse: [], pending: [] });
    await store.encryptionKeys.undo('pii');
    expect((await store.retrieve('users/1')).text()).toBe('two');
    await failure(store.encryptionKeys.undo('pii'), 'INVALID_ARGUMENT');
  });

  // T-REVOKED-05
  it('is gone from all data of before with every secret and the current keys; the old keys are the control', async () => {
    const { place, clock, store } = await withCategory();
    const attacker = await attack(place);
    const before = await attacker.copy();
    const [key] = await store.encryptionKeys.destroy('pii', { waitingPeriod: DAY });
    clock.advance(DAY);
    expect(await store.encryptionKeys.destroyDue()).toEqual({ destroyed: [key?.id], inUse: [], pending: [] });
    await failure(store.encryptionKeys.undo('pii'), 'KEY_DESTROYED');
    const after = await attacker.copy();
    expect([...after.keys()].filter((name) => name.startsWith('k/'))).toHaveLength(1);
    const current = await openCopy(
      mixed((name) => (isKeyObject(name) ? after : before), before, after),
      clock,
      OLD,
    );
    for (const name of ['users/1', 'users/large']) {
      expect((await failure(current.retrieve(name), 'KEY_DESTROYED')).message).not.toContain('undo');
    }
    expect((await current.retrieve('else')).text()).toBe('not');
    const control = await openCopy(before, clock, OLD);
    expect((await control.retrieve('users/1')).text()).toBe('two');
  });

  it('leaves no keyring with its keys, also where one could not be removed at once or a change had stopped', async () => {
    const { place, clock } = await withCategory();
    const injector = createFaultInjector();
    const store = await openAt(place, { clock, layers: [injector.layer] });
    injector.plan(({ operation, key }) =>
      operation === 'delete' && key?.startsWith('k/') === true ? { type: 'fail' } : undefined,
    );
    await failure(store.encryptionKeys.destroy('pii', { waitingPeriod: 0 }), 'UNAVAILABLE');
    injector.plan(undefined);
    expect(await store.encryptionKeys.destroyDue()).toEqual({ destroyed: [], inUse: [], pending: [] });
    expect(await (await attack(place)).names('k/')).toHaveLength(1);
    await failure(store.retrieve('users/1'), 'KEY_DESTROYED');
  });

  it.each(['keys', 'data'] as const)('is passed over by a rotation to the depth "%s"', async (depth) => {
    const { store } = await withCategory();
    await store.encryptionKeys.destroy('pii', { waitingPeriod: 0 });
    expect(await store.rotateEncryptionKey(OLD, NEW, { depth })).toMatchObject({ failed: 0, remaining: {} });
    await failure(store.retrieve('users/1'), 'KEY_DESTROYED');
    expect((await store.retrieve('else')).text()).toBe('not');
  });
});
