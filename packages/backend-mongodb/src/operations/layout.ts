import { type BackendLogger, type CallSite, layoutError } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { Document } from 'mongodb';
import { type Commands, LAYOUT, LAYOUT_ID } from './commands.ts';
import type { Connection } from '../connection/connection.ts';
import { isDuplicate } from '../connection/errors.ts';
import { FORM } from '../connection/location.ts';

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
    `mongodb: the collection ${collection} ${reason}. Nothing was changed.`,
    { ...site, option: 'collection', advice: [{ id: 'give-store-url', form: FORM }] },
  );
}

/**
 * Whether the collection exists, and belongs to a store. Reads only.
 *
 * @throws SecureStoreError `FORMAT_VERSION` for a collection of another program, or a newer layout
 */
export async function isPrepared({ connection, commands, collection }: Place, site: CallSite): Promise<boolean> {
  const answer = await connection.run({ site, command: commands.first(), mutates: false, signal: undefined });
  const [first] = firstBatch(answer);
  if (first === undefined) return false;
  const layout: unknown = first['layout'];
  if (first['_id'] !== LAYOUT_ID || typeof layout !== 'number') {
    throw foreign(collection, 'does not belong to a store', site);
  }
  if (layout === LAYOUT) return true;
  throw layoutError(site, layout, LAYOUT, '@securestore/backend-mongodb');
}

/** Makes the collection and its index; several processes may do so at once. The mark of the layout comes last: with it all is done. */
export async function prepare(place: Place, site: CallSite): Promise<void> {
  const { connection, commands, collection } = place;
  const run = async (command: Document): Promise<Document> =>
    connection.run({ site, command, mutates: false, signal: undefined });
  const [found] = firstBatch(await run(commands.describe()));
  if (found !== undefined) {
    if (found['type'] !== 'collection') throw foreign(collection, `is a ${String(found['type'])}`, site);
    const { capped, collation } = (found['options'] ?? {}) as Document;
    if (capped === true) throw foreign(collection, 'is capped, and would lose data', site);
    const simple = collation === undefined || collation.locale === 'simple';
    if (!simple) throw foreign(collection, 'compares by a language, not by bytes', site);
    // Another process may have begun to use it meanwhile.
    if (await isPrepared(place, site)) return;
  }
  await run(commands.createIndex());
  await run(commands.markLayout()).catch((error: unknown) => {
    // Another process did so at the same time.
    if (!isDuplicate(error)) throw error;
  });
}

/** Warns if the time of the store depends on one clock. */
export function warnOfClock({ connection }: Place, logger: BackendLogger): void {
  if (connection.floor.time > 0) return;
  logger.warn(
    { backend: 'mongodb' },
    'the server belongs to no replica set, so the time of the store goes back if the clock of the server is set back',
  );
}
