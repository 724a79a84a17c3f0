import { argon2Sync } from 'node:crypto';
import { loadLibsodium } from '../../../../packages/crypto/src/primitives/sodium.ts';
import type { ShareScheme } from '../../../../packages/crypto/src/index.ts';
import { printed } from '../../../../packages/crypto/src/unlock/printed.ts';
import { bytesFrom, derive, hmac256, u16, u32 } from './bytes.ts';

const libsodium = await loadLibsodium();

/** How a secret is handed to a reader. */
export type Unlock =
  | { readonly method: 'passphrase'; readonly text: string }
  | { readonly method: 'keyFile' | 'rawKey'; readonly secret: string }
  | { readonly method: 'recoveryCode'; readonly text: string }
  | { readonly method: 'shares'; readonly texts: readonly string[] }
  /** An identity as it is printed. */
  | { readonly method: 'recipient'; readonly text: string }
  | { readonly method: 'keyWrapper'; readonly id: string; readonly wraps: readonly Wrap[] };

/** What a key wrapper knows: it unwraps `wrapped`, for this context or for any, and refuses all else. */
export interface Wrap {
  readonly wrapped: string;
  readonly context?: { readonly lineage: string; readonly fingerprint: string; readonly slot: string };
  readonly key: string;
}

/** The slots of every base, in their order in the head, with what each adds to the fields that all have. */
export const SLOTS = ['passphrase', 'keyFile', 'rawKey', 'recoveryCode', 'shares', 'recipient', 'keyWrapper'] as const;
export type SlotName = (typeof SLOTS)[number];
/** Those that have a salt and a binding tag. */
export type BoundName = Exclude<SlotName, 'recipient' | 'keyWrapper'>;
export const BOUND: readonly BoundName[] = ['passphrase', 'keyFile', 'rawKey', 'recoveryCode', 'shares'];
export const isBound = (name: SlotName): name is BoundName => BOUND.some((bound) => bound === name);

/** The least that readers accept, so that whoever computes it in a slow language gets there. */
export const ARGON2 = { memory: 19 * 1024, passes: 1, parallelism: 1 } as const;

const PASSPHRASE = 'correct horse battery staple';
/** Not ASCII alone. */
export const WRAPPER_ID = 'a key of ä';
const SCHEME: ShareScheme = { threshold: 2, count: 3 };

/** The bytes of the secrets; of a key wrapper the key that it unwraps. */
export const SECRETS: Readonly<Record<SlotName, Buffer>> = {
  passphrase: Buffer.from(PASSPHRASE),
  keyFile: bytesFrom('key file', 48),
  rawKey: bytesFrom('raw key', 32),
  recoveryCode: bytesFrom('recovery code', 20),
  shares: bytesFrom('secret of the shares', 32),
  recipient: bytesFrom('identity', 32),
  keyWrapper: bytesFrom('wrapped key', 32),
};

/** What the key wrapper made of its key. */
export const WRAPPED: Buffer = bytesFrom('what was wrapped', 40);

/** In GF(2⁸) modulo x⁸ + x⁴ + x³ + x + 1. */
function times(a: number, b: number): number {
  let product = 0;
  for (let shifted = a, bits = b; bits > 0; bits >>= 1) {
    if ((bits & 1) === 1) product ^= shifted;
    shifted = (shifted << 1) ^ ((shifted & 0x80) === 0 ? 0 : 0x11b);
  }
  return product;
}

/** Share `x` of the secret: a line through the secret at 0, as a scheme of two shares has it. */
export function share(x: number, secret: Buffer = SECRETS.shares, { threshold, count }: ShareScheme = SCHEME): Buffer {
  const slope = bytesFrom('slope of the shares', 32);
  const y = Buffer.from(secret.map((byte, index) => byte ^ times(slope.readUInt8(index), x)));
  return Buffer.concat([bytesFrom('set of the shares', 4), Buffer.from([threshold, count]), y, Buffer.from([x])]);
}

export const printedShare = (bytes: Buffer): string => printed('share', bytes).toString('latin1');
export const printedCode = (bytes: Buffer): string => printed('recovery code', bytes).toString('latin1');

