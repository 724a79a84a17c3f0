import { createHmac, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Slot, SlotFields, SlotMethod } from '@securestore/core-format';
import { copySecret, encodeSlotFields, KEY_LENGTH, SecureStoreError } from '@securestore/core-format';
import { argon2id } from '../primitives/argon2.ts';
import { deriveBytes, takeKey } from '../primitives/derive.ts';
import { publicKeyOf, slotKeyPair } from './slot-key-pair.ts';

export const MIB_IN_KIB = 1024;

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
async function keyMaterial(method: SaltedMethod, secret: Buffer): Promise<KeyObject> {
  if (method.type !== 'passphrase') {
    return takeKey(createHmac('sha256', method.salt).update(secret).digest());
  }
  const { memory, passes, parallelism, salt: nonce } = method;
  const parameters = { message: secret, nonce, memory, passes, parallelism, tagLength: KEY_LENGTH };
  return takeKey(await argon2id(parameters));
}

/** The methods by which a secret is known when the slot is made. */
type SaltedMethod = Exclude<SlotMethod, { type: 'recipient' | 'keyWrapper' }>;

export interface SlotKeys {
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
  /** Absent where the slot is known by its public key alone. */
  readonly bindingKey?: KeyObject;
}

export function seedKeys(material: KeyObject, lineage: Uint8Array, slotId: Uint8Array): SlotKeys {
  const seed = deriveBytes(material, 'slot seed', lineage, slotId);
  const { publicKey, privateKey } = slotKeyPair(seed);
  seed.fill(0);
  return { publicKey, privateKey };
}

function boundKeys(material: KeyObject, lineage: Uint8Array, slotId: Uint8Array): SlotKeys {
  const bindingKey = takeKey(deriveBytes(material, 'slot binding', lineage, slotId));
  return { ...seedKeys(material, lineage, slotId), bindingKey };
}

/** The keys of a slot of a secret. @throws SecureStoreError `INTEGRITY` for costs that no slot has */
export async function secretKeys(
  method: SlotMethod,
  secret: Buffer,
  lineage: Uint8Array,
  id: Uint8Array,
): Promise<SlotKeys> {
  if (method.type === 'recipient') {
    return { publicKey: publicKeyOf(secret), privateKey: copySecret(secret) };
  }
  if (method.type === 'keyWrapper') throw new SecureStoreError('INTERNAL', 'a key wrapper has no secret');
  checkArgon2(method);
  return boundKeys(await keyMaterial(method, secret), lineage, id);
}

export function bindingTag(key: KeyObject, context: SlotContext, fields: SlotFields): Buffer {
  return createHmac('sha256', key).update(context.fingerprint).update(encodeSlotFields(fields)).digest();
}

/** Whether a slot is one of these keys. A slot that should have a binding tag and has none is not. */
export function fits({ publicKey, bindingKey }: SlotKeys, context: SlotContext, slot: Slot): boolean {
  if (bindingKey === undefined) return slot.binding === undefined && Buffer.compare(publicKey, slot.publicKey) === 0;
  return slot.binding !== undefined && timingSafeEqual(bindingTag(bindingKey, context, slot), slot.binding);
}
