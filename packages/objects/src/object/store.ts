import type { RecordHeader } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import type { CategoryKeys } from '@securestore/crypto';
import { digestWhole } from '@securestore/crypto';
import type { Instant } from '@securestore/jobs';
import { instant } from '@securestore/jobs';
import { continuesHistory } from '../api/continued-history.ts';
import { encodeMetadata, parseTime } from '../api/metadata.ts';
import type { Payload } from '../api/payload-source.ts';
import { payloadOf } from '../api/payload-source.ts';
import type { ObjectInfo, StoreData, StoreOptions } from '../api/types.ts';
import type { Condition } from '../api/write-condition.ts';
import { parseCondition } from '../api/write-condition.ts';
import type { Engine } from '../engine/engine.ts';
import type { CategoryMatcher } from '../head/category-matcher.ts';
import { BlobLease, confirmWritten } from '../record/blob-lease.ts';
import type { WrittenBlob } from '../record/blob-writer.ts';
import { blobPayload, discardBlob, writeBlob } from '../record/blob-writer.ts';
import type { OpenBody } from '../record/body.ts';
import type { Predecessor, Target } from '../record/open-record.ts';
import { liveIn } from '../record/open-record.ts';
import { digestUnder } from '../record/payload-digest.ts';
import { categoryKeys } from '../record/record-keys.ts';
import { underStableKeys } from '../record/stable-read.ts';
import { commitObject } from './commit/commit.ts';
import { loadCurrent } from './commit/load-current.ts';
import { checkCondition, WriteConflict } from './commit/mutation.ts';
import { succession } from './commit/supersede-damaged.ts';
import { invalid } from '../util/invalid.ts';

/**
 * Stores an object: a small payload in its record, a large one in a blob that is written before.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`; errors of sealing, of writing the blob and of the commit
 */
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
  const request = { target, condition, metadata, expires, continues: continuesHistory(options), signal };
  const pending = payloadOf(data, engine.limits.inline, signal);
  const payload: Payload = pending instanceof Promise ? await pending : pending;
  if (payload.kind === 'stream') return storeStream(engine, request, payload);
  try {
    const wait = engine.monitor.reconsider(signal);
    if (wait !== undefined) await wait;
    return await commitContent(engine, request, inlineContent(keysOf(engine, target), payload.data));
  } finally {
    payload.data.fill(0);
  }
}

type Stream = Extract<Payload, { kind: 'stream' }>;

async function storeStream<M extends object>(
  engine: Engine,
  request: StoreRequest,
  payload: Stream,
): Promise<ObjectInfo<M>> {
  const { token } = request.target;
  const { blob, content } = await writeStream(engine, request, payload);
  try {
    return await commitContent(engine, request, content);
  } catch (error) {
    // A commit of unknown outcome may use it.
    if (!(SecureStoreError.is(error) && error.outcome === 'unknown')) await discardBlob(engine, token, blob);
    throw error;
  }
}

async function writeStream(
  engine: Engine,
  { target, condition, signal }: StoreRequest,
  payload: Stream,
): Promise<{ readonly blob: WrittenBlob; readonly content: Content }> {
  try {
    const wait = engine.monitor.reconsider(signal);
    if (wait !== undefined) await wait;
    const keys = keysOf(engine, target);
    engine.monitor.checkWritable();
    const since = instant(engine.clock);
    const epoch = engine.place?.epoch;
    await checkEarly(engine, target, condition, signal);
    const blob = await writeBlob(engine, target.token, keys.primary.suite, keys.digest, payload.source, signal);
    return { blob, content: blobContent(engine, target.token, blob, keys, since, epoch) };
  } finally {
    await payload.close();
  }
}

