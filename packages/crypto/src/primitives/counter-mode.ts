import type { Cipheriv, KeyObject } from 'node:crypto';
import { createCipheriv } from 'node:crypto';

const BLOCK = 16;

/** A message and the counter block that it begins with, which no other message of the key has. */
export interface CounterMessage {
  /** 16 bytes */
  readonly counter: Uint8Array;
  readonly data: Uint8Array;
}

function blocksOf({ data }: CounterMessage): number {
  return Math.ceil(data.length / BLOCK);
}

/** Writes the counter blocks of `message` at `start`. All 128 bits count, big-endian. @returns their end */
function putCounters({ counter, data }: CounterMessage, into: Buffer, start: number): number {
  const end = start + Math.ceil(data.length / BLOCK) * BLOCK;
  if (end > start) into.set(counter, start);
  for (let at = start + BLOCK; at < end; at += BLOCK) {
    into.copyWithin(at, at - BLOCK, at);
    let digit = at + BLOCK - 1;
    while (digit >= at && (into[digit] = ((into[digit] as number) + 1) & 0xff) === 0) digit -= 1;
  }
  return end;
}

/**
 * AES-256-CTR (NIST SP 800-38A, section 6.5) of many short messages under one key. The keystream is the counter blocks,
 * encrypted by AES. One cipher object encrypts those of all messages: an object for each message would take most of the time.
 */
export class CounterMode {
  readonly #aes: Cipheriv;

  constructor(key: KeyObject) {
    // Never ended: without padding, each whole block comes out at once, and nothing is kept between two calls.
    this.#aes = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
  }

  /** Encrypts or decrypts the data of `messages` in place. */
  apply(messages: readonly CounterMessage[]): void {
    const counters = Buffer.allocUnsafe(messages.reduce((sum, message) => sum + blocksOf(message), 0) * BLOCK);
    let end = 0;
    for (const message of messages) end = putCounters(message, counters, end);
    const keystream = this.#aes.update(counters);
    let start = 0;
    for (const message of messages) {
      const { data } = message;
      for (let at = 0; at < data.length; at++) data[at] = (data[at] as number) ^ (keystream[start + at] as number);
      start += blocksOf(message) * BLOCK;
    }
    // With the ciphertext, the keystream tells the plaintext.
    keystream.fill(0);
  }
}
