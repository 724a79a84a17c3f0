import type { Sodium } from './sodium.ts';

// libsodium takes copies of what it is given into memory of its own, and does not overwrite them when it is done. The same
// call with other bytes of the same lengths gets the same memory again, and so overwrites them.

/** An anonymous box for `publicKey`; libsodium keeps nothing of `plaintext`. */
export function sealBox(sodium: Sodium, plaintext: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const sealed = sodium.crypto_box_seal(plaintext, publicKey);
  sodium.crypto_box_seal(new Uint8Array(plaintext.length), publicKey);
  return sealed;
}

/**
 * Opens an anonymous box; libsodium keeps nothing of its plaintext and of the private key.
 *
 * @returns the plaintext, which the caller wipes; `undefined` where it doesn't open
 */
export function openSealedBox(
  sodium: Sodium,
  sealed: Uint8Array,
  publicKey: Uint8Array,
  privateKey: Uint8Array,
): Uint8Array | undefined {
  const other = sodium.crypto_box_keypair();
  const decoy = sodium.crypto_box_seal(new Uint8Array(sealed.length - sodium.crypto_box_SEALBYTES), other.publicKey);
  try {
    return sodium.crypto_box_seal_open(sealed, publicKey, privateKey);
  } catch {
    return undefined;
  } finally {
    sodium.crypto_box_seal_open(decoy, other.publicKey, other.privateKey);
  }
}
