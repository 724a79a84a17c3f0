import { createHash, hash } from 'node:crypto';
import { secretBytes } from '@securestore/core-format';

// HMAC of RFC 2104 (FIPS 198-1) by the hash functions of node:crypto. Two one-shot hashes take half as long as
// `createHmac`, which makes a native handle for each call that the garbage collector has to free.

const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

const SHA256 = { name: 'sha256', blockLength: 64, digestLength: 32 } as const;
const SHA512 = { name: 'sha512', blockLength: 128, digestLength: 64 } as const;

type Algorithm = typeof SHA256 | typeof SHA512;

/** Longer inputs are hashed where they are: a copy would cost more than the handle of a hash. */
const MAX_COPIED: number = 4 * 1024;

/** An inner pad and the input behind it. Hashing is synchronous, and all of it is zero between two calls. */
const scratch: Uint8Array = secretBytes(SHA512.blockLength + MAX_COPIED);

/** A key XOR the two constants of RFC 2104. */
interface Pads {
  readonly inner: Buffer;
  /** With room for the inner digest. */
  readonly outer: Buffer;
}

function emptyPads({ blockLength, digestLength }: Algorithm): Pads {
  return { inner: secretBytes(blockLength), outer: secretBytes(blockLength + digestLength) };
}

function setPads({ name, blockLength }: Algorithm, { inner, outer }: Pads, key: Uint8Array): void {
  // As RFC 2104 has it for a key that is longer than a block.
  const short = key.length > blockLength ? hash(name, key, 'buffer') : key;
  for (let index = 0; index < blockLength; index++) {
    const byte = short[index] ?? 0;
    inner[index] = byte ^ INNER_PAD;
    outer[index] = byte ^ OUTER_PAD;
  }
  if (short !== key) short.fill(0);
}

function wipePads({ inner, outer }: Pads): void {
  inner.fill(0);
  outer.fill(0);
}

/** One character for each byte. It is no key: whoever wants the HMAC needs the outer pad, too. */
function innerDigest(name: string, pad: Buffer, input: Uint8Array): string {
  if (input.length > MAX_COPIED) return createHash(name).update(pad).update(input).digest('binary');
  const end = pad.length + input.length;
  scratch.set(pad);
  scratch.set(input, pad.length);
  try {
    return hash(name, scratch.subarray(0, end), 'binary');
  } finally {
    scratch.fill(0, 0, end);
  }
}

/** What the outer hash goes over: the outer pad and the inner digest. */
function outerInput({ name, blockLength }: Algorithm, { inner, outer }: Pads, input: Uint8Array): Buffer {
  outer.write(innerDigest(name, inner, input), blockLength, 'latin1');
  return outer;
}

/** Zeroes pads whose key was collected as garbage, as Node does with the memory of a `KeyObject`. */
const abandoned: FinalizationRegistry<Pads> = new FinalizationRegistry(wipePads);

/** A key of HMAC-SHA-256 that is used often. */
export class HmacKey {
  readonly #pads: Pads = emptyPads(SHA256);

  /** @param key the caller's to wipe */
  constructor(key: Uint8Array) {
    setPads(SHA256, this.#pads, key);
    abandoned.register(this, this.#pads);
  }

  /**
   * The HMAC as a tag that may be seen, never as a key: one character for each byte, since Node takes nearly as long to
   * make memory of its own for a result as to compute it.
   */
  tag(input: Uint8Array): string {
    return hash(SHA256.name, outerInput(SHA256, this.#pads, input), 'binary');
  }

  /** Forgets the key at once: what is computed from then on is of no use. */
  wipe(): void {
    wipePads(this.#pads);
  }

  /** The HMAC as bytes of the caller's own. */
  bytes(input: Uint8Array): Buffer {
    return hash(SHA256.name, outerInput(SHA256, this.#pads, input), 'buffer');
  }
}

const once: Pads = emptyPads(SHA512);

/**
 * HMAC-SHA-512 under a key that is used for nothing else.
 *
 * @param key the caller's to wipe
 * @returns the caller's to wipe
 */
export function hmacSha512Once(key: Uint8Array, input: Uint8Array): Buffer {
  setPads(SHA512, once, key);
  try {
    return hash(SHA512.name, outerInput(SHA512, once, input), 'buffer');
  } finally {
    wipePads(once);
  }
}
