import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Slot, SlotFields, SlotMethod } from '@securestore/core-format';
import {
  decodeSlotBox,
  encodeSlotBox,
  encodeSlotFields,
  ID_LENGTH,
  KEY_LENGTH,
  SecureStoreError,
} from '@securestore/core-format';
import { argon2id } from './argon2.ts';
import { deriveBytes, takeKey } from './derive.ts';
import type { RandomSource } from './random.ts';
import { openSealedBox, sealBox } from './sealed-box.ts';
import { slotKeyPair } from './slot-key-pair.ts';
import type { Sodium } from './sodium.ts';
import { loadSodium } from './sodium.ts';
import type { UnlockMethod } from './unlock.ts';

const SALT_LENGTH = 16;
const MIB_IN_KIB = 1024;

/** Argon2id for new slots: memory and passes of the second choice of RFC 9106, section 4, in one lane. */
const NEW_SLOT = { memory: 64 * MIB_IN_KIB, passes: 3, parallelism: 1 } as const;

/** What is accepted from a head: nothing cheap enough to guess through, nothing that could exhaust the machine. */
const LIMITS = {
  memory: { min: 19 * MIB_IN_KIB, max: 1024 * MIB_IN_KIB },
  passes: { min: 1, max: 10 },
  parallelism: { min: 1, max: 16 },
} as const;

/** What a slot is bound to beside its own fields. */
export interface SlotContext {
  readonly lineage: Uint8Array;
  /** As raw bytes. */
  readonly fingerprint: Uint8Array;
}

function checkArgon2(method: SlotMethod): void {
  if (method.type !== 'passphrase') return;
  for (const name of ['memory', 'passes', 'parallelism'] as const) {
    if (method[name] < LIMITS[name].min || method[name] > LIMITS[name].max) {
      throw new SecureStoreError(
        'INTEGRITY',
        `the head is damaged: a passphrase slot has Argon2id ${name} ${method[name]}`,
      );
    }
  }
}

/** 32 uniformly random bytes from a secret and a slot's public parameters. */
async function keyMaterial(method: SlotMethod, secret: Buffer): Promise<KeyObject> {
  if (method.type !== 'passphrase') {
    return takeKey(createHmac('sha256', method.salt).update(secret).digest());
  }
  const { memory, passes, parallelism, salt: nonce } = method;
  const parameters = { message: secret, nonce, memory, passes, parallelism, tagLength: KEY_LENGTH };
  return takeKey(await argon2id(parameters));
}

interface SlotKeys {
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
  readonly bindingKey: KeyObject;
}

function slotKeys(material: KeyObject, lineage: Uint8Array, slotId: Uint8Array): SlotKeys {
  const seed = deriveBytes(material, 'slot seed', lineage, slotId);
  const { publicKey, privateKey } = slotKeyPair(seed);
  seed.fill(0);
  return { publicKey, privateKey, bindingKey: takeKey(deriveBytes(material, 'slot binding', lineage, slotId)) };
}

function bindingTag(key: KeyObject, context: SlotContext, fields: SlotFields): Buffer {
  return createHmac('sha256', key).update(context.fingerprint).update(encodeSlotFields(fields)).digest();
}

async function newMethod({ type, scheme }: UnlockMethod, random: RandomSource): Promise<SlotMethod> {
  const salt = random(SALT_LENGTH);
  if (type === 'passphrase') return { type, salt, ...NEW_SLOT };
  if (type !== 'shares') return { type, salt };
  if (scheme === undefined) throw new SecureStoreError('INVALID_ARGUMENT', 'shares do not tell how many are needed');
  return { type, salt, ...(await scheme()) };
}

async function newMaterial(
  unlock: UnlockMethod,
  random: RandomSource,
): Promise<{ method: SlotMethod; material: KeyObject }> {
  const secret = await unlock.secret();
  try {
    const method = await newMethod(unlock, random);
    return { method, material: await keyMaterial(method, secret) };
  } finally {
    secret.fill(0);
  }
}

