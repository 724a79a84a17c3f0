import { type ReadOptions, type ReadResult, resolveRange } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { closeSync, constants, fstatSync, openSync, read, readSync } from 'node:fs';
import { withDescriptors } from '../files/descriptors.ts';
import { etagOf } from '../files/etag.ts';
import { timeOf } from '../files/store-clock.ts';

/** Neither follows a link that someone put in the store, nor waits for the other end of a pipe. */
const FLAGS: number = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Up to this size bytes come from the page cache faster than from another thread (measured: 15 times). */
const DIRECT_BYTES = 64 * 1024;

/** @returns how many bytes were read */
function readSoon(descriptor: number, into: Uint8Array, at: number, length: number, position: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  read(descriptor, into, at, length, position, (error, count) => (error === null ? resolve(count) : reject(error)));
  return promise;
}

async function readRange(descriptor: number, start: number, end: number, path: string): Promise<Uint8Array> {
  // Not cleared first: every byte of it is read, or the read fails.
  const body = new Uint8Array(Buffer.allocUnsafeSlow(end - start).buffer);
  for (let at = 0; at < body.length;) {
    const rest = body.length - at;
    const count =
      body.length <= DIRECT_BYTES
        ? readSync(descriptor, body, at, rest, start + at)
        : await readSoon(descriptor, body, at, rest, start + at);
    // Files are replaced and never shortened by us.
    if (count === 0) {
      const advice = [{ id: 'repair-object' }] as const;
      throw new SecureStoreError('INTEGRITY', `${path} was cut short by another program`, { advice });
    }
    at += count;
  }
  return body;
}

/**
 * @param checkSize is called before anything is read
 * @throws errors of `node:fs`, `ENOENT` if there is no such file; SecureStoreError `INTEGRITY` if it is no file.
 */
export async function readFileAt(
  path: string,
  options: ReadOptions,
  checkSize: (size: number) => void,
): Promise<ReadResult> {
  const descriptor = await withDescriptors(() => openSync(path, FLAGS));
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) throw new SecureStoreError('INTEGRITY', `${path} must be a regular file`);
    checkSize(stats.size);
    const { start, end, whole } = resolveRange(stats.size, options);
    const body = await readRange(descriptor, start, end, path);
    const result = { body, size: stats.size, modified: timeOf(stats) };
    return whole && options.etag !== false ? { ...result, etag: etagOf(body) } : result;
  } finally {
    closeSync(descriptor);
  }
}
