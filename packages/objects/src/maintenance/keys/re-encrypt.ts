import type { ListEntry } from '@securestore/backend-api';
import type { RecordHeader } from '@securestore/core-format';
import {
  AREAS,
  encodeBase32,
  encodeTombstoneBody,
  historyPrefix,
  historyVersion,
  objectName,
  SecureStoreError,
  splitRecord,
} from '@securestore/core-format';
import { sealRecord } from '@securestore/crypto';
import { instant, isUndecided } from '@securestore/jobs';
import { BlobReader } from '../../record/blob-reader.ts';
import type { WrittenBlob } from '../../record/blob-writer.ts';
import { blobPayload, discardBlob, writeBlob } from '../../record/blob-writer.ts';
import { BlobLease, confirmWritten } from '../../record/blob-lease.ts';
import { unnamed } from '../../record/blob-liveness.ts';
import { reclaim } from '../../record/sweep-blobs.ts';
import type { Engine } from '../../engine/engine.ts';
import { announceRewrite } from '../../journal/announce.ts';
import { openOfToken } from '../../record/stable-read.ts';
import { entriesUnder } from '../../util/listing.ts';
import { encodeOpenBody } from '../../record/body.ts';
import type { LiveRecord, OpenedRecord } from '../../record/open-record.ts';
import { openLoose } from '../../record/open-record.ts';
import { copyOfCurrent } from './current-copy.ts';
import { historyNames } from '../verify/scan.ts';
import type { RekeyOptions } from './rewrap.ts';
import { note } from './rewrap.ts';

const MAX_TRIES = 10;

export interface ReEncryptOptions extends RekeyOptions {
  /** Passes over what is stored under a primary key version. */
  readonly onlyOld: boolean;
}

/** A record with everything that is needed to re-encrypt it. */
interface Found {
  readonly name: string;
  readonly etag: string;
  readonly opened: OpenedRecord;
}

interface NewBlob {
  readonly written: WrittenBlob;
  /** Keeps its parts until a record names it. */
  readonly hold: BlobLease;
  /** Whether a record that names it was sent to the backend, where it may land late too. */
  named: boolean;
}

/** The new blobs of one object by the ids of the old ones: versions may share a blob. */
type NewBlobs = Map<string, NewBlob>;

