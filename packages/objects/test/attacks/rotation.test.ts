import { createFaultInjector } from '@securestore/backend-api';
import { AREAS, HEAD_NAME, recordKeyId } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import { commitHead } from '../../src/engine/commit-head.ts';
import { newSlot } from '../../src/maintenance/keys/slots.ts';
import { engineAt } from '../support/engines.ts';
import { EagerClock } from '../support/eager-clock.ts';
import { memoryAnchor } from '../support/anchors.ts';
import { attack } from '../support/attacker.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, failure, openAt, usePlace } from '../support/stores.ts';

const secret = (number: number): Buffer => Buffer.alloc(32, number);
const OLD = secret(7);
const NEW = secret(8);
const OTHER = secret(9);

describe('a change of the head', () => {
  it('whose answer is lost, and that another one has followed, keeps the keyring that it has written', async () => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const injector = createFaultInjector();
    const store = await createAt(place, { clock, layers: [injector.layer] });
    await store.store('precious', 'data');
    await store.slots.add(OTHER);
    const colleague = await openAt(place, { clock, unlock: rawKey(OTHER) });
    let followed: Promise<unknown> | undefined;
    // The answer is lost, and before this process looks what became of it, somebody else's change has followed.
    let writes = 0;
    injector.plan(({ operation, key }) => {
      if (key !== HEAD_NAME) return undefined;
      if (operation === 'write' && ++writes === 1) return { type: 'lose-acknowledgement' };
      if (operation !== 'read' || writes === 0) return undefined;
      followed ??= colleague.slots.add(secret(10));
      return { type: 'delay', until: followed.then(() => undefined) };
    });
    await store.rotateEncryptionKey(OLD, NEW, { depth: 'unlock' });
    for (const number of [8, 9, 10]) {
      const opened = await openAt(place, { clock, unlock: rawKey(secret(number)) });
      expect((await opened.retrieve('precious')).text()).toBe('data');
    }
    await failure(openAt(place, { clock }), 'UNLOCK_FAILED');
  });

  // T-BACKEND-11
  it('on a fork of the store is not followed by who has seen the other one, nor by their anchor', async () => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const anchor = memoryAnchor();
    const attacker = await attack(place);
    const store = await createAt(place, { clock, anchor });
    await store.slots.add(OTHER);
    const before = await attacker.copy();
    const mallory = (await store.slots.list()).find(({ current }) => !current);
    await store.slots.remove(mallory?.id ?? '');
    const removed = await attacker.copy();
    await attacker.restore(before);
    const deceived = await openAt(place, { clock });
    for (const number of [11, 12, 13]) await deceived.slots.add(secret(number));
    await clock.sleep(6000);
    await failure(store.store('k', 'x'), 'ROLLBACK');
    await failure(openAt(place, { clock, anchor }), 'ROLLBACK');
    await attacker.restore(removed);
    await openAt(place, { clock, anchor });
  });
});

describe('the anchor', () => {
  it('remembers a rotation before it is reported, also where the process lives on', async () => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const anchor = memoryAnchor();
    const attacker = await attack(place);
    const store = await createAt(place, { clock, anchor });
    const before = await attacker.copy();
    await store.rotateEncryptionKey(OLD, NEW, { depth: 'unlock' });
    await attacker.restore(before);
    await failure(openAt(place, { clock, anchor }), 'ROLLBACK');
  });

  it('is not set back by a process that was slow to unlock the store', async () => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const anchor = memoryAnchor();
    const attacker = await attack(place);
    const store = await createAt(place, { clock, anchor });
    const before = await attacker.copy();
    const slow = rawKey(async () => {
      await store.slots.add(OTHER);
      return OLD;
    });
    await openAt(place, { clock, anchor, unlock: slow });
    await attacker.restore(before);
    await failure(openAt(place, { clock, anchor }), 'ROLLBACK');
  });
});

