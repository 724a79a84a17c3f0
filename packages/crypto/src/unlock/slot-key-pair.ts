import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import { KEY_LENGTH } from '@securestore/core-format';

// The fixed DER around a raw X25519 private key (RFC 8410).
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');

/** An X25519 key pair as raw bytes. */
export interface SlotKeyPair {
  readonly publicKey: Buffer;
  /** The caller wipes it. */
  readonly privateKey: Buffer;
}

/**
 * The key pair of a slot: what `crypto_box_seed_keypair` of libsodium makes of the seed, without leaving the seed and the
 * private key in libsodium's memory for every secret that is tried.
 */
export function slotKeyPair(seed: Uint8Array): SlotKeyPair {
  const hash = createHash('sha512').update(seed).digest();
  const privateKey = hash.subarray(0, KEY_LENGTH);
  hash.fill(0, KEY_LENGTH);
  return { publicKey: publicKeyOf(privateKey), privateKey };
}

/** The X25519 public key of a private one. */
export function publicKeyOf(privateKey: Uint8Array): Buffer {
  const der = Buffer.concat([PRIVATE_PREFIX, privateKey]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return Buffer.from(spki.subarray(-KEY_LENGTH));
}
