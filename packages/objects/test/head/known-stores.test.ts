import type { KeyWrapper, UnlockMethod } from '@securestore/crypto';
import { generateIdentity, identity, keyWrapper, passphrase, rawKey, recipientOf } from '@securestore/crypto';
import { memoryKeyService } from '@securestore/crypto/testing';
import { describe, expect, it } from 'vitest';
import type { Anchor, ObjectStore } from '../../src/index.ts';
import { openOrCreateObjectStore } from '../../src/index.ts';
import { memoryAnchor } from '../support/anchors.ts';
import { EagerClock } from '../support/eager-clock.ts';
import type { Place } from '../support/places.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, failure, openAt, UNLOCK, usePlace } from '../support/stores.ts';

const service = memoryKeyService();

/** Ways to unlock a store that say nothing of which store it is. */
const UNBOUND = {
  'an identity': () => identity(generateIdentity()),
  'a key wrapper': () => keyWrapper(service.open()),
} as const;

interface Prepared {
  readonly place: Place;
  readonly store: ObjectStore;
  readonly clock: EagerClock;
}

/** A store with an object, and a slot for `unlock`. */
async function prepared(unlock: UnlockMethod): Promise<Prepared> {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, { clock });
  await store.store('k', 'v');
  await store.slots.add(unlock);
  return { place, store, clock };
}

const readsAs = async (store: ObjectStore): Promise<string> => (await store.retrieve('k')).text();

const noDisk = async (): Promise<never> => {
  throw new Error('no disk');
};

const failing = (of: Partial<KeyWrapper>): UnlockMethod => keyWrapper({ ...service.open(), ...of }, { timeout: 20 });