/** What one `store` call seals beside its payload. */
interface StoreRequest {
  readonly target: Target;
  readonly condition: Condition;
  readonly metadata: Uint8Array;
  readonly expires: number;
  /** Whether the object continues its history if its record was lost. */
  readonly continues: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Stores an object whose payload is sealed, or small enough for its record. */
function commitContent<M extends object>(
  engine: Engine,
  request: StoreRequest,
  content: Content,
): Promise<ObjectInfo<M>> {
  const { target, condition, metadata, expires, continues, signal } = request;
  let isLost = false;
  let follows: Predecessor | undefined;
  const findPredecessor = async (): Promise<void> => {
    follows = await succession(engine, target, undefined, signal);
  };
  const { blob, hold, categoryId: _, ...sealed } = content;
  let { categoryId, digest } = content;
  let known: CategoryMatcher | undefined;
  // The categories may have been changed since the payload was read.
  const isOfCategory = (): boolean => {
    const { categories } = engine.monitor.state;
    if (categories !== known && !categories.idOf(target.key).equals(categoryId)) return false;
    known = categories;
    return true;
  };
  const intoCategory = async (): Promise<void> => {
    const keys = keysOf(engine, target);
    digest = await digestUnder(engine, target.token, keys.digest, content, signal);
    categoryId = keys.primary.groupId;
  };
  return commitObject<M>(engine, {
    target,
    condition,
    readFirst: continues || condition.type === 'version' || condition.type === 'damaged',
    signal,
    beforeAttempt(doubtful) {
      const confirmed = hold && confirmWritten(hold, doubtful, signal);
      const prepared = isOfCategory() ? confirmed : Promise.resolve(confirmed).then(intoCategory);
      return isLost && follows === undefined ? Promise.resolve(prepared).then(findPredecessor) : prepared;
    },
    isStillValid: hold && (() => hold.holds()),
    draft(current, now) {
      // The next attempt looks for the history first.
      isLost = continues && current === undefined;
      if (!isOfCategory() || (isLost && follows === undefined)) throw new WriteConflict();
      const created = liveIn(current, now)?.body.created ?? now;
      const body = { name: target.key, created, modified: now, expires, metadata, ...sealed, digest };
      return { kind: 'object', blob, body, follows };
    },
  });
}

/** When an object is to expire, in milliseconds since 1970; 0 stands for never. @throws SecureStoreError `INVALID_ARGUMENT` */
function parseExpiry({ clock }: Engine, given: Date | undefined): number {
  if (given === undefined) return 0;
  const expires = parseTime('expires', given);
  if (expires > clock.now()) return expires;
  return invalid(`the option "expires" must be in the future, got ${new Date(expires).toISOString()}`, 'expires');
}

/** The keys of an object's category. @throws SecureStoreError `KEY_DESTROYED` */
function keysOf({ monitor: { state } }: Engine, { key }: Target): CategoryKeys {
  return categoryKeys(state, state.categories.idOf(key));
}

/** Checks the condition before a stream is uploaded in vain. @throws SecureStoreError `CONFLICT` */
async function checkEarly(
  engine: Engine,
  target: Target,
  condition: Condition,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (condition.type === 'none') return;
  const current = await underStableKeys(
    engine,
    () => loadCurrent(engine, target, { signal, allowDamaged: condition.type === 'damaged' }),
    signal,
  );
  checkCondition(condition, current, engine.clock.now());
}

/** An object's payload as its record holds it. */
type Content = Pick<OpenBody, 'length' | 'digest' | 'payload'> & {
  /** The category with whose keys the digest is made. */
  readonly categoryId: Buffer;
  readonly blob?: RecordHeader['blob'];
  readonly hold?: BlobLease;
};

function inlineContent({ digest, primary }: CategoryKeys, data: Uint8Array): Content {
  const payload = { kind: 'inline', data } as const;
  return { length: data.length, digest: digestWhole(digest, data), payload, categoryId: primary.groupId };
}

/** @param since when writing its first part began @param epoch of the place where the store was then */
function blobContent(
  engine: Engine,
  token: string,
  blob: WrittenBlob,
  { primary }: CategoryKeys,
  since: Instant,
  epoch: number | undefined,
): Content {
  const { length, digest, chunkSize, reference } = blob;
  const hold = new BlobLease(engine, { token, reference, length, chunkSize }, since, epoch);
  return { length, digest, payload: blobPayload(blob), categoryId: primary.groupId, blob: reference, hold };
}
