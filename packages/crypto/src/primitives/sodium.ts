/** The part of libsodium that Node has not. Results are in memory of the caller's own. */
export interface Sodium {
  /**
   * Writes `ciphertext ‖ tag` of XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) to `out` from `at`, which has room for it.
   *
   * @param nonce 24 bytes
   */
  seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, out: Buffer, at: number): void;
  /** The plaintext of `ciphertext ‖ tag`; `undefined` if the tag does not match. The tag is checked before anything is decrypted. */
  open(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Buffer | undefined;
  /** Keyed BLAKE2b (RFC 7693) of `length` bytes; the caller wipes it. */
  hash(length: number, key: Uint8Array, input: Uint8Array): Buffer;
  /** An anonymous box for a public key. @throws for a key that nothing can be encrypted to */
  sealBox(plaintext: Uint8Array, publicKey: Uint8Array): Uint8Array;
  /** The plaintext of an anonymous box, which the caller wipes; `undefined` if it does not open. */
  openBox(sealed: Uint8Array, publicKey: Uint8Array, privateKey: Uint8Array): Uint8Array | undefined;
}

/** libsodium in WebAssembly. */
export type Libsodium = (typeof import('libsodium-wrappers'))['default'];

export async function loadLibsodium(): Promise<Libsodium> {
  const { default: libsodium } = await import('libsodium-wrappers');
  await libsodium.ready;
  return libsodium;
}
