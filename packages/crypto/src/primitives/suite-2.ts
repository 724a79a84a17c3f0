import { copySecret } from '@securestore/core-format';
import type { Sodium } from './sodium.ts';
import type { ChunkCipher, Suite } from './suite.ts';

// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) and keyed BLAKE2b (RFC 7693), both of libsodium.
const NONCE_LENGTH = 24;
const ZERO_NONCE: Buffer = Buffer.alloc(NONCE_LENGTH);
const EXPANDED_LENGTH = 64;

function counterNonce(index: number): Buffer {
  const nonce = Buffer.alloc(NONCE_LENGTH);
  nonce.writeUIntBE(index, NONCE_LENGTH - 6, 6);
  return nonce;
}

function chunkCipher(sodium: Sodium, keyBytes: Uint8Array): ChunkCipher {
  const key = copySecret(keyBytes);
  return {
    seal(index, plaintext, out, at) {
      sodium.seal(key, counterNonce(index), plaintext, out, at);
    },
    open: (index, sealed) => sodium.open(key, counterNonce(index), sealed),
  };
}

/** Suite 2: XChaCha20-Poly1305, and keyed BLAKE2b-512 for what is expanded. */
export function suite2(sodium: Sodium): Suite {
  return {
    id: 2,
    expand: (key, input) => sodium.hash(EXPANDED_LENGTH, key, input),
    sealOnce(key, plaintext, out, at) {
      sodium.seal(key, ZERO_NONCE, plaintext, out, at);
    },
    openOnce: (key, sealed) => sodium.open(key, ZERO_NONCE, sealed),
    // Through WebAssembly it stays in libsodium's memory until something else gets its place: see wiping.md.
    openSecret: (key, sealed) => sodium.open(key, ZERO_NONCE, sealed),
    chunkCipher: (key) => chunkCipher(sodium, key),
  };
}