describe.each(Object.entries(UNBOUND))('%s', (what, method) => {
  // T-BACKEND-08
  it('[S-07] opens a store whose fingerprint is pinned, or that an anchor remembers, and no other', async () => {
    const unlock = method();
    const { place, store, clock } = await prepared(unlock);
    const { fingerprint } = store;
    expect(await readsAs(await openAt(place, { clock, unlock, fingerprint }))).toBe('v');
    const refused = await failure(openAt(place, { clock, unlock }), 'INVALID_ARGUMENT');
    expect(refused.message).toContain(what);
    expect(refused.message).toContain(fingerprint);
    await failure(openAt(place, { clock, unlock, fingerprint: 'a'.repeat(52) }), 'INTEGRITY');
    const anchor = memoryAnchor();
    await failure(openAt(place, { clock, unlock, anchor }), 'INVALID_ARGUMENT');
    expect(anchor.remembered.size).toBe(0);
    // What a bound secret has opened is known.
    await (await openAt(place, { clock, anchor })).close();
    expect(await readsAs(await openAt(place, { clock, unlock, anchor }))).toBe('v');
  });

  // T-BACKEND-08
  it('[S-07] opens a store that is trusted when it is first used, and then that one alone', async () => {
    const unlock = method();
    const { place, store, clock } = await prepared(unlock);
    const anchor = memoryAnchor();
    await failure(openAt(place, { clock, unlock, trustOnFirstUse: true }), 'INVALID_ARGUMENT');
    const first = await openAt(place, { clock, unlock, anchor, trustOnFirstUse: true });
    expect(anchor.remembered.get(place.url)?.fingerprint).toBe(store.fingerprint);
    expect(await readsAs(first)).toBe('v');
    await first.close();
    await (await openAt(place, { clock, unlock, anchor })).close();
    const other = await prepared(unlock);
    const elsewhere = { ...other.place, url: place.url };
    for (const trustOnFirstUse of [true, false]) {
      await failure(openAt(elsewhere, { clock, unlock, anchor, trustOnFirstUse }), 'ROLLBACK');
    }
    // To accept another head is not yet to trust another store.
    await failure(openAt(elsewhere, { clock, unlock, anchor, acceptRollback: true }), 'INVALID_ARGUMENT');
    await openAt(elsewhere, { clock, unlock, anchor, acceptRollback: true, trustOnFirstUse: true });
    expect(anchor.remembered.get(place.url)?.fingerprint).toBe(other.store.fingerprint);
  });

  // T-BACKEND-08
  it('[S-07] does not open at another URL what is known, and gives its fingerprint only if it is no older state', async () => {
    const unlock = method();
    const { place, store, clock } = await prepared(unlock);
    const { fingerprint } = store;
    const { remembered, ...anchor } = memoryAnchor();
    const find = async (wanted: string) =>
      [...remembered].map(([url, record]) => ({ url, ...record })).filter((known) => known.fingerprint === wanted);
    const known = { ...anchor, find };
    await (await openAt(place, { clock, unlock, anchor: known, fingerprint })).close();
    const moved = { ...place, url: 'memory:moved' };
    const refused = await failure(openAt(moved, { clock, unlock, anchor: known }), 'INVALID_ARGUMENT');
    expect(refused.message).toContain(`by which this machine knows ${place.url}. An attacker could have put a copy`);
    expect(refused.advice).toEqual([{ id: 'give-fingerprint', fingerprint }]);
    // Without the memory of other stores, nothing is said of them.
    const plain = await failure(openAt(moved, { clock, unlock, anchor }), 'INVALID_ARGUMENT');
    expect(plain.advice).toEqual([{ id: 'give-fingerprint' }, { id: 'trust-first-use' }]);
    const seen = remembered.get(place.url) ?? { instance: '', generation: 0, fingerprint };
    const contradictions = [
      { ...seen, generation: seen.generation + 1 },
      { ...seen, head: 'f'.repeat(64) },
      { ...seen, instance: 'e'.repeat(32) },
    ];
    for (const record of contradictions) {
      remembered.set('memory:elsewhere', record);
      const older = await failure(openAt(moved, { clock, unlock, anchor: known }), 'INVALID_ARGUMENT');
      expect(older.message).toContain('The store here does not follow from what is remembered of memory:elsewhere');
      expect(older.advice).toEqual([{ id: 'check-writers', url: 'memory:moved' }, { id: 'ask-owner' }]);
    }
    // A store with another fingerprint is as unknown as before.
    const other = await prepared(unlock);
    const unknown = await failure(openAt(other.place, { clock, unlock, anchor: known }), 'INVALID_ARGUMENT');
    expect(unknown.advice).toEqual([{ id: 'give-fingerprint' }, { id: 'trust-first-use' }]);
    expect(remembered.has('memory:moved')).toBe(false);
  });

  it('[S-07] releases nothing of a store that could not be remembered when it was first used', async () => {
    const unlock = method();
    const { place, clock } = await prepared(unlock);
    const unwritable: Anchor = { read: async () => undefined, write: noDisk };
    await failure(openAt(place, { clock, unlock, anchor: unwritable, trustOnFirstUse: true }), 'INTERNAL');
    let reads = 0;
    const another = { instance: '00'.repeat(16), generation: 1, fingerprint: 'b'.repeat(52) };
    const raced: Anchor = { read: async () => (++reads > 1 ? another : undefined), write: noDisk };
    await failure(openAt(place, { clock, unlock, anchor: raced, trustOnFirstUse: true }), 'ROLLBACK');
  });

  it('makes a store, which is opened without being known from elsewhere that once', async () => {
    const unlock = method();
    const place = usePlace(memoryPlace);
    await (await createAt(place, { unlock })).close();
    const backend = await usePlace(memoryPlace).open();
    const settings = { backend, url: 'memory:new', unlock, maintenance: false };
    const made = await openOrCreateObjectStore(settings);
    const { fingerprint } = made;
    await made.close();
    await failure(openAt(place, { unlock }), 'INVALID_ARGUMENT');
    expect(fingerprint).toMatch(/^[0-9a-v]{52}$/);
  });

  it('goes on opening a store whose root key was renewed, without being asked, and can be replaced', async () => {
    const unlock = method();
    const { place, store, clock } = await prepared(unlock);
    const { fingerprint } = store;
    const member = await openAt(place, { clock, unlock, fingerprint });
    await store.rotateEncryptionKey(UNLOCK, rawKey(Buffer.alloc(32, 3)));
    await store.store('k', 'after');
    clock.advance(6000);
    expect(await readsAs(member)).toBe('after');
    await member.store('k', 'written');
    expect(await readsAs(await openAt(place, { clock, unlock, fingerprint }))).toBe('written');
    await member.rotateEncryptionKey(unlock, Buffer.alloc(32, 4), { depth: 'unlock' });
    await failure(openAt(place, { clock, unlock, fingerprint }), 'UNLOCK_FAILED');
    await member.store('k', 'still');
    await member.rotateEncryptionKey(Buffer.alloc(32, 4), unlock, { depth: 'unlock' });
    expect(await readsAs(await openAt(place, { clock, unlock, fingerprint }))).toBe('still');
  });

  it('is not added twice', async () => {
    const unlock = method();
    const { store } = await prepared(unlock);
    await failure(store.slots.add(unlock), 'ALREADY_EXISTS');
    expect(await store.slots.list()).toHaveLength(2);
  });
});