describe('keys', () => {
  it('of a category that is to go as a whole are not destroyed or brought back one by one', async () => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const store = await createAt(place, { clock, categories: { team: ['team/**'] } });
    await store.rotateEncryptionKey(OLD, NEW);
    await store.encryptionKeys.destroy('team', { waitingPeriod: 60_000 });
    const retired = (await store.encryptionKeys.list()).find(({ category, id }) => category === 'team' && id !== '');
    await failure(store.encryptionKeys.undo(retired?.id ?? ''), 'INVALID_ARGUMENT');
    await failure(store.encryptionKeys.destroy(retired?.id ?? ''), 'INVALID_ARGUMENT');
    await clock.sleep(70_000);
    expect((await store.encryptionKeys.destroyDue()).destroyed).toHaveLength(2);
    const again = await openAt(place, { clock, unlock: rawKey(NEW) });
    await again.store('other', 'x');
    await failure(again.store('team/k', 'x'), 'KEY_DESTROYED');
  });

  it('stay where a record is too damaged to tell its own', async () => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const store = await createAt(place, { clock });
    await store.store('precious', 'data');
    const backend = await place.open();
    const [entry] = (await backend.list(AREAS.objects)).entries;
    const name = entry?.key ?? '';
    const whole = Buffer.from((await backend.read(name))?.body ?? []);
    const damaged = Buffer.from(whole);
    damaged.writeUInt8((damaged[0] ?? 0) ^ 1, 0);
    await backend.write(name, damaged);
    expect(await store.rotateEncryptionKey(OLD, NEW)).toMatchObject({ failed: 1, retired: [] });
    await backend.write(name, whole);
    expect((await store.retrieve('precious')).text()).toBe('data');
  });

  // T-BACKEND-09
  it('that are retired do not come back with a record that is put back', async () => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const store = await createAt(place, { clock });
    await store.store('password', 'old');
    const backend = await place.open();
    const name = (await backend.list(AREAS.objects)).entries[0]?.key ?? '';
    const old = (await backend.read(name))?.body ?? new Uint8Array();
    await store.rotateEncryptionKey(OLD, NEW);
    await store.store('password', 'new');
    await backend.write(name, old);
    await failure(store.retrieve('password'), 'INTEGRITY');
    expect(await store.rotateEncryptionKey(NEW, OTHER)).toMatchObject({ failed: 1, retired: [] });
    await failure(store.retrieve('password'), 'INTEGRITY');
    expect(recordKeyId((await backend.read(name))?.body ?? old)).toEqual(recordKeyId(old));
  });
});

describe('a rotation', () => {
  it('replaces a secret that is there twice in both its slots', async () => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    await createAt(place, { clock });
    // As releases before this one could.
    const { engine, store } = await engineAt(place, clock);
    await commitHead(engine, {}, async (state) => {
      return { head: { slots: [...state.head.slots, await newSlot(engine, state, rawKey(OLD))] } };
    });
    await store.slots.add(OTHER);
    expect(await store.slots.list()).toHaveLength(3);
    await store.rotateEncryptionKey(OLD, NEW, { depth: 'unlock' });
    await failure(openAt(place, { clock }), 'UNLOCK_FAILED');
    await openAt(place, { clock, unlock: rawKey(NEW) });
    await openAt(place, { clock, unlock: rawKey(OTHER) });
    expect(await store.slots.list()).toHaveLength(2);
  });

  it.each([true, false])('whose state is damaged can be begun anew (forgotten first: %s)', async (forgotten) => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const injector = createFaultInjector();
    const store = await createAt(place, { clock, layers: [injector.layer] });
    await store.store('k', 'x');
    injector.plan(({ operation }) => (operation === 'list' ? { type: 'fail' } : undefined));
    await failure(store.rotateEncryptionKey(OLD, NEW), 'UNAVAILABLE');
    injector.plan(undefined);
    const backend = await place.open();
    const state = (await backend.list('w/job/')).entries[0]?.key ?? '';
    await backend.write(state, Buffer.from('junk'));
    if (forgotten) await store.jobs.forget('rotation');
    expect(await store.rotateEncryptionKey(NEW, OTHER)).toMatchObject({ failed: 0 });
  });

  it('whose state is damaged can be gone on with, since the head tells what it is', async () => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const injector = createFaultInjector();
    const store = await createAt(place, { clock, layers: [injector.layer] });
    await store.store('k', 'x');
    injector.plan(({ operation }) => (operation === 'list' ? { type: 'fail' } : undefined));
    await failure(store.rotateEncryptionKey(OLD, NEW, { depth: 'data' }), 'UNAVAILABLE');
    injector.plan(undefined);
    const attacker = await attack(place);
    await attacker.put(await attacker.name('w/job/'), Buffer.from('junk'));
    expect(await store.jobs.list()).toMatchObject([{ id: 'rotation', state: 'damaged' }]);
    expect(await store.jobs.resume('rotation')).toMatchObject({ depth: 'data', failed: 0, rotated: 1 });
    expect(await store.jobs.list()).toEqual([]);
  });
});
