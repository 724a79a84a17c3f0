import { createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Slot, SlotFields, SlotMethod } from '@securestore/core-format';
import { decodeSlotBox, encodeSlotBox, ID_LENGTH, SecureStoreError } from '@securestore/core-format';
import { takeKey } from '../primitives/derive.ts';
import type { KeyWrapperMethod } from '../key-service/key-wrapper.ts';
import { unwrapSeed, wrapContext, wrapNewSeed } from '../key-service/key-wrapper.ts';
import type { RandomSource } from '../primitives/random.ts';
import { readRecipient } from './recipient.ts';
import { checkAgreement, combineShares, schemeOf, sharesOf, wipeAll } from './share-set.ts';
import { shareTags } from './share-tags.ts';
import type { SlotContext, SlotKeys } from './slot-keys.ts';
import { bindingTag, fits, MIB_IN_KIB, secretKeys, seedKeys } from './slot-keys.ts';
import type { Sodium } from '../primitives/sodium.ts';
import { loadSodium } from '../primitives/load-sodium.ts';
import type { UnlockSecretMethod, UnlockMethod } from './unlock.ts';

const SALT_LENGTH = 16;

/** Argon2id for new slots: memory and passes of the second choice of RFC 9106, section 4, in one lane. */
const NEW_SLOT = { memory: 64 * MIB_IN_KIB, passes: 3, parallelism: 1 } as const;

function newMethod(type: Exclude<UnlockSecretMethod['type'], 'shares'>, random: RandomSource): SlotMethod {
  if (type === 'recipient') return { type };
  const salt = random(SALT_LENGTH);
  return type === 'passphrase' ? { type, salt, ...NEW_SLOT } : { type, salt };
}

/** What a new slot is made of beside its method. */
interface NewSlot {
  readonly context: SlotContext;
  readonly root: NumberedRoot;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly random: RandomSource;
  readonly signal?: AbortSignal | undefined;
}

/** Makes a slot of given keys, which are forgotten. */
async function sealFor(
  { context, root, now }: NewSlot,
  id: Uint8Array,
  method: SlotMethod,
  { publicKey, privateKey, bindingKey }: Pick<SlotKeys, 'publicKey' | 'bindingKey'> & Partial<SlotKeys>,
): Promise<Slot> {
  privateKey?.fill(0);
  const fields = { id, created: now, publicKey, method };
  const sealedRoot = sealRoot(await loadSodium(), fields, context.lineage, root);
  const bound = bindingKey === undefined ? {} : { binding: bindingTag(bindingKey, context, fields) };
  return { ...fields, ...bound, sealedRoot };
}

/** Makes a slot of a method and a secret. */
async function sealBound(method: SlotMethod, secret: Buffer, slot: NewSlot): Promise<Slot> {
  const id = slot.random(ID_LENGTH);
  return sealFor(slot, id, method, await secretKeys(method, secret, slot.context.lineage, id));
}

async function sealByShares(unlock: UnlockSecretMethod, slot: NewSlot): Promise<Slot> {
  const shares = await sharesOf(unlock);
  try {
    await checkAgreement(shares);
    const salt = slot.random(SALT_LENGTH);
    const method = { type: 'shares', salt, ...schemeOf(shares), tags: await shareTags(shares, salt) } as const;
    const secret = await combineShares(shares);
    try {
      return await sealBound(method, secret, slot);
    } finally {
      secret.fill(0);
    }
  } finally {
    wipeAll(shares);
  }
}

async function sealBySecret(unlock: UnlockSecretMethod, slot: NewSlot): Promise<Slot> {
  const { type } = unlock;
  if (type === 'shares') return sealByShares(unlock, slot);
  const secret = await unlock.secret();
  try {
    return await sealBound(newMethod(type, slot.random), secret, slot);
  } finally {
    secret.fill(0);
  }
}

async function sealByWrapper(unlock: KeyWrapperMethod, slot: NewSlot): Promise<Slot> {
  const { lineage, fingerprint } = slot.context;
  const id = slot.random(ID_LENGTH);
  const place = wrapContext(lineage, fingerprint, id);
  const { seed, slotMethod } = await wrapNewSeed(unlock, place, slot.random, slot.signal);
  return sealFor(slot, id, slotMethod, seedKeys(takeKey(seed), lineage, id));
}

/**
 * Makes a slot that opens `root` by what `unlock` asks for.
 *
 * @param now milliseconds since 1970
 * @param signal ends the calls of a key wrapper
 * @throws SecureStoreError `INVALID_ARGUMENT` for a secret that can't be one, and what a key wrapper throws
 */
export async function sealSlot(
  unlock: UnlockMethod,
  context: SlotContext,
  root: NumberedRoot,
  now: number,
  random: RandomSource,
  signal?: AbortSignal,
): Promise<Slot> {
  const slot = { context, root, now, random, signal };
  return unlock.type === 'keyWrapper' ? sealByWrapper(unlock, slot) : sealBySecret(unlock, slot);
}

/**
 * Makes a slot for an identity of which only the recipient is known.
 *
 * @param recipient as `recipientOf` gives it
 * @throws SecureStoreError `INVALID_ARGUMENT` if it was mistyped
 */
export async function sealSlotTo(
  recipient: string,
  context: SlotContext,
  root: NumberedRoot,
  now: number,
  random: RandomSource,
): Promise<Slot> {
  const publicKey = await readRecipient(recipient);
  return sealFor({ context, root, now, random }, random(ID_LENGTH), { type: 'recipient' }, { publicKey });
}

