import { createHmac, webcrypto } from 'node:crypto';
import type { Hmac, KeyObject } from 'node:crypto';
import { SecureStoreError } from '@securestore/core-format';
import { deriveHmacKey, deriveKey } from './derive.ts';
import type { HmacKey } from './hmac.ts';

/** The length of a leaf in bytes; a payload up to this is digested whole. */
export const DIGEST_LEAF_BYTES: number = 1024 * 1024;

/** How many leaves may be under way in the thread pool. */
const MAX_PENDING = 4;

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

/**
 * The keyed digest of a payload that comes in blocks. Over one block it is a tree of one level, whose leaves are
 * computed in the thread pool, so that encryption continues meanwhile on its own core.
 */
export class ContentDigester {
  readonly #keys: DigestKeys;
  #leafKey: webcrypto.CryptoKey | undefined;
  #tree: Hmac | undefined;
  #first: Uint8Array | undefined;
  #ended = false;
  readonly #pending: Promise<ArrayBuffer>[] = [];

  constructor(keys: DigestKeys) {
    this.#keys = keys;
  }

  #leaf(block: Uint8Array): void {
    this.#leafKey ??= this.#keys.leaf.toCryptoKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
    const leaf = webcrypto.subtle.sign('HMAC', this.#leafKey, block);
    // A failure is reported when the leaf is awaited; it must not count as unhandled until then.
    leaf.catch(() => undefined);
    this.#pending.push(leaf);
  }

  /** Puts the oldest leaves into the tree until at most `most` are under way. */
  async #drain(tree: Hmac, most: number): Promise<void> {
    while (this.#pending.length > most) {
      const [leaf] = this.#pending;
      if (leaf === undefined) return;
      tree.update(new Uint8Array(await leaf));
      void this.#pending.shift();
    }
  }

  /**
   * Takes the next block: {@link DIGEST_LEAF_BYTES} long, or shorter if it is the last, and never empty after the first.
   * Resolves when there is room for the next; `block` must stay unchanged until the call after it, or `finish`, resolves.
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
      this.#leaf(this.#first);
      this.#first = undefined;
    }
    this.#leaf(block);
    await this.#drain(this.#tree, MAX_PENDING - 1);
  }

  async finish(): Promise<Buffer> {
    if (this.#tree === undefined) return digestWhole(this.#keys, this.#first ?? new Uint8Array());
    await this.#drain(this.#tree, 0);
    return this.#tree.digest();
  }
}
