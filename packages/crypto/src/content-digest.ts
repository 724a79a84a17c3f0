import { createHmac, webcrypto } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { deriveKey } from './derive.ts';

/** The length of a leaf in bytes; a payload up to this is digested whole. */
export const DIGEST_LEAF_BYTES: number = 1024 * 1024;

/** How many leaves may be under way in the thread pool. */
const MAX_PENDING = 4;

/** The keys of a category's content digests. */
export interface DigestKeys {
  readonly whole: KeyObject;
  readonly leaf: KeyObject;
  readonly tree: KeyObject;
}

export function digestKeys(digestKey: KeyObject): DigestKeys {
  return {
    whole: deriveKey(digestKey, 'digest whole'),
    leaf: deriveKey(digestKey, 'digest leaf'),
    tree: deriveKey(digestKey, 'digest tree'),
  };
}

/** The keyed digest of a payload of at most {@link DIGEST_LEAF_BYTES}. */
export function digestWhole(keys: DigestKeys, payload: Uint8Array): Buffer {
  return createHmac('sha256', keys.whole).update(payload).digest();
}

/**
 * The keyed digest of a payload that comes in blocks. Over one block it is a tree of one level, whose leaves are
 * computed in the thread pool, so that sealing goes on meanwhile on its own core.
 */
export class ContentDigester {
  readonly #keys: DigestKeys;
  #leafKey: webcrypto.CryptoKey | undefined;
  #first: Uint8Array | undefined;
  readonly #leaves: Promise<ArrayBuffer>[] = [];

  constructor(keys: DigestKeys) {
    this.#keys = keys;
  }

  #leaf(block: Uint8Array): void {
    this.#leafKey ??= this.#keys.leaf.toCryptoKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
    const leaf = webcrypto.subtle.sign('HMAC', this.#leafKey, block);
    // A failure is reported by `finish`; it must not count as unhandled until then.
    leaf.catch(() => undefined);
    this.#leaves.push(leaf);
  }

  /**
   * Takes the next block: {@link DIGEST_LEAF_BYTES} long, or shorter if it is the last, and never empty after the first.
   * Resolves when there is room for the next; `block` must stay unchanged until the call after it, or `finish`, resolves.
   */
  async add(block: Uint8Array): Promise<void> {
    if (this.#first === undefined && this.#leaves.length === 0) {
      this.#first = block;
      return;
    }
    if (this.#first !== undefined) {
      this.#leaf(this.#first);
      this.#first = undefined;
    }
    this.#leaf(block);
    await this.#leaves.at(-MAX_PENDING);
  }

  async finish(): Promise<Buffer> {
    if (this.#leaves.length === 0) return digestWhole(this.#keys, this.#first ?? new Uint8Array());
    const hmac = createHmac('sha256', this.#keys.tree);
    for (const leaf of await Promise.all(this.#leaves)) hmac.update(new Uint8Array(leaf));
    return hmac.digest();
  }
}
