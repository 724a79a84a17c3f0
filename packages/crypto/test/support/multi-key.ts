import { createCipheriv } from 'node:crypto';

// Arithmetic in GF(2^128) as GCM has it (NIST SP 800-38D, section 6.3): the first bit is the least power.
const REDUCTION = 0xe1n << 120n;

function multiply(a: bigint, b: bigint): bigint {
  let product = 0n;
  let shifted = b;
  for (let bit = 127n; bit >= 0n; bit--) {
    if (((a >> bit) & 1n) === 1n) product ^= shifted;
    shifted = (shifted & 1n) === 1n ? (shifted >> 1n) ^ REDUCTION : shifted >> 1n;
  }
  return product;
}

/** a^(2^128 - 2). */
function inverse(a: bigint): bigint {
  let result = 1n << 127n;
  let power = a;
  for (let step = 1; step < 128; step++) {
    power = multiply(power, power);
    result = multiply(result, power);
  }
  return result;
}

const toNumber = (block: Uint8Array): bigint => BigInt(`0x${Buffer.from(block).toString('hex')}`);
const toBlock = (number: bigint): Buffer => Buffer.from(number.toString(16).padStart(32, '0'), 'hex');

function encryptBlock(key: Uint8Array, block: Uint8Array): bigint {
  const cipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
  return toNumber(cipher.update(block));
}

/** What a key contributes to a GCM tag under the zero nonce: its hash key, and the mask of the tag. */
function gcmParts(key: Uint8Array): { hash: bigint; mask: bigint } {
  const first = Buffer.alloc(16);
  first.writeUInt8(1, 15);
  return { hash: encryptBlock(key, Buffer.alloc(16)), mask: encryptBlock(key, first) };
}

/**
 * A ciphertext with tag of AES-256-GCM, zero nonce and no associated data, that opens under both keys (to different
 * plaintexts): the attack on AEAD without commitment. `prefix` are whole blocks of free choice; one block follows.
 */
export function openableUnderBoth(one: Uint8Array, other: Uint8Array, prefix: Uint8Array = new Uint8Array()): Buffer {
  const blocks = Array.from({ length: prefix.length / 16 }, (_, at) =>
    toNumber(prefix.subarray(at * 16, at * 16 + 16)),
  );
  const length = BigInt((blocks.length + 1) * 128);
  // GHASH with the unknown last block left out, and what that block is multiplied by.
  const known = ({ hash, mask }: { hash: bigint; mask: bigint }): { sum: bigint; factor: bigint } => {
    let state = 0n;
    for (const block of blocks) state = multiply(state ^ block, hash);
    const square = multiply(hash, hash);
    return { sum: multiply(state, square) ^ multiply(length, hash) ^ mask, factor: square };
  };
  const first = known(gcmParts(one));
  const second = known(gcmParts(other));
  const last = multiply(first.sum ^ second.sum, inverse(first.factor ^ second.factor));
  const tag = first.sum ^ multiply(last, first.factor);
  return Buffer.concat([prefix, toBlock(last), toBlock(tag)]);
}
