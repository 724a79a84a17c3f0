import type { ReadOptions, ReadResult, StorageBackend } from '@securestore/backend-api';
import { asBuffer, SecureStoreError, sha256 } from '@securestore/core-format';
import type { RecentCache } from '@securestore/crypto';
import { damagedFile, isRefused, MissingFile } from './errors.ts';

const MAX_TRIES = 5;

/**
 * Writes a file that never changes. A file that exists already is the same, since names are digests or belong to one run.
 *
 * @param known the SHA-256 of the body, if the caller has taken it
 * @returns whether it existed before
 * @throws SecureStoreError what the backend throws
 */
export async function writeOnce(
  backend: StorageBackend,
  name: string,
  body: Uint8Array,
  signal: AbortSignal | undefined,
  known?: Uint8Array,
): Promise<boolean> {
  for (let tries = 1; ; tries++) {
    try {
      await backend.write(name, body, { ifAbsent: true, sha256: known, signal });
      return false;
    } catch (error) {
      if (!SecureStoreError.is(error)) throw error;
      if (error.code === 'CONFLICT') return true;
      // Some backends refuse to replace a file before they check the condition.
      if (isRefused(error) && (await backend.read(name, { start: 0, end: 1, signal })) !== undefined) return true;
      if (error.outcome !== 'unknown' || tries === MAX_TRIES) throw error;
    }
  }
}

/** @throws SecureStoreError `INTEGRITY` if it is missing, and what the backend throws */
export async function readWhole(
  backend: StorageBackend,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  return (await mustRead(backend, name, { etag: false, signal })).body;
}

/** The same for what is to be replaced. */
export async function readToReplace(
  backend: StorageBackend,
  name: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly body: Uint8Array; readonly etag: string }> {
  const { body, etag = '' } = await mustRead(backend, name, { signal });
  return { body, etag };
}

async function mustRead(backend: StorageBackend, name: string, options: ReadOptions): Promise<ReadResult> {
  const found = await backend.read(name, options);
  if (found === undefined) throw new MissingFile(name);
  return found;
}

/** Reads a file once for all callers, and keeps it in the cache. A failed read is tried again by the next caller. */
export function readOnce<T>(cache: RecentCache<string, Promise<T>>, name: string, read: () => Promise<T>): Promise<T> {
  const known = cache.get(name);
  if (known !== undefined) return known;
  const reading = read();
  cache.set(name, reading);
  reading.catch(() => cache.delete(name));
  return reading;
}

/** Checks a file whose name is its digest. @throws SecureStoreError `INTEGRITY` */
export function checkDigest(name: string, body: Uint8Array, digest: Uint8Array): void {
  if (!sha256(body).equals(asBuffer(digest))) throw damagedFile(name, 'its name is not the digest of its contents');
}
