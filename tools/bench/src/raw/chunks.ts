import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** The chunk size of blobs, in bytes. */
export const CHUNK: number = 65_536;
const TAG = { authTagLength: 16 } as const;

/** AES-256-GCM over `count` chunks, one after the other on this thread; `sink` gets ciphertext and tag. */
export function sealChunks(
  key: KeyObject,
  chunk: Uint8Array,
  count: number,
  sink: (text: Uint8Array, tag: Uint8Array) => void,
): void {
  const nonce = Buffer.alloc(12);
  for (let index = 0; index < count; index += 1) {
    nonce.writeUInt32BE(index, 8);
    const cipher = createCipheriv('aes-256-gcm', key, nonce, TAG);
    const text = cipher.update(chunk);
    cipher.final();
    sink(text, cipher.getAuthTag());
  }
}

/** The reverse, `count` times over the first chunk: the work is the same for each. */
export function openChunks(key: KeyObject, text: Uint8Array, tag: Uint8Array, count: number): void {
  const nonce = Buffer.alloc(12);
  for (let index = 0; index < count; index += 1) {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, TAG);
    decipher.setAuthTag(tag);
    decipher.update(text);
    decipher.final();
  }
}
