/** Seals and opens the numbered chunks of one blob. */
export interface ChunkCipher {
  /** `ciphertext ‖ tag`, written to `out` from `at`, which has room for it. Each index is sealed at most once under one key. */
  seal(index: number, plaintext: Uint8Array, out: Buffer, at: number): void;
  /** The plaintext; `undefined` where the tag doesn't match, and then nothing of it was released. */
  open(index: number, sealed: Uint8Array): Buffer | undefined;
}

/**
 * A set of algorithms. A key version states its suite, and it is compared with the record's before any primitive runs:
 * nothing is ever chosen by what an unauthenticated header says.
 */
export interface Suite {
  readonly id: number;
  /**
   * A pseudo-random function of 64 bytes: payload key and commitment. The result is the caller's to wipe.
   *
   * @param input the label, the length of the header, the header, and the byte 1; see `expandInput`
   */
  expand(key: Uint8Array, input: Uint8Array): Buffer;
  /** One AEAD message under a key that is used once: `ciphertext ‖ tag`, written to `out` from `at`. */
  sealOnce(key: Uint8Array, plaintext: Uint8Array, out: Buffer, at: number): void;
  /** The plaintext; `undefined` where the tag doesn't match, and then nothing of it was released. */
  openOnce(key: Uint8Array, sealed: Uint8Array): Buffer | undefined;
  /** {@link openOnce} for keys, and for what holds some: no copy stays in memory that was freed. It takes twice as long. */
  openSecret(key: Uint8Array, sealed: Uint8Array): Buffer | undefined;
  chunkCipher(key: Uint8Array): ChunkCipher;
}
