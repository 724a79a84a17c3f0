import { asBuffer, copySecret } from '@securestore/core-format';
import { openSealedBox, sealBox } from './sealed-box.ts';
import type { Sodium } from './sodium.ts';
import { loadLibsodium } from './sodium.ts';

/** Longer results have memory of their own outside the heap of JavaScript; keys are shorter. */
const SMALL = 64;

/** Small arrays are in the heap of JavaScript, and many of them are keys: see `secretBytes`. */
function own(result: Uint8Array): Buffer {
  if (result.length > SMALL) return asBuffer(result);
  const copy = copySecret(result);
  result.fill(0);
  return copy;
}

/** libsodium through `libsodium-wrappers`. */
export async function wasmSodium(): Promise<Sodium> {
  const libsodium = await loadLibsodium();
  return {
    seal(key, nonce, plaintext, out, at) {
      out.set(libsodium.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, null, null, nonce, key), at);
    },
    open(key, nonce, sealed) {
      try {
        return own(libsodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, sealed, null, nonce, key));
      } catch {
        return undefined;
      }
    },
    hash: (length, key, input) => own(libsodium.crypto_generichash(length, input, key)),
    sealBox: (plaintext, publicKey) => sealBox(libsodium, plaintext, publicKey),
    openBox: (...args) => openSealedBox(libsodium, ...args),
  };
}
