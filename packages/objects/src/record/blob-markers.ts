import type { WriteOptions } from '@securestore/backend-api';
import { decodeMarker, encodeMarker, markerName, SecureStoreError } from '@securestore/core-format';
import type { MarkerState } from '@securestore/core-format';
import { isUndecided } from '@securestore/jobs';
import type { Engine } from '../engine/engine.ts';
import { isOld } from './backend-age.ts';
import { deleteUnchanged, lookAtSystemObject, sealJournalBody } from '../engine/sealed-objects.ts';
import { tryAgain } from '../util/try-again.ts';
import type { Stored } from '../engine/sealed-objects.ts';

const MAX_TRIES = 10;

/** A marker as it is stored at the backend. */
export interface Marker extends Stored {
  /** `damaged` if it may have been either. */
  readonly state: MarkerState | 'damaged';
}

/** A marker `deleting` that this process wrote: the right to delete the parts, until another process takes it over. */
export interface Mark {
  readonly name: string;
  readonly etag: string;
}

/**
 * A claim that is damaged still counts until it would have lapsed. After that the marker keeps all processes from claiming,
 * as one that says `deleting` does, and is taken over like that.
 *
 * @param passed for a backend that doesn't tell its clock when it is read: a time that it has passed
 * @throws SecureStoreError `INTEGRITY` if it is damaged and young, and what the backend throws
 */
export async function readMarker(
  engine: Engine,
  name: string,
  passed: number,
  signal?: AbortSignal,
): Promise<Marker | undefined> {
  const found = await lookAtSystemObject(engine, 'marker', name, signal);
  if (found === undefined) return undefined;
  const { etag, modified, now } = found;
  if (!('error' in found)) return { state: decodeMarker(found.plaintext), etag, modified, now };
  if (!isOld(engine, modified, now ?? passed)) throw found.error;
  return { state: 'damaged', etag, modified, now };
}

/**
 * Writes a marker instead of `before`. A lost acknowledgement is made good by reading it back: no two sealed
 * markers are the same.
 *
 * @returns its etag; `undefined` if another process was first
 */
async function swap(
  engine: Engine,
  name: string,
  before: { readonly etag: string } | undefined,
  state: MarkerState,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const condition: WriteOptions = before === undefined ? { ifAbsent: true } : { ifMatch: before.etag };
  const bodies: Buffer[] = [];
  for (let tries = 1; ; tries++) {
    // Anew for each try: between two of them a process may sleep for so long that the key of the one before is gone.
    const body = await sealJournalBody(engine, 'marker', name, encodeMarker(state));
    bodies.push(body);
    try {
      return (await engine.backend.write(name, body, { ...condition, signal })).etag;
    } catch (error) {
      if (!isUndecided(error)) throw error;
      const conflict = error.code === 'CONFLICT';
      const found = await engine.backend.read(name, { signal });
      if (found !== undefined && bodies.some((written) => written.equals(found.body))) return found.etag ?? '';
      if (conflict || found?.etag !== before?.etag) return undefined;
      if (tries < MAX_TRIES) continue;
      // The state of no object is in doubt.
      throw SecureStoreError.from(error, { cause: error, outcome: undefined });
    }
  }
}

/**
 * Claims a blob for a record that is about to be committed: its parts are not deleted for a grace period.
 *
 * @returns whether it was claimed; `false` if its parts are being deleted
 * @throws SecureStoreError `UNAVAILABLE` if others claim it again and again, and what the backend throws
 */
export async function claimMarker(
  engine: Engine,
  token: string,
  blobId: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const name = markerName(token, blobId);
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const found = await readMarker(engine, name, 0, signal);
    if (found?.state === 'deleting') return false;
    // It may have said that parts are being deleted. The next collection finds out.
    if (found?.state === 'damaged') {
      throw new SecureStoreError('INTEGRITY', `the garbage collection marker ${name} is damaged`, {
        advice: [{ id: 'collect-garbage' }],
      });
    }
    if ((await swap(engine, name, found, 'claimed', signal)) !== undefined) return true;
  }
  throw tryAgain('UNAVAILABLE', `cannot claim the payload: other processes claimed it ${MAX_TRIES} times`);
}

/**
 * Takes the right to delete the parts of a blob, from the process that had it before, so that their conditional writes fail.
 *
 * @param now milliseconds since 1970 by the backend's clock, for a backend that doesn't tell it when it is read; 0 if
 *   it isn't known, and no claim has lapsed then
 * @returns `undefined` if another process has a claim that has not lapsed, or was faster
 */
export async function markDeleting(
  engine: Engine,
  token: string,
  blobId: Uint8Array,
  now: number,
  signal: AbortSignal | undefined,
): Promise<Mark | undefined> {
  const name = markerName(token, blobId);
  const found = await readMarker(engine, name, now, signal);
  if (found?.state === 'claimed' && !isOld(engine, found.modified, found.now ?? now)) return undefined;
  const etag = await swap(engine, name, found, 'deleting', signal);
  return etag === undefined ? undefined : { name, etag };
}

/** Whether the right to delete has not been taken over, or given back by the process that took it over. */
export async function stands(engine: Engine, { name, etag }: Mark, signal: AbortSignal | undefined): Promise<boolean> {
  return (await engine.backend.read(name, { signal }))?.etag === etag;
}

/**
 * Gives back the right to delete, for a blob that a record names: as a claim, which lapses, since not every backend
 * deletes on a condition.
 */
export async function release(engine: Engine, { name, etag }: Mark, signal: AbortSignal | undefined): Promise<void> {
  await swap(engine, name, { etag }, 'claimed', signal);
}

/** Removes a marker whose blob has no parts any more: whoever claims it later misses them. */
export async function removeMark(engine: Engine, { name, etag }: Mark): Promise<void> {
  await deleteUnchanged(engine, name, etag);
}
