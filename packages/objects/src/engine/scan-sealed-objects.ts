import type { ListEntry } from '@securestore/backend-api';
import { AREAS, purposeOf } from '@securestore/core-format';
import type { ErrorCode } from '@securestore/core-format';
import type { Engine } from './engine.ts';
import { mapConcurrently } from '../util/map-concurrently.ts';
import { entriesUnder } from '../util/listing.ts';
import { lookAtSystemObject } from './sealed-objects.ts';

const READS = 16;

/** Where what the store keeps for itself lies, sealed under the journal key. */
export const OWN_AREAS: readonly string[] = [AREAS.journal, AREAS.work, AREAS.markers, AREAS.checkpoints];

/** Something that could not be read or brought under new keys, by its name at the backend. */
export interface FailedObject {
  readonly name: string;
  readonly code: ErrorCode;
}

/** Something that lies in one of these areas. */
export interface OwnObject {
  readonly name: string;
  readonly size: number;
  /** The version of the journal key that it opens under; `undefined` where nobody who has the keys has written it. */
  readonly keyId: string | undefined;
  /** The code that says so. */
  readonly code: ErrorCode | undefined;
  /** Absent where no store makes such a name, so that nobody writes there. */
  readonly etag: string | undefined;
}

export interface OwnObjectOptions {
  readonly signal?: AbortSignal | undefined;
  /** Which of those that are listed are to be read; by default all. */
  readonly wanted?: ((entry: ListEntry) => boolean) | undefined;
}

async function look(
  engine: Engine,
  { key: name, size }: ListEntry,
  signal: AbortSignal | undefined,
): Promise<OwnObject | undefined> {
  const purpose = purposeOf(name);
  if (purpose === undefined) return { name, size, keyId: undefined, code: 'INTEGRITY', etag: undefined };
  const found = await lookAtSystemObject(engine, purpose, name, signal);
  if (found === undefined) return undefined;
  const { etag } = found;
  if ('error' in found) return { name, size, keyId: undefined, code: found.error.code, etag };
  found.plaintext.fill(0);
  return { name, size, keyId: found.keyId.toString('hex'), code: undefined, etag };
}

/**
 * Opens what lies under a prefix of {@link OWN_AREAS}, one after the other: what a body says of itself counts only once
 * it has been opened, since everybody who can write to the backend reads key ids in every other body.
 *
 * @throws SecureStoreError what the backend throws, and `LOCKED` where the newest keys can't be had
 */
export async function* ownObjects(
  engine: Engine,
  prefix: string,
  { signal, wanted }: OwnObjectOptions = {},
): AsyncGenerator<OwnObject> {
  const entries = entriesUnder(engine.backend, prefix, { signal });
  const read = (entry: ListEntry): Promise<OwnObject | undefined> =>
    wanted?.(entry) === false ? Promise.resolve(undefined) : look(engine, entry, signal);
  for await (const found of mapConcurrently(entries, READS, read)) if (found !== undefined) yield found;
}
