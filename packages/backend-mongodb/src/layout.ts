import type { BackendLogger, CallSite } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { Document } from 'mongodb';
import { type Commands, LAYOUT, LAYOUT_ID } from './commands.ts';
import type { Connection } from './connection.ts';
import { isDuplicate } from './errors.ts';

/** A collection on its servers. */
export interface Place {
  readonly connection: Connection;
  readonly commands: Commands;
  readonly collection: string;
}

/** The documents that an answer begins with. */
export function firstBatch(answer: Document): Document[] {
  return answer['cursor'].firstBatch as Document[];
}

function foreign(collection: string, reason: string, site: CallSite): SecureStoreError {
  return new SecureStoreError(
    'FORMAT_VERSION',
    `mongodb: the collection ${collection} ${reason}; choose another with ?collection=, nothing was changed`,
    site,
  );
}

/**
 * Whether the collection is there, and is one of a store. Reads only.
 *
 * @throws SecureStoreError `FORMAT_VERSION` for a collection of others, or a newer layout
 */
export async function isPrepared({ connection, commands, collection }: Place, site: CallSite): Promise<boolean> {
  const answer = await connection.run({ site, command: commands.first(), mutates: false, signal: undefined });
  const [first] = firstBatch(answer);
  if (first === undefined) return false;
  const layout: unknown = first['layout'];
  if (first['_id'] !== LAYOUT_ID || typeof layout !== 'number') {
    throw foreign(collection, 'is not one of a securestore', site);
  }
  if (layout === LAYOUT) return true;
  throw new SecureStoreError(
    'FORMAT_VERSION',
    `mongodb: the store has layout ${layout}, and this version of @securestore/backend-mongodb reads layout ` +
      `${LAYOUT}; update the package`,
    site,
  );
}

/** Makes the collection and its index; several may do so at once. What is last says that all before it is done. */
export async function prepare(place: Place, site: CallSite): Promise<void> {
  const { connection, commands, collection } = place;
  const run = async (command: Document): Promise<Document> =>
    connection.run({ site, command, mutates: false, signal: undefined });
  const [found] = firstBatch(await run(commands.describe()));
  if (found !== undefined) {
    if (found['type'] !== 'collection') throw foreign(collection, `is a ${String(found['type'])}`, site);
    const { capped, collation } = (found['options'] ?? {}) as Document;
    if (capped === true) throw foreign(collection, 'is capped, so that it forgets', site);
    const simple = collation === undefined || collation.locale === 'simple';
    if (!simple) throw foreign(collection, 'compares by a language, and not by bytes', site);
    // Somebody else may have begun to use it since it was looked at.
    if (await isPrepared(place, site)) return;
  }
  await run(commands.createIndex());
  await run(commands.markLayout()).catch((error: unknown) => {
    // Somebody else did so in the same moment.
    if (!isDuplicate(error)) throw error;
  });
}

/** Warns where the time of the store rests on one clock. */
export function warnOfClock({ connection }: Place, logger: BackendLogger): void {
  if (connection.floor.time > 0) return;
  logger.warn(
    { backend: 'mongodb' },
    'the server belongs to no replica set, so nothing holds the time of the store where its clock is set back; ' +
      'make it a replica set, if only of one',
  );
}
