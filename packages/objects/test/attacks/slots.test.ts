import { createHash, createSecretKey } from 'node:crypto';
import type { Head, Slot, SlotMethod } from '@securestore/core-format';
import { decodeHead, encodeHead, HEAD_NAME, joinHead, keyringName } from '@securestore/core-format';
import type { UnlockMethod } from '@securestore/crypto';
import {
  generateIdentity,
  generateRecoveryCode,
  generateShares,
  identity,
  keyFileContents,
  keyWrapper,
  passphrase,
  rawKey,
  recipientOf,
  recoveryCode,
  sealSlotTo,
  shares,
} from '@securestore/crypto';
import { memoryKeyService } from '@securestore/crypto/testing';
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../src/index.ts';
import { memoryAnchor } from '../support/anchors.ts';
import type { Attacker } from '../support/attacker.ts';
import { attack } from '../support/attacker.ts';
import { EagerClock } from '../support/eager-clock.ts';
import { headAt, reviseHead } from '../support/heads.ts';
import { impostorOf } from '../support/impostor.ts';
import type { Place } from '../support/places.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, failure, openAt, UNLOCK, usePlace } from '../support/stores.ts';

// Each of these writes the backend directly, as whoever controls it can.

const WORDS = 'correct horse battery staple';

/** Methods whose slots are bound to their store, and ones whose slots are not. */
const METHODS: readonly (readonly [string, bound: boolean, () => UnlockMethod | Promise<UnlockMethod>])[] = [
  ['passphrase', true, () => passphrase(WORDS)],
  ['raw key', true, () => rawKey(Buffer.alloc(32, 1))],
  ['key file', true, () => keyFileContents(async () => Buffer.alloc(40, 1))],
  ['recovery code', true, () => recoveryCode(generateRecoveryCode())],
  ['set of shares', true, async () => shares(await generateShares({ threshold: 2, count: 3 }))],
  ['identity', false, () => identity(generateIdentity())],
  ['key wrapper', false, () => keyWrapper(memoryKeyService().open())],
];

interface Victim {
  readonly place: Place;
  readonly store: ObjectStore;
  readonly attacker: Attacker;
  readonly clock: EagerClock;
}

async function victimOf(...others: UnlockMethod[]): Promise<Victim> {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, { clock });
  await store.store('k', 'genuine');
  for (const unlock of others) await store.slots.add(unlock);
  return { place, store, attacker: await attack(place), clock };
}

describe.each(METHODS)('a root key of the attacker’s, sealed to the slot of this method: %s', (_, bound, method) => {
  // T-BACKEND-08
  it(bound ? 'is not opened by the secret' : 'is opened only by who trusts the store', async () => {
    const unlock = await method();
    const { place, store, attacker, clock } = await victimOf(unlock);
    const { fingerprint } = store;
    const anchor = memoryAnchor();
    await (await openAt(place, { clock, unlock, anchor, fingerprint })).close();
    await attacker.restore(await impostorOf(place));
    await failure(openAt(place, { clock, unlock, fingerprint }), 'INTEGRITY');
    await failure(openAt(place, { clock, unlock, anchor }), 'ROLLBACK');
    await failure(openAt(place, { clock, unlock, anchor, trustOnFirstUse: true }), 'ROLLBACK');
    await failure(openAt(place, { clock, unlock }), bound ? 'UNLOCK_FAILED' : 'INVALID_ARGUMENT');
    const trusting = openAt(place, { clock, unlock, anchor: memoryAnchor(), trustOnFirstUse: true });
    if (bound) await failure(trusting, 'UNLOCK_FAILED');
    // A key wrapper that binds the context does not unwrap for another identity: whoever may not wrap can't forge.
    else if (unlock.type === 'keyWrapper') await failure(trusting, 'UNLOCK_FAILED');
    // The control: it is a whole store, and what stands between it and whoever trusts it is the fingerprint alone.
    else expect((await trusting).fingerprint).not.toBe(fingerprint);
  });
});

const asRecipient = (slots: Head['slots']): Head['slots'] =>
  slots.map((slot) => ('raw' in slot ? slot : { ...slot, method: { type: 'recipient' }, binding: undefined }));

