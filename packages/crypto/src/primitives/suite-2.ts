import { asBuffer, copySecret, TAG_LENGTH } from '@securestore/core-format';
import type { Sodium } from './sodium.ts';
import type { ChunkCipher, Suite } from './suite.ts';

// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) and keyed BLAKE2b (RFC 7693), both of libsodium.
const NONCE_LENGTH = 24;
const ZERO_NONCE: Buffer = Buffer.alloc(NONCE_LENGTH);
const EXPANDED_LENGTH = 64;

/** Small arrays lie in the heap of JavaScript, and many of them are keys: see `secretBytes`. */
function own(result: Uint8Array): Buffer {
  if (result.length > EXPANDED_LENGTH) return asBuffer(result);
  const copy = copySecret(result);
  result.fill(0);
  return copy;
}

/** The plaintext of `ciphertext ‖ tag`; `undefined` where the tag doesn't match. */
export function openXChaCha(sodium: Sodium, key: Uint8Array, nonce: Buffer, sealed: Uint8Array): Buffer | undefined {
  if (sealed.length < TAG_LENGTH) return undefined;
  try {
    return own(sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, sealed, null, nonce, key));
  } catch {
    // It compares the tag before it decrypts anything.
    return undefined;
  }
}

function counterNonce(index: number): Buffer {
  const nonce = Buffer.alloc(NONCE_LENGTH);
  nonce.writeUIntBE(index, NONCE_LENGTH - 6, 6);
  return nonce;
}

function chunkCipher(sodium: Sodium, keyBytes: Uint8Array): ChunkCipher {
  const key = copySecret(keyBytes);
  return {
    seal(index, plaintext) {
      const nonce = counterNonce(index);
      const sealed = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt_detached(plaintext, null, null, nonce, key);
      return { ciphertext: asBuffer(sealed.ciphertext), tag: asBuffer(sealed.mac) };
    },
    open: (index, sealed) => openXChaCha(sodium, key, counterNonce(index), sealed),
  };
}

/** Suite 2: XChaCha20-Poly1305, and keyed BLAKE2b-512 for what is expanded. */
export function suite2(sodium: Sodium): Suite {
  return {
    id: 2,
    expand: (key, input) => own(sodium.crypto_generichash(EXPANDED_LENGTH, input, key)),
    sealOnce(key, plaintext, out, at) {
      out.set(sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, null, null, ZERO_NONCE, key), at);
    },
    openOnce: (key, sealed) => openXChaCha(sodium, key, ZERO_NONCE, sealed),
    chunkCipher: (key) => chunkCipher(sodium, key),
  };
}