async function readRecord(
  engine: Engine,
  token: string,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Found | undefined> {
  const found = await engine.backend.read(name, { signal });
  // What belongs to a destroyed category can't be re-encrypted, and needn't be.
  if (found === undefined || engine.monitor.state.keys.isDestroyed(splitRecord(found.body).header.categoryId))
    return undefined;
  const opened = await openOfToken(engine, openLoose, token, found.body, signal);
  return { name, etag: found.etag ?? '', opened };
}

async function newBlob(
  engine: Engine,
  token: string,
  opened: LiveRecord,
  blobs: NewBlobs,
  signal: AbortSignal | undefined,
): Promise<NewBlob | undefined> {
  const { header, body } = opened;
  if (header.blob === undefined || body.payload.kind === 'inline') return undefined;
  const oldId = encodeBase32(header.blob.blobId);
  const known = blobs.get(oldId);
  if (known !== undefined) return known;
  const { payload } = body;
  const reader = new BlobReader(engine, { token, reference: header.blob, payload, length: body.length });
  const keys = engine.monitor.state.keys.category(header.categoryId);
  const since = instant(engine.clock);
  const written = await writeBlob(
    engine,
    token,
    keys.primary.suite,
    keys.digest,
    reader.read(0, body.length, signal),
    signal,
  );
  const { reference, length, chunkSize } = written;
  const hold = new BlobLease(engine, { token, reference, length, chunkSize }, since);
  const blob = { written, hold, named: false };
  blobs.set(oldId, blob);
  if (!written.digest.equals(body.digest)) {
    throw new SecureStoreError('INTEGRITY', 'the payload does not match its digest');
  }
  return blob;
}

/** The record under a new data key, and its payload as well. Version, commit and times stay: it is the same version. */
async function reEncrypt(
  engine: Engine,
  token: string,
  { opened }: Found,
  blobs: NewBlobs,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const { primary } = engine.monitor.state.keys.category(opened.header.categoryId);
  if (opened.kind === 'tombstone') {
    return sealRecord(
      primary,
      { ...opened.header, suite: primary.suite },
      encodeTombstoneBody(opened.body),
      engine.random,
    );
  }
  const made = await newBlob(engine, token, opened, blobs, signal);
  if (made !== undefined) await confirmWritten(made.hold, false, signal);
  const blob = made?.written;
  const header: RecordHeader = {
    ...opened.header,
    suite: primary.suite,
    ...(blob === undefined ? {} : { blob: blob.reference }),
  };
  const { payload } = opened.body;
  const body = encodeOpenBody({ ...opened.body, payload: blob === undefined ? payload : blobPayload(blob) });
  try {
    const record = sealRecord(primary, header, body, engine.random);
    if (made !== undefined) made.named = true;
    return record;
  } finally {
    body.fill(0);
  }
}

async function reEncryptAt(
  engine: Engine,
  token: string,
  name: string,
  blobs: NewBlobs,
  { onlyOld, signal }: ReEncryptOptions,
): Promise<boolean> {
  for (let tries = 1; ; tries++) {
    const found = await readRecord(engine, token, name, signal);
    if (found === undefined || (onlyOld && found.opened.key.state === 'primary')) return false;
    await announceRewrite(engine, name, found.opened.header.commitId, signal);
    const record = await reEncrypt(engine, token, found, blobs, signal);
    try {
      await engine.backend.write(name, record, { ifMatch: found.etag, signal });
      return true;
    } catch (error) {
      if (!isUndecided(error) || tries === MAX_TRIES) throw error;
    } finally {
      engine.cache.delete(token);
    }
  }
}

/** The names under which versions of an object are stored: the current one last, so that what it becomes meanwhile is new. */
async function versionNames(engine: Engine, token: string, signal: AbortSignal | undefined): Promise<string[]> {
  return [...(await historyNames(engine, token, signal)), objectName(token)];
}

/** Deletes those of the old blobs that no version names any more. */
async function dropOldBlobs(
  engine: Engine,
  token: string,
  blobs: NewBlobs,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (blobs.size === 0) return;
  const old = await unnamed(engine, token, blobs.keys(), signal);
  await reclaim(engine, token, old, { now: 0, freed: { blobs: 0, parts: 0, bytes: 0 }, signal });
}

/** Puts a copy of the current version in the place of one that may be left from before it was re-encrypted. */
async function renewArchived(
  engine: Engine,
  token: string,
  name: string,
  blobs: NewBlobs,
  options: ReEncryptOptions,
): Promise<boolean> {
  const { signal } = options;
  for (let tries = 1; ; tries++) {
    const found = await engine.backend.read(name, { signal });
    if (found === undefined) return false;
    const copy = await copyOfCurrent(engine, name, found.body, signal);
    // It is a past version by now.
    if (copy === undefined) return reEncryptAt(engine, token, name, blobs, options);
    if (Buffer.compare(copy, found.body) === 0) return false;
    await announceRewrite(engine, name, splitRecord(copy).header.commitId, signal);
    try {
      await engine.backend.write(name, copy, { ifMatch: found.etag ?? '', signal });
      return true;
    } catch (error) {
      if (!isUndecided(error) || tries === MAX_TRIES) throw error;
    }
  }
}

/** Whether a name of the history holds no version from before the current one. */
async function notPast(
  engine: Engine,
  token: string,
  signal: AbortSignal | undefined,
): Promise<(name: string) => boolean> {
  const found = await engine.backend.read(objectName(token), { signal });
  const current = found === undefined ? Number.POSITIVE_INFINITY : splitRecord(found.body).header.version;
  const prefix = historyPrefix(token);
  return (name) => (historyVersion(prefix, name) ?? 0) >= current;
}

/** All versions that have not been yet; then what is left of copies of the current one. */
async function reEncryptVersions(
  engine: Engine,
  token: string,
  blobs: NewBlobs,
  options: ReEncryptOptions,
): Promise<void> {
  const { counts, signal } = options;
  const done = new Set<string>();
  const copies: string[] = [];
  // Versions that go to the history meanwhile are found by looking again.
  for (let left = await versionNames(engine, token, signal); left.length > 0;) {
    const isCopy = await notPast(engine, token, signal);
    for (const name of left) {
      counts.examined += 1;
      if (isCopy(name)) copies.push(name);
      else if (await reEncryptAt(engine, token, name, blobs, options)) counts.rotated += 1;
      done.add(name);
    }
    left = (await versionNames(engine, token, signal)).filter((name) => !done.has(name));
  }
  for (const name of copies) if (await renewArchived(engine, token, name, blobs, options)) counts.rotated += 1;
}

async function reEncryptObject(engine: Engine, token: string, options: ReEncryptOptions): Promise<void> {
  const { signal } = options;
  const blobs: NewBlobs = new Map();
  try {
    await reEncryptVersions(engine, token, blobs, options);
    await dropOldBlobs(engine, token, blobs, signal);
  } catch (error) {
    for (const { written, named } of blobs.values()) if (!named) await discardBlob(engine, token, written);
    throw error;
  }
}

/** What {@link reEncryptAll} looks at, in its order. */
export function objectsAfter(
  engine: Engine,
  after: string | undefined,
  signal: AbortSignal | undefined,
): AsyncIterable<ListEntry> {
  return entriesUnder(engine.backend, AREAS.objects, { after, signal });
}

/**
 * Seals every record, with its history and its payloads, under new data keys. Versions, commits and times stay.
 *
 * @throws SecureStoreError what concerns all objects; what concerns one is counted
 */
export async function reEncryptAll(engine: Engine, options: ReEncryptOptions): Promise<void> {
  const { counts, signal, after } = options;
  for await (const { key } of objectsAfter(engine, after, signal)) {
    signal?.throwIfAborted();
    try {
      await reEncryptObject(engine, key.slice(AREAS.objects.length), options);
    } catch (error) {
      note(counts, key, error);
    }
    await options.onDone(key, 1);
  }
}