/** A root key and which one it is. */
export interface NumberedRoot {
  readonly number: number;
  readonly key: KeyObject;
}

function sealRoot(sodium: Sodium, slot: SlotFields, lineage: Uint8Array, { number, key }: NumberedRoot): Uint8Array {
  const root = key.export();
  const box = encodeSlotBox({ lineage, slotId: slot.id, rootNumber: number, root });
  root.fill(0);
  const sealed = sodium.sealBox(box, slot.publicKey);
  box.fill(0);
  return sealed;
}

/** The slot with another root key, which needs no secret: only the holder of the slot's secret can open it. */
export async function resealSlot(slot: Slot, lineage: Uint8Array, root: NumberedRoot): Promise<Slot> {
  return { ...slot, sealedRoot: sealRoot(await loadSodium(), slot, lineage, root) };
}

/** A slot's box, opened after its binding tag matched. @throws SecureStoreError `INTEGRITY` */
function openBox(sodium: Sodium, slot: Slot, keys: SlotKeys, context: SlotContext, rootNumber: number): KeyObject {
  const opened = sodium.openBox(slot.sealedRoot, keys.publicKey, keys.privateKey);
  if (opened === undefined) {
    throw new SecureStoreError('INTEGRITY', 'the head is damaged: the root key of a slot does not decrypt');
  }
  const box = decodeSlotBox(opened);
  const isItsOwn =
    Buffer.compare(box.lineage, context.lineage) === 0 &&
    Buffer.compare(box.slotId, slot.id) === 0 &&
    box.rootNumber === rootNumber;
  const root = createSecretKey(box.root);
  opened.fill(0);
  if (!isItsOwn)
    throw new SecureStoreError('INTEGRITY', 'the head is damaged: a slot has the root key of another place');
  return root;
}

/** A slot that was opened: it also opens the slot after the root key is rotated, without the secret. */
export interface UnlockedSlot {
  readonly id: Buffer;
  readonly root: KeyObject;
  /**
   * The same slot as a later head holds it, which must have been sealed for this store and secret.
   *
   * @throws SecureStoreError `INTEGRITY`
   */
  follow(slot: Slot, rootNumber: number): Promise<UnlockedSlot>;
  /** Forgets the slot's private key. */
  wipe(): void;
}

function unlocked(keys: SlotKeys, context: SlotContext, id: Buffer, root: KeyObject): UnlockedSlot {
  return {
    id,
    root,
    async follow(slot, rootNumber) {
      if (!fits(keys, context, slot)) {
        throw new SecureStoreError('INTEGRITY', 'the head is damaged: a slot is not bound to its secret');
      }
      return unlocked(keys, context, id, openBox(await loadSodium(), slot, keys, context, rootNumber));
    },
    wipe: () => void keys.privateKey.fill(0),
  };
}

/** Opens `slot` by its keys, which are wiped unless it is theirs. */
async function openBy(
  keys: SlotKeys,
  slot: Slot,
  context: SlotContext,
  rootNumber: number,
): Promise<UnlockedSlot | undefined> {
  try {
    if (fits(keys, context, slot)) {
      return unlocked(
        keys,
        context,
        Buffer.from(slot.id),
        openBox(await loadSodium(), slot, keys, context, rootNumber),
      );
    }
  } catch (error) {
    keys.privateKey.fill(0);
    throw error;
  }
  keys.privateKey.fill(0);
  return undefined;
}

/**
 * Opens `slot` by `secret`, for an identity its private key; `undefined` if the secret is another one.
 *
 * The binding tag is compared first: it commits to the secret and to the store identity, so no box is opened that an attacker
 * sealed to this slot's public key. A slot of a recipient has none: its holder must know the store identity from elsewhere.
 *
 * @throws SecureStoreError `INTEGRITY` if the secret is right and the slot is not
 */
export async function openSlot(
  slot: Slot,
  secret: Buffer,
  context: SlotContext,
  rootNumber: number,
): Promise<UnlockedSlot | undefined> {
  const keys = await secretKeys(slot.method, secret, context.lineage, slot.id);
  return openBy(keys, slot, context, rootNumber);
}

/**
 * Opens `slot` by a key wrapper; `undefined` if it is of another one. As with an identity, the store must be known from
 * elsewhere.
 *
 * @throws SecureStoreError `UNLOCK_FAILED` if the wrapper refuses or gives another key, `INTEGRITY` if its key is right and the
 *   slot is not, and what the wrapper throws
 */
export async function openWrappedSlot(
  slot: Slot,
  unlock: KeyWrapperMethod,
  context: SlotContext,
  rootNumber: number,
  signal: AbortSignal | undefined,
): Promise<UnlockedSlot | undefined> {
  const { method, id } = slot;
  if (method.type !== 'keyWrapper' || method.wrapperId !== unlock.wrapper.id) return undefined;
  const place = wrapContext(context.lineage, context.fingerprint, id);
  const seed = await unwrapSeed(unlock, method.wrappedSeed, place, signal);
  const keys = seedKeys(takeKey(seed), context.lineage, id);
  const opened = await openBy(keys, slot, context, rootNumber);
  if (opened !== undefined) return opened;
  const message = `the key wrapper "${method.wrapperId}" gave another key than it wrapped`;
  throw new SecureStoreError('UNLOCK_FAILED', message, { advice: [{ id: 'check-unlock-secret' }] });
}
