import type { Libsodium } from './sodium.ts';

// libsodium takes copies of what it is given into memory of its own, and does not overwrite them when it is done. The same
// call with other bytes of the same lengths gets the same memory again, and so overwrites them.

/** An anonymous box for `publicKey`; libsodium keeps nothing of `plaintext`. */
export function sealBox(libsodium: Libsodium, plaintext: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const sealed = libsodium.crypto_box_seal(plaintext, publicKey);
  libsodium.crypto_box_seal(new Uint8Array(plaintext.length), publicKey);
  return sealed;
}

/**
 * Opens an anonymous box; libsodium keeps nothing of its plaintext and of the private key.
 *
 * @returns the plaintext, which the caller wipes; `undefined` where it doesn't open
 */
export function openSealedBox(
  libsodium: Libsodium,
  sealed: Uint8Array,
  publicKey: Uint8Array,
  privateKey: Uint8Array,
): Uint8Array | undefined {
  if (sealed.length < libsodium.crypto_box_SEALBYTES) return undefined;
  const other = libsodium.crypto_box_keypair();
  const decoy = libsodium.crypto_box_seal(
    new Uint8Array(sealed.length - libsodium.crypto_box_SEALBYTES),
    other.publicKey,
  );
  try {
    return libsodium.crypto_box_seal_open(sealed, publicKey, privateKey);
  } catch {
    return undefined;
  } finally {
    libsodium.crypto_box_seal_open(decoy, other.publicKey, other.privateKey);
  }
}
