import type { BatchOperation, ListEntry } from '@securestore/backend-api';
import { SecureStoreError, splitRecord } from '@securestore/core-format';
import type { KeySet } from '@securestore/crypto';
import { rewrapRecord } from '@securestore/crypto';
import { isUndecided } from '@securestore/jobs';
import type { Engine } from '../../engine/engine.ts';
import { announceRewrite } from '../../journal/announce.ts';
import { mapConcurrently } from '../../util/map-concurrently.ts';
import { withRefreshedKeys } from '../../record/stable-read.ts';
import type { FailedObject } from '../../engine/scan-sealed-objects.ts';
import { entriesUnder } from '../../util/listing.ts';
import { isRetired } from '../../record/open-record.ts';
import { copyOfCurrent } from './current-copy.ts';
import { RECORD_AREAS } from './key-usage.ts';

const READS = 16;
/** Bounds of one batch: records are small, and other writers wait while it is committed. */
const BATCH_WRITES = 128;
const BATCH_BYTES: number = 2 * 1024 * 1024;
const MAX_TRIES = 10;
/** How many failed objects are named at most. */
const MAX_LISTED = 1000;

/** What a pass over all records did. */
export interface RekeyCounts {
  /** Records looked at. */
  examined: number;
  /** Records brought under the primary key version. */
  rotated: number;
  /** How many could not be, and the first of them. */
  failed: number;
  readonly failures: FailedObject[];
}

export interface RekeyOptions {
  readonly counts: RekeyCounts;
  /** The backend name after which to resume. */
  readonly after?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called when everything up to `cursor` is done. */
  readonly onDone: (cursor: string, examined: number) => Promise<void> | void;
}

type Rewrite = Extract<BatchOperation, { type: 'write' }>;

/** @throws SecureStoreError `INTEGRITY` for what a reader would refuse, so that no rotation makes it valid again */
function rewrapped(keys: KeySet, bytes: Uint8Array): Buffer | undefined {
  const { header, envelope } = splitRecord(bytes);
  if (keys.isDestroyed(header.categoryId)) return undefined;
  const { primary } = keys.category(header.categoryId);
  if (primary.id.equals(envelope.keyId)) return undefined;
  const under = keys.version(envelope.keyId, header.categoryId);
  if (under.state === 'disabled') {
    throw new SecureStoreError('INTEGRITY', 'the record is encrypted with a retired encryption key');
  }
  return rewrapRecord(bytes, under, primary);
}

/** The record at `name` under the primary key version; `undefined` if it is so already, or gone. */
async function rewriteOf(engine: Engine, name: string, signal: AbortSignal | undefined): Promise<Rewrite | undefined> {
  const found = await engine.backend.read(name, { signal });
  if (found === undefined) return undefined;
  const copy = isRetired(engine.monitor.state, found.body)
    ? await copyOfCurrent(engine, name, found.body, signal)
    : undefined;
  const body = copy ?? (await withRefreshedKeys(engine, found.body, ({ keys }) => rewrapped(keys, found.body), signal));
  return body && { type: 'write', key: name, body, ifMatch: found.etag ?? '' };
}

function announce(engine: Engine, { key, body }: Rewrite, signal: AbortSignal | undefined): Promise<void> {
  return announceRewrite(engine, key, splitRecord(body).header.commitId, signal);
}

/** Counts what went wrong with one object. @throws what concerns all of them */
export function note(counts: RekeyCounts, name: string, error: unknown): void {
  if (!SecureStoreError.is(error)) throw error;
  // What affects everything is no trait of one object.
  if (error.retryable || error.code === 'ABORTED' || error.code === 'LOCKED') throw error;
  counts.failed += 1;
  if (counts.failures.length < MAX_LISTED) counts.failures.push({ name, code: error.code });
}

/** Re-wraps one record, against other processes that change it meanwhile. @returns whether it was this call that did */
async function rewrapOne(engine: Engine, name: string, signal: AbortSignal | undefined): Promise<boolean> {
  for (let tries = 1; ; tries++) {
    const rewrite = await rewriteOf(engine, name, signal);
    if (rewrite === undefined) return tries > 1;
    // It may be another version than the one that was announced.
    await announce(engine, rewrite, signal);
    try {
      await engine.backend.write(name, rewrite.body, { ifMatch: rewrite.ifMatch ?? '', signal });
      return true;
    } catch (error) {
      if (!isUndecided(error) || tries === MAX_TRIES) throw error;
    }
  }
}

