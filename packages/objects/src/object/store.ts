import type { RecordHeader } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import type { CategoryKeys } from '@securestore/crypto';
import { instant } from '@securestore/jobs';
import { discardBlob, writeBlob } from '../record/blob-writer.ts';
import type { WrittenBlob } from '../record/blob-writer.ts';
import { commit } from './commit/commit.ts';
import type { DraftBody } from './commit/mutation.ts';
import { checkCondition } from './commit/check-condition.ts';
import { underConfirmedKeys } from '../record/stable-read.ts';
import { readCurrent } from './commit/load-current.ts';
import type { Engine } from '../engine/engine.ts';
import type { Choice } from './history.ts';
import { chooseVersion } from './history.ts';
import { KeptVersion } from './pinned-version.ts';
import { encodeMetadata, parseTime } from '../api/metadata.ts';
import type { Condition } from '../api/write-condition.ts';
import { parseCondition } from '../api/write-condition.ts';
import type { Payload } from '../api/payload-source.ts';
import { payloadOf } from '../api/payload-source.ts';
import type { Current, LiveRecord, Standing, Target } from '../record/open-record.ts';
import { liveIn, originOf, versionOf } from '../record/open-record.ts';
import type { ChangeOptions, ObjectInfo, RestoreVersionOptions, StoreData, StoreOptions } from '../api/types.ts';
import { categoryKeys } from '../record/record-keys.ts';
import { blobContent, commitContent, infoAfter, inlineContent } from './content.ts';

/** Before a stream is uploaded for nothing. @throws SecureStoreError `CONFLICT` */
async function checkEarly(
  engine: Engine,
  target: Target,
  condition: Condition,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (condition.type === 'none') return;
  const current = await underConfirmedKeys(
    engine,
    () => readCurrent(engine, target, { signal, evenDamaged: condition.type === 'damaged' }),
    signal,
  );
  checkCondition(condition, current, engine.clock.now());
}

/** The keys of an object's category. @throws SecureStoreError `KEY_DESTROYED`, and what confirming the head throws */
async function keysFor(engine: Engine, target: Target, signal: AbortSignal | undefined): Promise<CategoryKeys> {
  const reconsidered = engine.watcher.reconsider(signal);
  if (reconsidered !== undefined) await reconsidered;
  const { state } = engine.watcher;
  return categoryKeys(state, state.categories.idOf(target.key));
}

/** When an object is to expire, in milliseconds since 1970; 0 stands for never. @throws SecureStoreError `INVALID_ARGUMENT` */
function parseExpiry({ clock }: Engine, given: Date | undefined): number {
  if (given === undefined) return 0;
  const expires = parseTime('expires', given);
  if (expires > clock.now()) return expires;
  throw new SecureStoreError(
    'INVALID_ARGUMENT',
    `expires, ${new Date(expires).toISOString()}, is in the past: the object would be gone at once; give a time to come, or delete it`,
  );
}

export async function storeObject<M extends object>(
  engine: Engine,
  target: Target,
  data: StoreData,
  options: StoreOptions<M> | undefined,
  signal: AbortSignal | undefined,
): Promise<ObjectInfo<M>> {
  const condition = parseCondition(options);
  const metadata = encodeMetadata(options?.metadata);
  const expires = parseExpiry(engine, options?.expires);
  const request = { target, condition, metadata, expires, signal };
  const pending = payloadOf(data, engine.limits.inline, signal);
  const payload: Payload = pending instanceof Promise ? await pending : pending;
  const keys = await keysFor(engine, target, signal).catch(async (error: unknown) => {
    if (payload.kind === 'inline') payload.data.fill(0);
    else await payload.close();
    throw error;
  });
  if (payload.kind === 'inline') {
    try {
      return await commitContent(engine, request, inlineContent(keys, payload.data));
    } finally {
      payload.data.fill(0);
    }
  }
  let blob: WrittenBlob;
  const since = instant(engine.clock);
  const epoch = engine.place?.epoch;
  try {
    const wait = engine.watcher.reconsider(signal);
    if (wait !== undefined) await wait;
    engine.watcher.checkWritable();
    await checkEarly(engine, target, condition, signal);
    blob = await writeBlob(engine, target.token, keys.primary.suite, keys.digest, payload.source, signal);
  } finally {
    await payload.close();
  }
  try {
    return await commitContent(engine, request, blobContent(engine, target.token, blob, keys, since, epoch));
  } catch (error) {
    // Unless it may be in use after all.
    if (!(SecureStoreError.is(error) && error.outcome === 'unknown')) await discardBlob(engine, target.token, blob);
    throw error;
  }
}

