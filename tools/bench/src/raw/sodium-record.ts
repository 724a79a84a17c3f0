import { timingSafeEqual, type KeyObject } from 'node:crypto';
import type { BareRecord } from './record.ts';
import { bareWrapKey, freshKey, RECORD_LABEL } from './record.ts';

/* The constructions of a record under suite 2, on sodium-native and nothing else, as `record.ts` has those of suite 1. */

/** The functions of `sodium-native` that a record takes. */
export interface NativeSodium {
  crypto_aead_xchacha20poly1305_ietf_encrypt(...args: (Uint8Array | null)[]): number;
  crypto_aead_xchacha20poly1305_ietf_decrypt(...args: (Uint8Array | null)[]): number;
  crypto_generichash(out: Uint8Array, input: Uint8Array, key: Uint8Array): void;
}

export interface BareSodium {
  readonly seal: (categoryKey: KeyObject, header: Uint8Array, plaintext: Uint8Array) => BareRecord;
  readonly open: (categoryKey: KeyObject, record: BareRecord) => Uint8Array;
}

const ZERO_NONCE: Uint8Array = new Uint8Array(24);
const TAG_LENGTH = 16;
const END = 1;

export function bareSodium(sodium: NativeSodium): BareSodium {
  const derive = (dek: Uint8Array, header: Uint8Array): Buffer => {
    const input = Buffer.allocUnsafe(RECORD_LABEL.length + header.length + 1);
    input.set(RECORD_LABEL);
    input.set(header, RECORD_LABEL.length);
    input[input.length - 1] = END;
    const derived = Buffer.allocUnsafe(64);
    sodium.crypto_generichash(derived, input, dek);
    return derived;
  };
  const seal = (key: Uint8Array, plaintext: Uint8Array): Uint8Array => {
    const sealed = Buffer.allocUnsafe(plaintext.length + TAG_LENGTH);
    sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, plaintext, null, null, ZERO_NONCE, key);
    return sealed;
  };
  const open = (key: Uint8Array, sealed: Uint8Array): Uint8Array => {
    const plaintext = Buffer.allocUnsafe(sealed.length - TAG_LENGTH);
    sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(plaintext, null, sealed, null, ZERO_NONCE, key);
    return plaintext;
  };
  return {
    seal(categoryKey, header, plaintext) {
      const dek = freshKey();
      const derived = derive(dek, header);
      const commitment = derived.subarray(32);
      const wrapped = seal(bareWrapKey(categoryKey, header, commitment), dek);
      return { header, commitment, wrapped, body: seal(derived.subarray(0, 32), plaintext) };
    },
    open(categoryKey, { header, commitment, wrapped, body }) {
      const derived = derive(open(bareWrapKey(categoryKey, header, commitment), wrapped), header);
      if (!timingSafeEqual(derived.subarray(32), commitment)) throw new Error('The commitment differs.');
      return open(derived.subarray(0, 32), body);
    },
  };
}