async function writeSingly(engine: Engine, rewrites: readonly Rewrite[], options: RekeyOptions): Promise<void> {
  const { counts, signal } = options;
  const write = async (rewrite: Rewrite): Promise<void> => {
    try {
      try {
        await engine.backend.write(rewrite.key, rewrite.body, { ifMatch: rewrite.ifMatch ?? '', signal });
        counts.rotated += 1;
      } catch (error) {
        if (!isUndecided(error)) throw error;
        if (await rewrapOne(engine, rewrite.key, signal)) counts.rotated += 1;
      }
    } catch (error) {
      note(counts, rewrite.key, error);
    }
  };
  for await (const _ of mapConcurrently(rewrites, READS, write));
}

/** All at once if the backend can; a batch that another process came before is written one by one. */
async function writeTogether(engine: Engine, rewrites: readonly Rewrite[], options: RekeyOptions): Promise<void> {
  const { backend } = engine;
  if (backend.batch === undefined || rewrites.length > backend.capabilities.maxBatch || rewrites.length < 2) {
    await writeSingly(engine, rewrites, options);
    return;
  }
  try {
    await backend.batch(rewrites, { signal: options.signal });
    options.counts.rotated += rewrites.length;
  } catch (error) {
    if (!isUndecided(error)) throw error;
    await writeSingly(engine, rewrites, options);
  }
}

interface Group {
  readonly rewrites: Rewrite[];
  bytes: number;
  /** Records looked at since the last group. */
  examined: number;
  cursor: string | undefined;
}

const emptyGroup = (): Group => ({ rewrites: [], bytes: 0, examined: 0, cursor: undefined });

async function flush(engine: Engine, group: Group, options: RekeyOptions): Promise<void> {
  if (group.rewrites.length > 0) {
    await Promise.all(group.rewrites.map((rewrite) => announce(engine, rewrite, options.signal)));
    await writeTogether(engine, group.rewrites, options);
  }
  if (group.cursor !== undefined) await options.onDone(group.cursor, group.examined);
}

/** What {@link rewrapAll} looks at, in its order. */
export async function* recordsAfter(
  engine: Engine,
  after: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<ListEntry> {
  for (const area of RECORD_AREAS) {
    const inArea = after?.startsWith(area) === true;
    if (
      after !== undefined &&
      !inArea &&
      RECORD_AREAS.findIndex((other) => after.startsWith(other)) > RECORD_AREAS.indexOf(area)
    )
      continue;
    yield* entriesUnder(engine.backend, area, inArea ? { after, signal } : { signal });
  }
}

/**
 * Brings every record under the primary version of its category's key: E is replaced and nothing else. What writers do
 * meanwhile is not disturbed; several passes at once do no harm. Memory is bounded.
 *
 * @throws SecureStoreError what concerns all objects, such as `UNAVAILABLE`; what concerns one is counted
 */
export async function rewrapAll(engine: Engine, options: RekeyOptions): Promise<void> {
  const { counts, signal, after } = options;
  const examine = async ({ key }: ListEntry): Promise<{ key: string; rewrite?: Rewrite | undefined }> => {
    try {
      return { key, rewrite: await rewriteOf(engine, key, signal) };
    } catch (error) {
      note(counts, key, error);
      return { key };
    }
  };
  let group = emptyGroup();
  let flushing: Promise<void> = Promise.resolve();
  // One group is written while the next one is read; the one after waits, so that what is announced is about to be written.
  const flushNext = async (): Promise<void> => {
    await flushing;
    flushing = flush(engine, group, options);
    // It is awaited in its turn; until then a failure must not count as unhandled.
    flushing.catch(() => undefined);
    group = emptyGroup();
  };
  try {
    for await (const { key, rewrite } of mapConcurrently(recordsAfter(engine, after, signal), READS, examine)) {
      signal?.throwIfAborted();
      counts.examined += 1;
      group.examined += 1;
      group.cursor = key;
      if (rewrite !== undefined) {
        group.rewrites.push(rewrite);
        group.bytes += rewrite.body.length;
      }
      if (group.rewrites.length >= BATCH_WRITES || group.bytes >= BATCH_BYTES || group.examined >= BATCH_WRITES * 8)
        await flushNext();
    }
    await flushNext();
  } finally {
    await flushing;
  }
}
