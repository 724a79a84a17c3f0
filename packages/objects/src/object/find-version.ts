import {
  historyName,
  historyPrefix,
  historyVersion,
  objectName,
  parseVersion,
  SecureStoreError,
} from '@securestore/core-format';
import type { RecordHeader } from '@securestore/core-format';
import { withRepair } from '../record/damage-advice.ts';
import { BlobReader } from '../record/blob-reader.ts';
import { underStableKeys } from '../record/stable-read.ts';
import type { Engine } from '../engine/engine.ts';
import { parseTime } from '../api/metadata.ts';
import { withRefreshedKeys } from '../record/stable-read.ts';
import { listPage } from '../util/listing.ts';
import type { LiveRecord, OpenedRecord, Target } from '../record/open-record.ts';
import { infoOf, isLive, isPurged, isVersion, openAt, originOf } from '../record/open-record.ts';
import type { StoreState } from '../head/store-state.ts';
import type { ObjectInfo, RetrieveOptions } from '../api/types.ts';
import { invalid } from '../util/invalid.ts';

/** An object that was found, and the state that it was opened under. */
export interface Found {
  readonly state: StoreState;
  readonly opened: LiveRecord;
  /** Backend name of its record. */
  readonly name: string;
}

/** The version that was being read is gone: it was purged, or replaced and then collected. */
export class GoneMeanwhile extends SecureStoreError {
  constructor() {
    super('NOT_FOUND', 'the object was purged while it was being read');
  }
}

/** What is wrong with a history in which another version than its name says is found. */
export const MISPLACED_VERSION = 'the history is damaged: a version is stored under the name of another';

/** The version in a name of the history under `prefix`. @throws SecureStoreError `INTEGRITY` if no store makes such a name */
export function versionIn(prefix: string, name: string): number {
  const version = historyVersion(prefix, name);
  if (version !== undefined) return version;
  throw new SecureStoreError('INTEGRITY', 'the history is damaged: it holds an invalid name');
}

function notFound(reason: string): never {
  throw new SecureStoreError('NOT_FOUND', reason);
}

/** The refusal of an object, or a version, that has expired. */
export function expired({ body }: Pick<LiveRecord, 'body'>, key: string): SecureStoreError {
  return new SecureStoreError('NOT_FOUND', `the object expired at ${new Date(body.expires).toISOString()}`, {
    advice: [{ id: 'list-versions', key }],
  });
}

/** The record at `name`, opened; `undefined` if there is none. */
export async function openRecordAt(
  engine: Engine,
  target: Target,
  name: string,
  signal?: AbortSignal,
): Promise<OpenedRecord | undefined> {
  const found = await engine.backend.read(name, { signal });
  if (found === undefined) return undefined;
  const open = (state: StoreState): OpenedRecord => {
    try {
      return openAt(state, target, found.body);
    } catch (error) {
      throw withRepair(error);
    }
  };
  return withRefreshedKeys(engine, found.body, open, signal);
}

/** A history record must be the version that its name says. */
async function openHistory(
  engine: Engine,
  target: Target,
  version: number,
  signal?: AbortSignal,
): Promise<OpenedRecord | undefined> {
  const opened = await openRecordAt(engine, target, historyName(target.token, version), signal);
  if (opened !== undefined && opened.header.version !== version) {
    throw new SecureStoreError('INTEGRITY', MISPLACED_VERSION);
  }
  return opened;
}

async function findVersion(
  engine: Engine,
  target: Target,
  version: string,
  signal?: AbortSignal,
): Promise<{ opened: OpenedRecord; name: string } | undefined> {
  const wanted = parseVersion(version);
  const name = objectName(target.token);
  const current = await openRecordAt(engine, target, name, signal);
  if (current?.header.version === wanted.number) {
    return isVersion(current.header, wanted) ? { opened: current, name } : undefined;
  }
  if (wanted.number < originOf(current)) return undefined;
  const opened = await openHistory(engine, target, wanted.number, signal);
  if (opened === undefined || !isVersion(opened.header, wanted)) return undefined;
  return { opened, name: historyName(target.token, wanted.number) };
}

const MICROSECONDS = 1000;

/** The newest version not after `at` (milliseconds since 1970). */
async function findAsOf(
  engine: Engine,
  target: Target,
  at: number,
  signal?: AbortSignal,
): Promise<{ opened: OpenedRecord; name: string } | undefined> {
  const newest = Math.min(at * MICROSECONDS + MICROSECONDS - 1, Number.MAX_SAFE_INTEGER - 1);
  const name = objectName(target.token);
  const current = await openRecordAt(engine, target, name, signal);
  if (current !== undefined && current.header.version <= newest) return { opened: current, name };
  // Newer versions sort before older ones: the first entry after the next newer name is the one.
  const prefix = historyPrefix(target.token);
  const after = historyName(target.token, newest + 1);
  const page = await listPage(engine.backend, prefix, { after, limit: 1, signal });
  const [entry] = page.entries;
  if (entry === undefined) return undefined;
  const version = versionIn(prefix, entry.key);
  if (version < originOf(current)) return undefined;
  const opened = await openHistory(engine, target, version, signal);
  return opened && { opened, name: entry.key };
}

