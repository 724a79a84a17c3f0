import type { KeyObject } from 'node:crypto';
import { createHmac, createSecretKey } from 'node:crypto';

/** A derivation label: every use of a key has its own, ended by a zero byte so that none is the start of another. */
export function label(use: string): Buffer {
  return Buffer.from(`securestore/1 ${use}\0`, 'latin1');
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
