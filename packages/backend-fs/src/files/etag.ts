import { hash, webcrypto } from 'node:crypto';

/** From this size on a digest is taken in the thread pool, in bytes: below, handing it over takes longer. */
const LARGE = 256 * 1024;

/** The etag of a body: SHA-256, cut to 128 bits, so that it changes whenever the bytes do and never otherwise. */
export function etagOf(body: Uint8Array): string {
  return hash('sha256', body, 'hex').slice(0, 32);
}

/** The same; that of a large body while others go on. */
export function etagSoon(body: Uint8Array): string | Promise<string> {
  if (body.length < LARGE || !(body.buffer instanceof ArrayBuffer)) return etagOf(body);
  const digest = webcrypto.subtle.digest('SHA-256', body);
  return digest.then((bytes) => Buffer.from(bytes).toString('hex').slice(0, 32));
}
