import type { Libsodium } from './sodium.ts';

// libsodium takes copies of what it is given into memory of its own, and does not overwrite them when it is done. The same
// call with other bytes of the same lengths gets the same memory again, and so overwrites them.

/** An anonymous box for `publicKey`; libsodium keeps nothing of `plaintext`. */
export function sealBox(libsodium: Libsodium, plaintext: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const sealed = libsodium.crypto_box_seal(plaintext, publicKey);
  libsodium.crypto_box_seal(new Uint8Array(plaintext.length), publicKey);
  return sealed;
}

/** An anonymous box that hides nothing, with its key pair. */
interface Decoy {
  readonly sealed: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
}

/** The last decoy of each libsodium. Sealing one costs more than opening the box, and boxes of slots have one length. */
const decoys = new WeakMap<Libsodium, Decoy>();

/** A box of zeros that is as long as `length` bytes of another box, and holds no secret. */
function decoyOf(libsodium: Libsodium, length: number): Decoy {
  const last = decoys.get(libsodium);
  if (last?.sealed.length === length) return last;
  const { publicKey, privateKey } = libsodium.crypto_box_keypair();
  const zeros = new Uint8Array(length - libsodium.crypto_box_SEALBYTES);
  const decoy = { sealed: libsodium.crypto_box_seal(zeros, publicKey), publicKey, privateKey };
  decoys.set(libsodium, decoy);
  return decoy;
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
  const decoy = decoyOf(libsodium, sealed.length);
  try {
    return libsodium.crypto_box_seal_open(sealed, publicKey, privateKey);
  } catch {
    return undefined;
  } finally {
    libsodium.crypto_box_seal_open(decoy.sealed, decoy.publicKey, decoy.privateKey);
  }
}
