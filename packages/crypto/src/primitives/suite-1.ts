import { createCipheriv, createDecipheriv, createSecretKey, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { TAG_LENGTH } from '@securestore/core-format';
import { hmacSha512Once } from './hmac.ts';
import { randomPool } from './random.ts';
import { release } from './release.ts';
import type { ChunkCipher, Suite } from './suite.ts';

// AES-256-GCM (NIST SP 800-38D) and HMAC-SHA-512 (FIPS 198-1). Keys are passed to OpenSSL as key objects: raw buffers
// make Node fetch the algorithm anew for each call, at four times the cost for small inputs.
const ALGORITHM = 'aes-256-gcm';
const OPTIONS = { authTagLength: TAG_LENGTH } as const;
const NONCE_LENGTH = 12;
const ZERO_NONCE: Buffer = Buffer.alloc(NONCE_LENGTH);

/** The plaintext of `ciphertext ‖ tag`; `undefined` where the tag doesn't match. */
export function openGcm(key: KeyObject, nonce: Buffer, sealed: Uint8Array): Buffer | undefined {
  const end = sealed.length - TAG_LENGTH;
  if (end < 0) return undefined;
  const decipher = createDecipheriv(ALGORITHM, key, nonce, OPTIONS);
  decipher.setAuthTag(sealed.subarray(end));
  const plaintext = decipher.update(sealed.subarray(0, end));
  try {
    decipher.final();
  } catch {
    // What was decrypted is not authentic: nobody gets to see it.
    plaintext.fill(0);
    return undefined;
  }
  return plaintext;
}

/** Masks are as long as what holds keys, which is small. */
const random = randomPool();

/** The first bytes XOR the mask, as many as that has, in memory that can be wiped. */
function exclusiveOr(bytes: Uint8Array, mask: Uint8Array): Buffer {
  // Outside of the heap of JavaScript: see secretBytes.
  const result = Buffer.allocUnsafe(mask.length);
  for (let at = 0; at < mask.length; at++) result[at] = (bytes[at] ?? 0) ^ (mask[at] ?? 0);
  return result;
}

/**
 * {@link openGcm} for keys. Node decrypts into memory that it copies the plaintext from and frees as it is. So this
 * encrypts `ciphertext XOR mask`, which puts `plaintext XOR mask` there: both directions of GCM add the same keystream. Then it
 * computes the tag from the plaintext, in memory that the caller wipes.
 */
function openGcmSecret(key: KeyObject, nonce: Buffer, sealed: Uint8Array): Buffer | undefined {
  const length = sealed.length - TAG_LENGTH;
  if (length < 0) return undefined;
  const mask = random(length);
  const masked = exclusiveOr(sealed, mask);
  const opened = createCipheriv(ALGORITHM, key, nonce, OPTIONS).update(masked);
  const plaintext = exclusiveOr(opened, mask);
  // Either of them, with what is stored, would take the mask off what was freed.
  masked.fill(0);
  mask.fill(0);
  const cipher = createCipheriv(ALGORITHM, key, nonce, OPTIONS);
  cipher.update(plaintext);
  cipher.final();
  if (timingSafeEqual(cipher.getAuthTag(), sealed.subarray(length))) return plaintext;
  plaintext.fill(0);
  return undefined;
}

function counterNonce(index: number): Buffer {
  const nonce = Buffer.alloc(NONCE_LENGTH);
  nonce.writeUIntBE(index, NONCE_LENGTH - 6, 6);
  return nonce;
}

function chunkCipher(keyBytes: Uint8Array): ChunkCipher {
  const key = createSecretKey(keyBytes);
  return {
    seal(index, plaintext, out, at) {
      const cipher = createCipheriv(ALGORITHM, key, counterNonce(index), OPTIONS);
      const ciphertext = cipher.update(plaintext);
      cipher.final();
      out.set(ciphertext, at);
      out.set(cipher.getAuthTag(), at + ciphertext.length);
      release(ciphertext);
    },
    open: (index, sealed) => openGcm(key, counterNonce(index), sealed),
  };
}

/** Suite 1, the default: AES-256-GCM, HMAC-SHA-2. */
export const suite1: Suite = {
  id: 1,
  expand: hmacSha512Once,
  sealOnce(key, plaintext, out, at) {
    const cipher = createCipheriv(ALGORITHM, createSecretKey(key), ZERO_NONCE, OPTIONS);
    const ciphertext = cipher.update(plaintext);
    cipher.final();
    out.set(ciphertext, at);
    out.set(cipher.getAuthTag(), at + ciphertext.length);
  },
  openOnce: (key, sealed) => openGcm(createSecretKey(key), ZERO_NONCE, sealed),
  openSecret: (key, sealed) => openGcmSecret(createSecretKey(key), ZERO_NONCE, sealed),
  chunkCipher,
};
