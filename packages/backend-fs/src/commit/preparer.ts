import { closeSync, openSync, unlinkSync, writeFile, writeFileSync } from 'node:fs';
import { withDescriptors } from '../files/descriptors.ts';
import { etagOf, etagOfDigest } from '../files/etag.ts';
import { syncFile } from '../files/sync-folder.ts';

/** Up to this size a body goes to the page cache faster than to another thread and back. */
const DIRECT_BYTES = 256 * 1024;

function writeAll(descriptor: number, body: Uint8Array): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  writeFile(descriptor, body, (error) => (error === null ? resolve() : reject(error)));
  return promise;
}

/**
 * Makes a new file at `path` that holds `body` durably.
 *
 * @param sha256 - of the body, if the caller knows it
 * @returns the etag of the body
 * @throws errors of `node:fs`; then there is no file.
 */
export async function prepareFile(path: string, body: Uint8Array, sha256?: Uint8Array): Promise<string> {
  const descriptor = await withDescriptors(() => openSync(path, 'wx', 0o600));
  try {
    let writing: Promise<void> | undefined;
    if (body.length <= DIRECT_BYTES) writeFileSync(descriptor, body);
    else writing = writeAll(descriptor, body);
    // Meanwhile another thread writes a large body.
    const etag = sha256 === undefined ? etagOf(body) : etagOfDigest(sha256);
    await writing;
    await syncFile(descriptor);
    return etag;
  } catch (error) {
    discardFile(path);
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

/** Removes a prepared file that was not used; one that can't be removed goes with its folder. */
export function discardFile(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // The error that made it useless is the one to report.
  }
}