it('a slot of a secret that is passed off as one of a recipient is of no use to who has the secret', async () => {
  const secret = Buffer.alloc(32, 7);
  const { place, attacker } = await victimOf();
  await attacker.restore(await impostorOf(place, asRecipient));
  await failure(openAt(place, { unlock: rawKey(secret) }), 'UNLOCK_FAILED');
  await failure(openAt(place, { anchor: memoryAnchor(), trustOnFirstUse: true }), 'UNLOCK_FAILED');
});

/** Replaces the slots, under the signature that was there. */
async function replaceSlots(attacker: Attacker, revise: (slots: Slot[]) => Slot[]): Promise<void> {
  const { head, signature } = decodeHead(await attacker.get(HEAD_NAME));
  const slots = revise(head.slots.filter((slot): slot is Slot => !('raw' in slot)));
  await attacker.put(HEAD_NAME, joinHead(encodeHead({ ...head, slots }), signature));
}

describe('slots under the signature of the store', () => {
  const code = generateRecoveryCode();
  const own = generateIdentity();
  const ways = [UNLOCK, recoveryCode(code), identity(own)] as const;

  it.each<readonly [string, (slots: Slot[]) => Slot[]]>([
    ['stripped of one', (slots) => slots.slice(1)],
    ['stripped of all but one', (slots) => slots.slice(0, 1)],
    ['reordered', (slots) => slots.toReversed()],
    [
      'with their boxes exchanged',
      (slots) => slots.map((slot, at) => ({ ...slot, sealedRoot: slots.at(at - 1)?.sealedRoot ?? slot.sealedRoot })),
    ],
    ['with a later time', (slots) => slots.map((slot) => ({ ...slot, created: slot.created + 1 }))],
  ])('%s are refused', async (_, revise) => {
    const { place, store, attacker, clock } = await victimOf(ways[1], ways[2]);
    const { fingerprint } = store;
    await replaceSlots(attacker, revise);
    for (const unlock of ways) await failure(openAt(place, { clock, unlock, fingerprint }), 'INTEGRITY');
  });

  it('with one more for the attacker are refused', async () => {
    const { place, store, attacker, clock } = await victimOf();
    const head = await headAt(await place.open());
    const recipient = await recipientOf(generateIdentity());
    const evil = { number: head.rootNumber, key: createSecretKey(Buffer.alloc(32, 9)) };
    const context = { lineage: head.lineage, fingerprint: Buffer.alloc(32) };
    const slot = await sealSlotTo(recipient, context, evil, 1, (count) => Buffer.alloc(count, 3));
    await replaceSlots(attacker, (slots) => [...slots, slot]);
    await failure(openAt(place, { clock, fingerprint: store.fingerprint }), 'INTEGRITY');
    await failure(openAt(place, { clock }), 'INTEGRITY');
  });

  it('are refused where an open store meets them, and it goes on with none of it', async () => {
    const { store, attacker, clock } = await victimOf(ways[1]);
    await replaceSlots(attacker, (slots) => slots.slice(0, 1));
    clock.advance(6000);
    await failure(store.store('k', 'after'), 'INTEGRITY');
  });
});

const costly =
  (change: Partial<Extract<SlotMethod, { type: 'passphrase' }>>) =>
  (slots: readonly Slot[]): Slot[] =>
    slots.map((slot) =>
      slot.method.type === 'passphrase' ? { ...slot, method: { ...slot.method, ...change } } : slot,
    );

describe('the costs of Argon2id', () => {
  it.each([
    ['lowered', { memory: 19 * 1024, passes: 1 }],
    ['raised', { passes: 4 }],
    ['lowered below all bounds', { memory: 8, passes: 1 }],
    ['raised above all bounds', { memory: 0xffff_ffff, passes: 255, parallelism: 255 }],
  ])('%s are refused', async (name, change) => {
    const beyond = name.includes('bounds');
    const unlock = passphrase(WORDS);
    const { place, store, attacker, clock } = await victimOf(unlock);
    const genuine = await attacker.copy();
    await replaceSlots(attacker, costly(change));
    await failure(openAt(place, { clock, unlock }), 'INTEGRITY');
    await attacker.restore(genuine);
    const forged = await impostorOf(place, (slots) =>
      costly(change)(slots.filter((slot): slot is Slot => !('raw' in slot))),
    );
    await attacker.restore(forged);
    // Within the bounds they are computed, and then the binding tag is another one.
    await failure(openAt(place, { clock, unlock }), beyond ? 'INTEGRITY' : 'UNLOCK_FAILED');
    await failure(openAt(place, { clock, unlock, fingerprint: store.fingerprint }), 'INTEGRITY');
  });
});

