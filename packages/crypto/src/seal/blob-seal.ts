import type { BlobHeader } from '@securestore/core-format';
import {
  asBuffer,
  BLOB_HEADER_LENGTH,
  BLOB_PREFIX_LENGTH,
  encodeBlobHeader,
  KEY_LENGTH,
  SecureStoreError,
  TAG_LENGTH,
} from '@securestore/core-format';
import { expandInput, label } from '../primitives/derive.ts';
import type { ChunkCipher } from '../primitives/suite.ts';
import { suiteOf } from '../primitives/suites.ts';

const BLOB_USE = label('blob');

/** Header ‖ commitment, and the cipher, of the blob that `header` describes. Both come from its key and header alone. */
function derive(header: BlobHeader, key: Uint8Array): { prefix: Buffer; cipher: ChunkCipher } {
  const suite = suiteOf(header.suite);
  const headerBytes = encodeBlobHeader(header);
  const expanded = suite.expand(key, expandInput(BLOB_USE, headerBytes));
  const prefix = Buffer.allocUnsafeSlow(BLOB_PREFIX_LENGTH);
  headerBytes.copy(prefix);
  expanded.copy(prefix, BLOB_HEADER_LENGTH, KEY_LENGTH);
  const cipher = suite.chunkCipher(expanded.subarray(0, KEY_LENGTH));
  expanded.fill(0);
  return { prefix, cipher };
}

/** Seals the chunks of one blob, in order and each once. */
export class BlobSealer {
  /** What precedes the first chunk. */
  readonly prefix: Buffer;
  readonly #chunkSize: number;
  readonly #cipher: ChunkCipher;
  #next = 0;
  #ended = false;

  /** @param key the blob's own data key, fresh for every attempt; the caller wipes it */
  constructor(header: BlobHeader, key: Uint8Array) {
    const { prefix, cipher } = derive(header, key);
    this.prefix = prefix;
    this.#chunkSize = header.chunkSize;
    this.#cipher = cipher;
  }

  /**
   * Seals the next chunk into `out`; one that is shorter than the chunk size is the last.
   *
   * @returns how many bytes of `out` it took
   */
  seal(plaintext: Uint8Array, out: Buffer, at: number): number {
    if (this.#ended || plaintext.length > this.#chunkSize) {
      throw new SecureStoreError('INTERNAL', 'a chunk after the last one, or a chunk that is too long');
    }
    // A copy into too small a buffer would silently be cut short.
    if (at + plaintext.length + TAG_LENGTH > out.length) {
      throw new SecureStoreError('INTERNAL', 'no room for a sealed chunk');
    }
    this.#ended = plaintext.length < this.#chunkSize;
    this.#cipher.seal(this.#next++, plaintext, out, at);
    return plaintext.length + TAG_LENGTH;
  }
}

/** Opens the chunks of one blob, in any order. */
export class BlobOpener {
  readonly #prefix: Buffer;
  readonly #cipher: ChunkCipher;

  /** @param key the blob's data key from its record; the caller wipes it */
  constructor(header: BlobHeader, key: Uint8Array) {
    const { prefix, cipher } = derive(header, key);
    this.#prefix = prefix;
    this.#cipher = cipher;
  }

  /** Checks header and commitment as they were read. @throws SecureStoreError `INTEGRITY` */
  checkPrefix(bytes: Uint8Array): void {
    if (!asBuffer(bytes).equals(this.#prefix)) {
      throw new SecureStoreError('INTEGRITY', 'the blob is damaged: it does not begin with the header of its record');
    }
  }

  /** @throws SecureStoreError `INTEGRITY` */
  open(index: number, sealed: Uint8Array): Buffer {
    const plaintext = this.#cipher.open(index, sealed);
    if (plaintext === undefined) {
      throw new SecureStoreError('INTEGRITY', `the blob is damaged: chunk ${index} does not decrypt`);
    }
    return plaintext;
  }
}
