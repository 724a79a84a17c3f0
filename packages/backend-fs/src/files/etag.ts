import { hash } from 'node:crypto';

/** The etag of a body: SHA-256, cut to 128 bits, so that it changes whenever the bytes do and never otherwise. */
export function etagOf(body: Uint8Array): string {
  return hash('sha256', body, 'hex').slice(0, 32);
}