/** A record like `source` with other times; the payload isn't touched. */
function resealed(
  source: LiveRecord,
  changes: Partial<DraftBody>,
  now: number,
): { body: DraftBody; blob: RecordHeader['blob'] } {
  return { body: { ...source.body, ...changes, modified: now }, blob: source.header.blob };
}

/** @throws SecureStoreError why what lies there is refused, if it is */
function checkOpened(current: Current): asserts current is Standing | undefined {
  if (current !== undefined && current.opened === undefined) throw current.reason;
}

export async function setMetadata<M extends object>(
  engine: Engine,
  target: Target,
  metadata: M,
  options: ChangeOptions | undefined,
  signal: AbortSignal | undefined,
): Promise<ObjectInfo<M>> {
  if (metadata === undefined) throw new SecureStoreError('INVALID_ARGUMENT', 'metadata must be an object; {} for none');
  const encoded = encodeMetadata(metadata);
  let body: DraftBody | undefined;
  const committed = await commit(engine, {
    target,
    condition: parseCondition(options),
    readFirst: true,
    signal,
    draft(current, now) {
      checkOpened(current);
      const live = liveIn(current, now);
      if (live === undefined) throw new SecureStoreError('NOT_FOUND', 'no such object');
      const next = resealed(live, { metadata: encoded }, now);
      body = next.body;
      return { kind: 'object', blob: next.blob, body };
    },
  });
  if (committed === undefined || body === undefined)
    throw new SecureStoreError('INTERNAL', 'a change that wrote nothing');
  return infoAfter(committed, body);
}

/**
 * As {@link chooseVersion}; but what is not found is so only under a confirmed head: what a process that was idle does not find may be
 * there where the store has moved since.
 */
async function chooseConfirmed(
  engine: Engine,
  target: Target,
  choice: Choice,
  signal: AbortSignal | undefined,
): Promise<LiveRecord> {
  const { watcher } = engine;
  const reconsidered = watcher.reconsider(signal);
  if (reconsidered !== undefined) await reconsidered;
  while (true) {
    const { keys } = watcher.state;
    try {
      return await chooseVersion(engine, target, choice, signal);
    } catch (error) {
      if (!SecureStoreError.is(error, 'NOT_FOUND')) throw error;
      const wait = watcher.acknowledge(signal);
      if (wait !== undefined) await wait;
      if (watcher.state.keys === keys) throw error;
    }
  }
}

/** Makes a retained version current again. */
export async function bringBack<M extends object>(
  engine: Engine,
  target: Target,
  choice: Choice,
  options: RestoreVersionOptions | undefined,
  signal: AbortSignal | undefined,
): Promise<ObjectInfo<M>> {
  const condition = parseCondition(options);
  const kept = new KeptVersion(engine, target, await chooseConfirmed(engine, target, choice, signal));
  let body: DraftBody | undefined;
  const committed = await commit(engine, {
    target,
    condition,
    readFirst: true,
    signal,
    beforeAttempt: () => kept.confirm(signal),
    stillHolds: () => kept.holds(),
    draft(current, now) {
      checkOpened(current);
      const live = liveIn(current, now);
      if (live !== undefined && 'beforeDeletion' in choice) {
        throw new SecureStoreError('CONFLICT', 'the object is not deleted', { currentVersion: versionOf(live.header) });
      }
      if (originOf(current?.opened) > kept.record.header.version) {
        throw new SecureStoreError('NOT_FOUND', 'it was purged in the meantime');
      }
      const next = resealed(kept.record, {}, now);
      body = next.body;
      return { kind: 'object', blob: next.blob, body };
    },
  });
  if (committed === undefined || body === undefined)
    throw new SecureStoreError('INTERNAL', 'a restore that wrote nothing');
  return infoAfter(committed, body);
}

/** @returns whether the object was there */
export async function deleteObject(
  engine: Engine,
  target: Target,
  options: ChangeOptions | undefined,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  let existed = false;
  await commit(engine, {
    target,
    condition: parseCondition(options),
    readFirst: true,
    signal,
    draft(current, now) {
      existed = liveIn(current, now) !== undefined;
      if (current === undefined || current.opened?.kind === 'tombstone') return undefined;
      return { kind: 'tombstone', modified: now };
    },
  });
  return existed;
}