/**
 * Makes a slot that opens `root` by the secret of `unlock`.
 *
 * @param now milliseconds since 1970
 * @throws SecureStoreError `INVALID_ARGUMENT` for a secret that can't be one
 */
export async function sealSlot(
  unlock: UnlockMethod,
  context: SlotContext,
  root: NumberedRoot,
  now: number,
  random: RandomSource,
): Promise<Slot> {
  const { method, material } = await newMaterial(unlock, random);
  const sodium = await loadSodium();
  const id = random(ID_LENGTH);
  const keys = slotKeys(material, context.lineage, id);
  keys.privateKey.fill(0);
  const fields = { id, created: now, publicKey: keys.publicKey, method };
  const sealedRoot = sealRoot(sodium, fields, context.lineage, root);
  return { ...fields, binding: bindingTag(keys.bindingKey, context, fields), sealedRoot };
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
  const sealed = sealBox(sodium, box, slot.publicKey);
  box.fill(0);
  return sealed;
}

/** The slot with another root key, which needs no secret: only the holder of the slot's secret can open it. */
export async function resealSlot(slot: Slot, lineage: Uint8Array, root: NumberedRoot): Promise<Slot> {
  return { ...slot, sealedRoot: sealRoot(await loadSodium(), slot, lineage, root) };
}

/** A slot's box, opened after its binding tag matched. @throws SecureStoreError `INTEGRITY` */
function openBox(sodium: Sodium, slot: Slot, keys: SlotKeys, context: SlotContext, rootNumber: number): KeyObject {
  const opened = openSealedBox(sodium, slot.sealedRoot, keys.publicKey, keys.privateKey);
  if (opened === undefined) {
    throw new SecureStoreError('INTEGRITY', 'the head is damaged: the root key of a slot is not what was sealed there');
  }
  const box = decodeSlotBox(opened);
  const fits =
    Buffer.compare(box.lineage, context.lineage) === 0 &&
    Buffer.compare(box.slotId, slot.id) === 0 &&
    box.rootNumber === rootNumber;
  const root = createSecretKey(box.root);
  opened.fill(0);
  if (!fits) throw new SecureStoreError('INTEGRITY', 'the head is damaged: a slot holds the root key of another place');
  return root;
}

/** A slot that was opened: it goes on opening the slot when the root key is renewed, without asking for the secret. */
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
      if (!timingSafeEqual(bindingTag(keys.bindingKey, context, slot), slot.binding)) {
        throw new SecureStoreError('INTEGRITY', 'the head is damaged: a slot is not bound to its secret');
      }
      return unlocked(keys, context, id, openBox(await loadSodium(), slot, keys, context, rootNumber));
    },
    wipe: () => void keys.privateKey.fill(0),
  };
}

/**
 * Opens `slot` by `secret`; `undefined` where the secret is another one.
 *
 * The binding tag is compared first: it commits to the secret and to the store identity, so no box is opened that
 * somebody else sealed to this slot's public key.
 *
 * @throws SecureStoreError `INTEGRITY` where the secret is right and the slot is not
 */
export async function openSlot(
  slot: Slot,
  secret: Buffer,
  context: SlotContext,
  rootNumber: number,
): Promise<UnlockedSlot | undefined> {
  checkArgon2(slot.method);
  const [sodium, material] = await Promise.all([loadSodium(), keyMaterial(slot.method, secret)]);
  const keys = slotKeys(material, context.lineage, slot.id);
  try {
    if (timingSafeEqual(bindingTag(keys.bindingKey, context, slot), slot.binding)) {
      return unlocked(keys, context, Buffer.from(slot.id), openBox(sodium, slot, keys, context, rootNumber));
    }
  } catch (error) {
    keys.privateKey.fill(0);
    throw error;
  }
  keys.privateKey.fill(0);
  return undefined;
}
