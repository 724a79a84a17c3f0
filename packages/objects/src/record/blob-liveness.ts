import { historyPrefix, objectName, SecureStoreError, splitRecord } from '@securestore/core-format';
import type { Engine } from '../engine/engine.ts';
import { openOfToken } from './stable-read.ts';
import { pagesUnder } from '../util/listing.ts';
import { blobIn, openLoose } from './open-record.ts';

/**
 * The blob that a record names, in base32. What is deleted depends on it, so a header counts only once the record has
 * been opened; one whose key is destroyed can't be, and leads to no payload any more.
 *
 * @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION`, and what the backend throws
 */
async function blobNamedBy(
  engine: Engine,
  token: string,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  let { header } = splitRecord(bytes);
  try {
    ({ header } = await openOfToken(engine, openLoose, token, bytes, signal));
  } catch (error) {
    if (!SecureStoreError.is(error, 'KEY_DESTROYED')) throw error;
  }
  return blobIn(header);
}

/** Removes from `blobs` those that the record at `name` names. */
async function strike(
  engine: Engine,
  token: string,
  name: string,
  blobs: Set<string>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const found = await engine.backend.read(name, { signal });
  if (found === undefined) return;
  const blob = await blobNamedBy(engine, token, found.body, signal);
  if (blob !== undefined) blobs.delete(blob);
}

/**
 * Those of `blobs` that no record of the object names.
 *
 * The current record is read before the history is listed: whoever replaces it has copied it there first, so that a
 * blob is seen in one place or the other.
 *
 * @param isGone whether a record of the history does not count, by its name at the backend
 * @throws SecureStoreError `INTEGRITY` where a record can't be opened, so that it isn't known what it names
 */
export async function unnamed(
  engine: Engine,
  token: string,
  blobs: Iterable<string>,
  signal: AbortSignal | undefined,
  isGone?: (name: string) => boolean,
): Promise<Set<string>> {
  const left = new Set(blobs);
  await strike(engine, token, objectName(token), left, signal);
  for await (const names of pagesUnder(engine.backend, historyPrefix(token), signal)) {
    for (const name of names) {
      if (left.size === 0) return left;
      if (isGone?.(name) === true) continue;
      await strike(engine, token, name, left, signal);
    }
  }
  return left;
}
