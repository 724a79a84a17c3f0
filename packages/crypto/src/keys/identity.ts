import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { asBuffer, encodeBase32 } from '@securestore/core-format';
import { label } from '../primitives/derive.ts';

// The fixed DER around raw Ed25519 keys (RFC 8410).
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** The store identity's private key from its 32-byte seed. */
export function identityPrivateKey(seed: Uint8Array): KeyObject {
  const der = Buffer.concat([PRIVATE_PREFIX, seed]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
  return key;
}

/** The raw 32 bytes of an Ed25519 public key. */
export function identityPublicKey(privateKey: KeyObject): Buffer {
  const der = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return asBuffer(der.subarray(PUBLIC_PREFIX.length));
}

/** Ed25519 (RFC 8032) over the label of `use` and `bytes`. */
export function signAs(privateKey: KeyObject, use: string, bytes: Uint8Array): Buffer {
  return sign(null, Buffer.concat([label(use), bytes]), privateKey);
}

export function verifyAs(publicKey: Uint8Array, use: string, bytes: Uint8Array, signature: Uint8Array): boolean {
  const der = Buffer.concat([PUBLIC_PREFIX, publicKey]);
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  return verify(null, Buffer.concat([label(use), bytes]), key, signature);
}

/** SHA-256 of a store identity's public key: what users pin. */
export function fingerprintBytes(publicKey: Uint8Array): Buffer {
  return createHash('sha256').update(publicKey).digest();
}

/** The fingerprint as 52 characters of base32hex. */
export function fingerprintOf(publicKey: Uint8Array): string {
  return encodeBase32(fingerprintBytes(publicKey));
}
