import {
  type CallSite,
  type WriteOptions,
  type WriteResult,
  conflictError,
  failedError,
} from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { Document } from 'mongodb';
import { randomBytes } from 'node:crypto';
import { isCollision, isDuplicate } from '../connection/errors.ts';
import type { Place } from './layout.ts';

const MAX_COLLISIONS = 20;

/** Never the same twice, even if the database is set back to an earlier state, in which a counter would repeat itself. */
function newEtag(): string {
  return randomBytes(12).toString('base64url');
}

/** @throws SecureStoreError `CONFLICT` on a failed condition; what {@link Connection.run} throws */
export async function writeBody(
  place: Place,
  site: CallSite & { readonly key: string },
  body: Uint8Array,
  options: WriteOptions,
): Promise<WriteResult> {
  const { connection, commands } = place;
  const { key } = site;
  const { ifAbsent, ifMatch, signal } = options;
  const etag = newEtag();
  const write = { key, body, ifAbsent, ifMatch, etag, floor: connection.floor.time };
  const command = commands.write(write);
  const value = await changed(place, { site, command, options });
  if (value === undefined) throw conflictError(site);
  const modified: unknown = value['modified'];
  if (typeof modified !== 'number') {
    throw new SecureStoreError(
      'INTERNAL',
      'mongodb: the server gave no time for a write. The change may have been made.',
      { ...site, outcome: 'unknown' },
    );
  }
  const { time } = connection.floor;
  if (modified >= time) return { etag, modified };
  // The clock of the server was set back, or one that is behind took over.
  await connection.run({ site, command: commands.raise(key, etag, time), mutates: true, signal });
  return { etag, modified: time };
}

interface Change {
  readonly site: CallSite;
  readonly command: Document;
  readonly options: WriteOptions;
}

/** What a write left, or nothing if its condition failed. A write that collided with another did nothing, and is tried again. */
async function changed(
  { connection }: Place,
  { site, command, options: { ifAbsent, ifMatch, signal } }: Change,
): Promise<Document | undefined> {
  for (let collisions = 1; ; collisions++) {
    let value: Document | undefined;
    try {
      const answer = await connection.run({ site, command, mutates: true, signal });
      value = (answer['value'] as Document | null) ?? undefined;
    } catch (error) {
      if (ifAbsent === true && isDuplicate(error)) return undefined;
      if (collisions === MAX_COLLISIONS || !isCollision(error)) throw error;
      continue;
    }
    if (value !== undefined || ifMatch !== undefined) return value;
    // Another process deleted the key at the same time: some servers then neither replace nor create it.
    if (ifAbsent === true || collisions === MAX_COLLISIONS) throw vanished(site);
  }
}

function vanished(site: CallSite): SecureStoreError {
  const reason = 'another process deleted the key at the same time';
  return failedError(site, { code: 'UNAVAILABLE', reason }, { outcome: 'unknown' });
}

/** @throws SecureStoreError `CONFLICT` on a failed condition; what {@link Connection.run} throws */
export async function deleteBody(
  { connection, commands }: Place,
  site: CallSite & { readonly key: string },
  ifMatch: string | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const command = commands.delete(site.key, ifMatch);
  const answer = await connection.run({ site, command, mutates: true, signal });
  if (ifMatch !== undefined && answer['n'] === 0) throw conflictError(site);
}
