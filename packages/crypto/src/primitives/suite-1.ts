import { createCipheriv, createDecipheriv, createHmac, createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { TAG_LENGTH } from '@securestore/core-format';
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

function counterNonce(index: number): Buffer {
  const nonce = Buffer.alloc(NONCE_LENGTH);
  nonce.writeUIntBE(index, NONCE_LENGTH - 6, 6);
  return nonce;
}

function chunkCipher(keyBytes: Uint8Array): ChunkCipher {
  const key = createSecretKey(keyBytes);
  return {
    seal(index, plaintext) {
      const cipher = createCipheriv(ALGORITHM, key, counterNonce(index), OPTIONS);
      const ciphertext = cipher.update(plaintext);
      cipher.final();
      return { ciphertext, tag: cipher.getAuthTag() };
    },
    open: (index, sealed) => openGcm(key, counterNonce(index), sealed),
  };
}

/** Suite 1, the default: AES-256-GCM, HMAC-SHA-2. */
export const suite1: Suite = {
  id: 1,
  expand: (key, input) => createHmac('sha512', createSecretKey(key)).update(input).digest(),
  sealOnce(key, plaintext, out, at) {
    const cipher = createCipheriv(ALGORITHM, createSecretKey(key), ZERO_NONCE, OPTIONS);
    const ciphertext = cipher.update(plaintext);
    cipher.final();
    out.set(ciphertext, at);
    out.set(cipher.getAuthTag(), at + ciphertext.length);
  },
  openOnce: (key, sealed) => openGcm(createSecretKey(key), ZERO_NONCE, sealed),
  chunkCipher,
};
