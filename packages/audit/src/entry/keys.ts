import { createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { secretBytes } from '@securestore/core-format';
import { deriveBytes, HmacKey, label } from '@securestore/crypto';

const ENTRY_LABEL = label('audit entry');

/** What the MAC of an entry covers: its place, everything before it, and its bytes. */
function macInput(segment: Uint8Array, sequence: number, previous: Uint8Array, bytes: Uint8Array): Buffer {
  // In one piece, since each piece that a hash function is given costs as much as a hundred bytes.
  const input = Buffer.allocUnsafe(ENTRY_LABEL.length + segment.length + 8 + previous.length + bytes.length);
  input.set(ENTRY_LABEL);
  let at = ENTRY_LABEL.length;
  input.set(segment, at);
  at += segment.length;
  input.writeUInt32BE(Math.floor(sequence / 0x1_0000_0000), at);
  input.writeUInt32BE(sequence % 0x1_0000_0000, at + 4);
  at += 8;
  input.set(previous, at);
  input.set(bytes, at + previous.length);
  return input;
}

/** What the first entry is chained to: it ties the whole header to the first key. */
export function headerMac(key: KeyObject, header: Uint8Array): Buffer {
  return deriveBytes(key, 'audit start', header);
}

/** A key of a segment that can be taken forward to the next batch, and never back. */
export class BatchKey {
  readonly #bytes: Buffer;
  #key: KeyObject;
  /** The same key, prepared for the MACs of many entries. */
  #macs: HmacKey | undefined;

  /** @param bytes copied */
  constructor(bytes: Uint8Array) {
    this.#bytes = secretBytes(bytes.length);
    this.#bytes.set(bytes);
    this.#key = createSecretKey(this.#bytes);
  }

  /** For what is not an entry. It is not to be kept. */
  get key(): KeyObject {
    return this.#key;
  }

  /** HMAC-SHA-256 under the key of the present batch: the MAC of an entry, one character for each byte. */
  entryMac(segment: Uint8Array, sequence: number, previous: Uint8Array, bytes: Uint8Array): string {
    this.#macs ??= new HmacKey(this.#bytes);
    return this.#macs.tag(macInput(segment, sequence, previous, bytes));
  }

  /** K ← HMAC(K, "next"), in place. */
  advance(): void {
    const next = deriveBytes(this.#key, 'audit next');
    this.#bytes.set(next);
    next.fill(0);
    this.#key = createSecretKey(this.#bytes);
    this.#forgetMacs();
  }

  copy(): BatchKey {
    return new BatchKey(this.#bytes);
  }

  wipe(): void {
    this.#bytes.fill(0);
    this.#key = createSecretKey(this.#bytes);
    this.#forgetMacs();
  }

  #forgetMacs(): void {
    this.#macs?.wipe();
    this.#macs = undefined;
  }
}
