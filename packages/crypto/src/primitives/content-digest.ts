import { createHmac } from 'node:crypto';
import type { Hmac, KeyObject } from 'node:crypto';
import { SecureStoreError } from '@securestore/core-format';
import { deriveHmacKey, deriveKey } from './derive.ts';
import { hmacBlock, isShared, prepareHashThread } from './hash-thread.ts';
import type { HmacKey } from './hmac.ts';

/** The length of a leaf in bytes; a payload up to this is digested whole. */
export const DIGEST_LEAF_BYTES: number = 1024 * 1024;

/** How many blocks of a payload are in memory at once, and used in turn. */
export const DIGEST_BLOCKS = 4;

/** From which block on a payload is worth a thread that hashes it. */
const LONG = 8;

/** The keys of a category's content digests. */
export interface DigestKeys {
  readonly whole: HmacKey;
  readonly leaf: KeyObject;
  readonly tree: KeyObject;
}

export function digestKeys(digestKey: KeyObject): DigestKeys {
  return {
    whole: deriveHmacKey(digestKey, 'digest whole'),
    leaf: deriveKey(digestKey, 'digest leaf'),
    tree: deriveKey(digestKey, 'digest tree'),
  };
}

/** The keyed digest of a payload of at most {@link DIGEST_LEAF_BYTES}. */
export function digestWhole(keys: DigestKeys, payload: Uint8Array): Buffer {
  return Buffer.from(keys.whole.tag(payload), 'latin1');
}

/** The memory for a block of a payload, by its number from 0: that of an earlier block that is no longer needed, or new. */
export function digestBlock(index: number, earlier: Buffer | undefined): Buffer {
  const isLong = index >= LONG;
  if (index === LONG) prepareHashThread();
  if (earlier !== undefined && (!isLong || isShared(earlier))) return earlier;
  return isLong ? Buffer.from(new SharedArrayBuffer(DIGEST_LEAF_BYTES)) : Buffer.allocUnsafeSlow(DIGEST_LEAF_BYTES);
}

/**
 * The keyed digest of a payload that comes in blocks. Over one block it is a tree of one level, whose leaves another thread
 * hashes if it is free, so that encryption continues meanwhile on its own core.
 */
export class ContentDigester {
  readonly #keys: DigestKeys;
  #tree: Hmac | undefined;
  #first: Uint8Array | undefined;
  #ended = false;
  readonly #leaves: (Promise<Buffer> | Buffer)[] = [];

  constructor(keys: DigestKeys) {
    this.#keys = keys;
  }

  /** Puts the oldest leaves into the tree until at most `most` are under way. */
  async #drain(tree: Hmac, most: number): Promise<void> {
    while (this.#leaves.length > most) {
      const [leaf] = this.#leaves;
      if (leaf === undefined) return;
      tree.update(leaf instanceof Uint8Array ? leaf : await leaf);
      void this.#leaves.shift();
    }
  }

  /**
   * Takes the next block: {@link DIGEST_LEAF_BYTES} long, or shorter if it is the last, and never empty after the first.
   * Resolves when there is room for the next. `block` must stay unchanged until `finish` resolves, or until
   * {@link DIGEST_BLOCKS} - 1 later calls have.
   */
  async add(block: Uint8Array): Promise<void> {
    const isFirst = this.#first === undefined && this.#tree === undefined;
    if (this.#ended || block.length > DIGEST_LEAF_BYTES || (block.length === 0 && !isFirst)) {
      throw new SecureStoreError('INTERNAL', 'the content digest has no block of that length');
    }
    this.#ended = block.length < DIGEST_LEAF_BYTES;
    if (isFirst) {
      this.#first = block;
      return;
    }
    this.#tree ??= createHmac('sha256', this.#keys.tree);
    if (this.#first !== undefined) {
      this.#leaves.push(hmacBlock(this.#keys.leaf, this.#first));
      this.#first = undefined;
    }
    this.#leaves.push(hmacBlock(this.#keys.leaf, block));
    await this.#drain(this.#tree, DIGEST_BLOCKS - 1);
  }

  async finish(): Promise<Buffer> {
    if (this.#tree === undefined) return digestWhole(this.#keys, this.#first ?? new Uint8Array());
    await this.#drain(this.#tree, 0);
    return this.#tree.digest();
  }
}