export const printedIdentity = (bytes: Buffer): string => printed('identity', bytes).toString('latin1');

/** What unlocks the slots of every base that are bound to it. */
export const UNLOCKS: Readonly<Record<BoundName, Unlock>> = {
  passphrase: { method: 'passphrase', text: PASSPHRASE },
  keyFile: { method: 'keyFile', secret: SECRETS.keyFile.toString('hex') },
  rawKey: { method: 'rawKey', secret: SECRETS.rawKey.toString('hex') },
  recoveryCode: { method: 'recoveryCode', text: printedCode(SECRETS.recoveryCode) },
  shares: { method: 'shares', texts: [printedShare(share(1)), printedShare(share(3))] },
};

export function wrapperFields(id: Buffer, wrapped: Buffer): Buffer {
  return Buffer.concat([Buffer.from([id.length]), id, u16(wrapped.length), wrapped]);
}

function sharesFields(salt: Buffer): Buffer {
  const tags = [1, 2, 3].map((x) => derive(salt, 'share tag', share(x)).subarray(0, 8));
  return Buffer.concat([Buffer.from([SCHEME.threshold, SCHEME.count]), ...tags]);
}

/** What a slot says of its method beside the salt. */
export function parametersOf(name: SlotName, salt: Buffer): Buffer {
  if (name === 'passphrase') {
    return Buffer.concat([u32(ARGON2.memory), Buffer.from([ARGON2.passes, ARGON2.parallelism])]);
  }
  if (name === 'shares') return sharesFields(salt);
  return name === 'keyWrapper' ? wrapperFields(Buffer.from(WRAPPER_ID), WRAPPED) : Buffer.alloc(0);
}

/** The key material of a slot that has a salt. */
export function materialOf(name: BoundName, salt: Buffer, secret: Buffer = SECRETS[name]): Buffer {
  if (name !== 'passphrase') return hmac256(salt, secret);
  return argon2Sync('argon2id', { message: secret, nonce: salt, ...ARGON2, tagLength: 32 });
}

export interface SlotKeys {
  readonly publicKey: Buffer;
  readonly bindingKey: Buffer;
}

export function slotKeys(material: Buffer, lineage: Buffer, id: Buffer): SlotKeys {
  const { publicKey } = libsodium.crypto_box_seed_keypair(derive(material, 'slot seed', lineage, id));
  return { publicKey: Buffer.from(publicKey), bindingKey: derive(material, 'slot binding', lineage, id) };
}

/** The recipient of an identity. */
export const publicKeyOf = (privateKey: Buffer): Buffer => Buffer.from(libsodium.crypto_scalarmult_base(privateKey));

/** Of a sealed root, in bytes. */
export const BOX_LENGTH = 116;

const nonceOf = (ephemeral: Uint8Array, publicKey: Buffer): Uint8Array =>
  libsodium.crypto_generichash(24, Buffer.concat([ephemeral, publicKey]), null);

/** An anonymous box as `crypto_box_seal` makes it, but with an ephemeral pair that is the same in every run. */
export function sealBox(box: Buffer, publicKey: Buffer, seed: Buffer): Buffer {
  const ephemeral = libsodium.crypto_box_seed_keypair(seed);
  const nonce = nonceOf(ephemeral.publicKey, publicKey);
  const sealed = libsodium.crypto_box_easy(box, nonce, publicKey, ephemeral.privateKey);
  return Buffer.concat([ephemeral.publicKey, sealed]);
}

/** HSalsa20 of 32 and 16 zero bytes. */
const KEY_OF_ZEROS = Buffer.from('351f86faa3b988468a850122b65b0acece9c4826806aeee63de9c0da2bd7f91e', 'hex');

/** A box that anybody can make and open: with `point`, of low order, every private key shares a secret of zeros. */
export function sealToAll(box: Buffer, publicKey: Buffer, point: Buffer): Buffer {
  return Buffer.concat([point, libsodium.crypto_box_easy_afternm(box, nonceOf(point, publicKey), KEY_OF_ZEROS)]);
}