async function locate(
  engine: Engine,
  target: Target,
  options: RetrieveOptions | undefined,
  signal?: AbortSignal,
): Promise<{ opened: OpenedRecord; name: string } | undefined> {
  if (options?.version !== undefined) return findVersion(engine, target, options.version, signal);
  if (options?.at !== undefined) return findAsOf(engine, target, parseTime('at', options.at), signal);
  const name = objectName(target.token);
  const opened = await openRecordAt(engine, target, name, signal);
  return opened && { opened, name };
}

/**
 * Finds the version of an object that `options` ask for, and acknowledges it.
 *
 * @throws SecureStoreError `NOT_FOUND` if there is none, it is a deletion, or it has expired
 */
export async function findObject(
  engine: Engine,
  target: Target,
  options: RetrieveOptions | undefined,
  signal?: AbortSignal,
): Promise<Found> {
  if (options?.version !== undefined && options.at !== undefined) {
    invalid('the options "version" and "at" exclude each other', 'at');
  }
  const located = await underStableKeys(engine, () => locate(engine, target, options, signal), signal);
  const { state } = engine.monitor;
  if (located === undefined) {
    if (options?.version !== undefined) return notFound(`version ${options.version} does not exist`);
    if (options?.at !== undefined)
      return notFound(`the object has no version from ${options.at.toISOString()} or before`);
    return notFound('the object does not exist');
  }
  const { opened, name } = located;
  if (opened.kind === 'tombstone') {
    if (options?.version !== undefined) return notFound('the version is a deletion, and has no data');
    if (options?.at !== undefined) return notFound(`the object was already deleted at ${options.at.toISOString()}`);
    if (isPurged(opened.header)) return notFound('the object has been purged');
    throw new SecureStoreError('NOT_FOUND', 'the object has been deleted', {
      advice: [{ id: 'undelete-object', key: target.key }],
    });
  }
  if (!isLive(opened, engine.clock.now())) throw expired(opened, target.key);
  return { state, opened, name };
}

/** Everything about an object but its payload. @throws SecureStoreError as {@link findObject} */
export async function describeObject<M extends object>(
  engine: Engine,
  target: Target,
  options: RetrieveOptions | undefined,
  signal: AbortSignal | undefined,
): Promise<ObjectInfo<M>> {
  const { state, opened } = await findObject(engine, target, options, signal);
  return infoOf<M>(state, opened);
}

/** Whether there is an object. @throws SecureStoreError as {@link findObject}, except `NOT_FOUND` */
export async function hasObject(engine: Engine, target: Target, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    await findObject(engine, target, undefined, signal);
    return true;
  } catch (error) {
    if (SecureStoreError.is(error, 'NOT_FOUND')) return false;
    throw error;
  }
}

/** A version that was found before, as it is now: current or in the history. `undefined` if it is gone. */
export async function retained(
  engine: Engine,
  target: Target,
  { version, commitId }: RecordHeader,
): Promise<LiveRecord | undefined> {
  const current = await openRecordAt(engine, target, objectName(target.token));
  const isIt = (opened: OpenedRecord | undefined): opened is LiveRecord =>
    opened?.kind === 'object' && Buffer.compare(opened.header.commitId, commitId) === 0;
  if (isIt(current)) return current;
  if (version < originOf(current)) return undefined;
  const copy = await openRecordAt(engine, target, historyName(target.token, version));
  return isIt(copy) ? copy : undefined;
}

/** A reader of the object's blob; `undefined` if the payload is in the record. */
export function blobReader(engine: Engine, target: Target, { opened }: Pick<Found, 'opened'>): BlobReader | undefined {
  const { body, header } = opened;
  const { blob: reference } = header;
  if (body.payload.kind === 'inline' || reference === undefined) return undefined;
  return new BlobReader(engine, {
    token: target.token,
    reference,
    payload: body.payload,
    length: body.length,
    onMissing: async () => {
      const now = await retained(engine, target, header);
      if (now === undefined) throw new GoneMeanwhile();
      const resealed = now.header.blob !== undefined && Buffer.compare(now.header.blob.blobId, reference.blobId) !== 0;
      return resealed ? blobReader(engine, target, { opened: now }) : undefined;
    },
  });
}
