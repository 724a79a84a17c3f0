import type { RecordHeader } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import type { CategoryKeys } from '@securestore/crypto';
import { digestWhole } from '@securestore/crypto';
import type { Instant } from '@securestore/jobs';
import { blobPayload } from '../record/blob-writer.ts';
import type { CategoryMatcher } from '../head/category-matcher.ts';
import { BlobHold, confirmWritten } from '../record/blob-lease.ts';
import type { WrittenBlob } from '../record/blob-writer.ts';
import type { Committed } from './commit/commit-attempt.ts';
import { commit } from './commit/commit.ts';
import type { DraftBody } from './commit/mutation.ts';
import type { Engine } from '../engine/engine.ts';
import type { OpenBody } from '../record/body.ts';
import { LostRace } from './commit/write-conflict.ts';
import type { Condition } from '../api/write-condition.ts';
import { digestUnder } from '../record/payload-digest.ts';
import type { Target } from '../record/open-record.ts';
import { infoFrom, liveIn } from '../record/open-record.ts';
import type { ObjectInfo } from '../api/types.ts';
import { categoryKeys } from '../record/record-keys.ts';

/** What a mutation wrote, as callers see it. */
export function infoAfter<M extends object>(committed: Committed, body: DraftBody): ObjectInfo<M> {
  const { state, header, keys } = committed;
  return infoFrom(state, header, body, keys.primary.label);
}

/** An object's payload as its record holds it. */
type Content = Pick<OpenBody, 'length' | 'digest' | 'payload'> & {
  /** The category with whose keys the digest is made. */
  readonly categoryId: Buffer;
  readonly blob?: RecordHeader['blob'];
  readonly hold?: BlobHold;
};

export function inlineContent({ digest, primary }: CategoryKeys, data: Uint8Array): Content {
  const payload = { kind: 'inline', data } as const;
  return { length: data.length, digest: digestWhole(digest, data), payload, categoryId: primary.groupId };
}

/** @param since when its first part was about to be written @param epoch where the store was then */
export function blobContent(
  engine: Engine,
  token: string,
  blob: WrittenBlob,
  { primary }: CategoryKeys,
  since: Instant,
  epoch: number | undefined,
): Content {
  const { length, digest, chunkSize, reference } = blob;
  const hold = new BlobHold(engine, { token, reference, length, chunkSize }, since, epoch);
  return { length, digest, payload: blobPayload(blob), categoryId: primary.groupId, blob: reference, hold };
}

/** What one `store` call seals beside its payload. */
interface StoreRequest {
  readonly target: Target;
  readonly condition: Condition;
  readonly metadata: Uint8Array;
  readonly expires: number;
  readonly signal: AbortSignal | undefined;
}

/** Stores an object whose payload is sealed, or small enough for its record. */
export async function commitContent<M extends object>(
  engine: Engine,
  request: StoreRequest,
  content: Content,
): Promise<ObjectInfo<M>> {
  const { target, condition, metadata, expires, signal } = request;
  const { blob, hold, categoryId: _, ...sealed } = content;
  let { categoryId, digest } = content;
  let known: CategoryMatcher | undefined;
  // The categories may have been changed since the payload was read.
  const isOfCategory = (): boolean => {
    const { categories } = engine.watcher.state;
    if (categories !== known && !categories.idOf(target.key).equals(categoryId)) return false;
    known = categories;
    return true;
  };
  const intoCategory = async (): Promise<void> => {
    const { state } = engine.watcher;
    const keys = categoryKeys(state, state.categories.idOf(target.key));
    digest = await digestUnder(engine, target.token, keys.digest, content, signal);
    categoryId = keys.primary.groupId;
  };
  let body: DraftBody | undefined;
  const committed = await commit(engine, {
    target,
    condition,
    readFirst: condition.type === 'version' || condition.type === 'damaged',
    signal,
    beforeAttempt(doubtful) {
      const confirmed = hold && confirmWritten(hold, doubtful, signal);
      return isOfCategory() ? confirmed : Promise.resolve(confirmed).then(intoCategory);
    },
    stillHolds: hold && (() => hold.holds()),
    draft(current, now) {
      if (!isOfCategory()) throw new LostRace();
      const created = liveIn(current, now)?.body.created ?? now;
      body = { name: target.key, created, modified: now, expires, metadata, ...sealed, digest };
      return { kind: 'object', blob, body };
    },
  });
  if (committed === undefined || body === undefined)
    throw new SecureStoreError('INTERNAL', 'a store that wrote nothing');
  return infoAfter(committed, body);
}
