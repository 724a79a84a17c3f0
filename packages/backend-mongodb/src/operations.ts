import { type CallSite, type WriteOptions, type WriteResult, conflictError } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { Document } from 'mongodb';
import { randomBytes } from 'node:crypto';
import { isCollision, isDuplicate } from './errors.ts';
import type { Place } from './layout.ts';

const MAX_COLLISIONS = 20;

/** Never the same twice, also where the database is set back to an earlier state, in which a counter would count again. */
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
    throw new SecureStoreError('INTERNAL', 'mongodb: a write gave no time.', { ...site, outcome: 'unknown' });
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

/** What a write left, or nothing where its condition failed. Where others were in its way, it did nothing, and is tried again. */
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
    // Others deleted it in the same moment: there are servers that then neither replace it nor make it anew.
    if (ifAbsent === true || collisions === MAX_COLLISIONS) throw vanished(site);
  }
}

function vanished(site: CallSite): SecureStoreError {
  const message = `mongodb: ${site.operation} failed: others deleted it in the same moment; it may or may not have taken place, read to find out.`;
  return new SecureStoreError('UNAVAILABLE', message, { ...site, outcome: 'unknown' });
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