describe('the head of another one, with the same passphrase', () => {
  it('is refused by fingerprint and anchor where it is of another store', async () => {
    const unlock = passphrase(WORDS);
    const { place, store, attacker, clock } = await victimOf(unlock);
    const other = await victimOf(unlock);
    const { fingerprint } = store;
    const anchor = memoryAnchor();
    await (await openAt(place, { clock, unlock, anchor })).close();
    await attacker.put(HEAD_NAME, await other.attacker.get(HEAD_NAME));
    await failure(openAt(place, { clock, unlock, fingerprint }), 'INTEGRITY');
    await failure(openAt(place, { clock, unlock, anchor }), 'ROLLBACK');
    // Its keyring is not there.
    await failure(openAt(place, { clock, unlock }), 'INTEGRITY');
    // With all of the other store, it is that one, and opens as it where nothing says which is meant.
    await attacker.restore(await other.attacker.copy());
    await failure(openAt(place, { clock, unlock, fingerprint }), 'INTEGRITY');
    await failure(openAt(place, { clock, unlock, anchor }), 'ROLLBACK');
    expect((await openAt(place, { clock, unlock })).fingerprint).toBe(other.store.fingerprint);
  });

  it('is refused where it is of another instance of the store', async () => {
    const { place, attacker, clock, store } = await victimOf();
    const anchor = memoryAnchor();
    await (await openAt(place, { clock, anchor })).close();
    const instance = Buffer.alloc(16, 0xab);
    // What a copy of the store would have, signed by the identity that both have.
    await reviseHead(place, (head) => ({ ...head, instance }));
    await failure(openAt(place, { clock, anchor }), 'ROLLBACK');
    // Keyring and category map are bound to their instance.
    await failure(openAt(place, { clock, fingerprint: store.fingerprint }), 'INTEGRITY');
    clock.advance(6000);
    await failure(store.store('k', 'after'), 'LOCKED');
    expect(await attacker.names('k/')).toHaveLength(1);
  });
});

describe('the keyring of an earlier generation', () => {
  it('is refused in the place of the present one, and at its own name makes no difference', async () => {
    const { place, store, attacker, clock } = await victimOf();
    const before = await attacker.copy();
    const [old = ''] = [...before.keys()].filter((name) => name.startsWith('k/'));
    const oldKeyring = before.get(old) ?? Buffer.alloc(0);
    await store.rotateEncryptionKey(UNLOCK, UNLOCK);
    const present = await attacker.name('k/');
    const genuine = await attacker.get(present);
    await attacker.put(present, oldKeyring);
    await failure(openAt(place, { clock }), 'INTEGRITY');
    await attacker.put(present, genuine);
    await attacker.put(old, oldKeyring);
    expect((await (await openAt(place, { clock })).retrieve('k')).text()).toBe('genuine');
  });

  it('is refused with the head of its time where an anchor, or an open store, has seen a later one', async () => {
    const { place, store, attacker, clock } = await victimOf();
    const anchor = memoryAnchor();
    const before = await attacker.copy();
    await store.rotateEncryptionKey(UNLOCK, UNLOCK, { depth: 'unlock' });
    await (await openAt(place, { clock, anchor })).close();
    await attacker.restore(before);
    await failure(openAt(place, { clock, anchor }), 'ROLLBACK');
    clock.advance(6000);
    await failure(store.retrieve('k'), 'ROLLBACK');
    // Without either, nothing tells it from the present one.
    expect((await (await openAt(place, { clock })).retrieve('k')).text()).toBe('genuine');
  });

  it('is refused under a head that names it at a later generation', async () => {
    const { place, store, attacker, clock } = await victimOf();
    const old = await attacker.get(await attacker.name('k/'));
    await store.rotateEncryptionKey(UNLOCK, UNLOCK, { depth: 'unlock' });
    const generation = (await headAt(await place.open())).generation + 1;
    const name = keyringName(generation, Buffer.alloc(16, 5));
    await attacker.put(name, old);
    const digest = createHash('sha256').update(old).digest();
    // Even signed by the store identity, it is bound to its own generation and name, and to a root key that is gone.
    await reviseHead(place, (head) => ({
      ...head,
      generation,
      references: { ...head.references, keyring: { name, digest } },
    }));
    await failure(openAt(place, { clock }), 'INTEGRITY');
  });
});