describe('an identity', () => {
  it('opens the stores that its file knows', async () => {
    const own = generateIdentity();
    const { place, store, clock } = await prepared(identity(own));
    const knowing = identity(`${own.toString('latin1')}\nfingerprint: ${store.fingerprint}\n`);
    expect(await readsAs(await openAt(place, { clock, unlock: knowing }))).toBe('v');
    const other = await prepared(identity(own));
    await failure(openAt(other.place, { clock, unlock: knowing }), 'INVALID_ARGUMENT');
    await failure(
      openAt(place, { clock, unlock: identity(generateIdentity()), fingerprint: store.fingerprint }),
      'UNLOCK_FAILED',
    );
  });

  it('opens a store by a slot that was made from its recipient alone', async () => {
    const own = generateIdentity();
    const recipient = await recipientOf(own);
    const place = usePlace(memoryPlace);
    const store = await createAt(place);
    await store.store('k', 'v');
    const added = await store.slots.add({ recipient });
    expect(added).toEqual({ id: added.id, method: 'recipient', recipient, created: added.created, current: false });
    expect(await store.slots.list()).toContainEqual(added);
    const unlock = identity(own);
    const { fingerprint } = store;
    expect(await readsAs(await openAt(place, { unlock, fingerprint }))).toBe('v');
    const twice = await failure(store.slots.add({ recipient: recipient.toLowerCase() }), 'ALREADY_EXISTS');
    expect(twice.message).toContain(added.id);
    await failure(store.slots.add(unlock), 'ALREADY_EXISTS');
    await failure(store.slots.add({ recipient: `${recipient}0` }), 'INVALID_ARGUMENT');
    await store.slots.remove(added.id);
    await failure(openAt(place, { unlock, fingerprint }), 'UNLOCK_FAILED');
  });
});

describe('a key wrapper', () => {
  it('says why a store was not opened, and whether to try again', async () => {
    const unlock = keyWrapper(service.open());
    const { place, store, clock } = await prepared(unlock);
    const { fingerprint } = store;
    const cut = keyWrapper(service.unreachable());
    const unreachable = await failure(openAt(place, { clock, unlock: cut, fingerprint }), 'UNAVAILABLE');
    expect(unreachable.retryable).toBe(true);
    expect(unreachable.message).toContain(`"${service.open().id}"`);
    const refused = keyWrapper(service.refused());
    const error = await failure(openAt(place, { clock, unlock: refused, fingerprint }), 'UNLOCK_FAILED');
    expect(error.message).toContain('does not let you use this key');
    const stranger = keyWrapper(memoryKeyService().open());
    const none = await failure(openAt(place, { clock, unlock: stranger, fingerprint }), 'UNLOCK_FAILED');
    expect(none.message).toContain('has no slot of the key wrapper');
    const hanging = failing({ unwrap: () => new Promise<never>(() => undefined) });
    await failure(openAt(place, { clock, unlock: hanging, fingerprint }), 'TIMEOUT');
    const signal = AbortSignal.abort();
    await failure(openAt(place, { clock, unlock, fingerprint, signal }), 'ABORTED');
  });

  it('[S-05] is tried with all its slots: one that it refuses says nothing of the next', async () => {
    const { wrap, unwrap, id } = service.open();
    const first = memoryKeyService().open();
    // The key was replaced in its service: only what the new one wrapped can be unwrapped now.
    const place = usePlace(memoryPlace);
    const store = await createAt(place);
    await store.slots.add(keyWrapper({ ...first, id }));
    await store.slots.add(keyWrapper({ id, wrap, unwrap }));
    const { fingerprint } = store;
    for (const wrapper of [service.open(), { ...first, id }]) {
      await (await openAt(place, { unlock: keyWrapper(wrapper), fingerprint })).close();
    }
  });

  it('that is broken or can not be reached adds nothing', async () => {
    const place = usePlace(memoryPlace);
    const store = await createAt(place);
    await failure(store.slots.add(keyWrapper(service.unreachable())), 'UNAVAILABLE');
    await failure(store.slots.add(failing({ wrap: async (key) => Uint8Array.from(key) })), 'INVALID_ARGUMENT');
    await failure(store.slots.add(failing({ wrap: () => new Promise<never>(() => undefined) })), 'TIMEOUT');
    const controller = new AbortController();
    const hanging = keyWrapper({ ...service.open(), wrap: () => new Promise<never>(() => undefined) });
    const adding = store.slots.add(hanging, { signal: controller.signal });
    controller.abort();
    await failure(adding, 'ABORTED');
    expect(await store.slots.list()).toHaveLength(1);
    expect(await store.slots.add(keyWrapper(service.open()))).toMatchObject({ keyWrapper: service.open().id });
  });
});

describe('a secret that opens the store', () => {
  it('is not added once more, in whatever form it is given', async () => {
    const place = usePlace(memoryPlace);
    const store = await createAt(place, { unlock: passphrase('one') });
    const twice = await failure(store.slots.add('one'), 'ALREADY_EXISTS');
    expect(twice.message).toContain((await store.slots.list())[0]?.id);
    await store.slots.add('two');
    await failure(store.slots.add(passphrase(Buffer.from('two'))), 'ALREADY_EXISTS');
    expect(await store.slots.list()).toHaveLength(2);
  });
});
