import type { KeyObject } from 'node:crypto';
import { createHmac, createSecretKey } from 'node:crypto';
import { HmacKey } from './hmac.ts';

/** A derivation label: every use of a key has its own, ended by a zero byte so that none is the start of another. */
export function label(use: string): Buffer {
  return Buffer.from(`securestore/1 ${use}\0`, 'latin1');
}

/**
 * `label ‖ u16(length of header) ‖ header ‖ last`: what goes into the derivations of records and blobs, in one piece,
 * since each piece that a hash function is given costs as much as a hundred bytes.
 */
export function headerInput(use: Buffer, header: Uint8Array, last: Uint8Array): Buffer {
  const input = Buffer.allocUnsafe(use.length + 2 + header.length + last.length);
  input.set(use);
  input.writeUInt16BE(header.length, use.length);
  input.set(header, use.length + 2);
  input.set(last, use.length + 2 + header.length);
  return input;
}

const END = Buffer.from([1]);

/** The input of {@link Suite.expand} for a header. */
export function expandInput(use: Buffer, header: Uint8Array): Buffer {
  return headerInput(use, header, END);
}

/** A key object over a copy of `bytes`, which are wiped. */
export function takeKey(bytes: Buffer): KeyObject {
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}

/** `HMAC-SHA-256(key, label ‖ context)`: HKDF-Expand of RFC 5869 for a uniformly random key and one block. */
export function deriveBytes(key: KeyObject, use: string, ...context: Uint8Array[]): Buffer {
  const hmac = createHmac('sha256', key).update(label(use));
  for (const part of context) hmac.update(part);
  return hmac.digest();
}

export function deriveKey(key: KeyObject, use: string, ...context: Uint8Array[]): KeyObject {
  return takeKey(deriveBytes(key, use, ...context));
}

/** {@link deriveKey} for a key that computes many tags. */
export function deriveHmacKey(key: KeyObject, use: string): HmacKey {
  const bytes = deriveBytes(key, use);
  const derived = new HmacKey(bytes);
  bytes.fill(0);
  return derived;
}
