import { hash } from 'node:crypto';

/** The bytes of a digest that are an etag. */
const ETAG_BYTES = 16;

/** The etag of a body: SHA-256, cut to 128 bits, so that it changes whenever the bytes do and never otherwise. */
export function etagOf(body: Uint8Array): string {
  return hash('sha256', body, 'hex').slice(0, 2 * ETAG_BYTES);
}

/** The etag of the body with this SHA-256. */
export function etagOfDigest(sha256: Uint8Array): string {
  return Buffer.from(sha256.buffer, sha256.byteOffset, ETAG_BYTES).toString('hex');
}
