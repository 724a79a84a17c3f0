import type { RecordHeader } from '@securestore/core-format';
import { encodeTombstoneBody, objectName, SecureStoreError } from '@securestore/core-format';
import { sealRecord } from '@securestore/crypto';
import type { Instant } from '@securestore/jobs';
import { instant } from '@securestore/jobs';
import type { Prepared } from './commit-fence.ts';
import { checkCondition } from './check-condition.ts';
import type { Doubtful } from './resolve-outcome.ts';
import type { Draft, Mutation } from './mutation.ts';
import type { Engine } from '../../engine/engine.ts';
import { isFresh } from '../../head/freshness-bounds.ts';
import { announceCommit } from '../../journal/announce.ts';
import type { Announced } from '../../engine/journal-writer.ts';
import { checkHeld, LostRace } from './write-conflict.ts';
import { encodeOpenBody } from '../../record/body.ts';
import type { Current } from '../../record/open-record.ts';
import { commitBefore, originAfter } from '../../record/open-record.ts';
import { replace } from './write-version.ts';
import type { StoreState } from '../../head/store-state.ts';
import { categoryKeys } from '../../record/record-keys.ts';

/** What a mutation did. */
export type Committed = Prepared;

function nextHeader(
  state: StoreState,
  mutation: Mutation,
  draft: Draft,
  current: Current,
  now: number,
  { commitId, version = 0 }: Identity,
  suite: number,
): RecordHeader {
  const before = current?.opened === undefined ? current : current.opened.header;
  const header = {
    suite,
    kind: draft.kind,
    lineage: state.head.lineage,
    nameId: mutation.target.nameId,
    categoryId: state.categories.idOf(mutation.target.key),
    version: Math.max(now * 1000, (before?.version ?? 0) + 1, state.head.versionFloor + 1, version + 1),
    commitId,
    previousCommitId: commitBefore(current),
    generation: state.head.generation,
  };
  return draft.kind === 'tombstone' || draft.blob === undefined ? header : { ...header, blob: draft.blob };
}

/** B in clear. */
function bodyOf(draft: Draft, origin: number): Buffer {
  if (draft.kind === 'tombstone') return encodeTombstoneBody({ modified: draft.modified, origin });
  return encodeOpenBody({ ...draft.body, origin });
}

/** What all attempts of one mutation share: whichever of them takes effect, late or not, is this mutation. */
export interface Identity extends Doubtful {
  /** Since when what it rests on is known: what is believed to be there, and the time that numbers the version. */
  readonly begun: Instant;
  /** When the journal was told, if it was. */
  announced?: Announced | undefined;
  /**
   * The number of the last attempt. The next one gets a greater one: it may follow another version and say something else, under the
   * same commit, and whoever kept the one that was refused could put it in the place of the one that was not.
   */
  version?: number | undefined;
}

/**
 * One attempt.
 *
 * @param verified whether `current` was read, and not only believed
 * @throws LostRace
 */
export async function attempt(
  engine: Engine,
  mutation: Mutation,
  current: Current,
  verified: boolean,
  identity: Identity,
): Promise<Committed | undefined> {
  const { state, confirmed } = engine.watcher;
  const { target, signal } = mutation;
  const { commitId, now } = identity;
  checkCondition(mutation.condition, current, now);
  const draft = mutation.draft(current, now);
  if (draft === undefined) {
    if (verified) return undefined;
    throw new LostRace();
  }
  const keys = categoryKeys(state, state.categories.idOf(target.key));
  const header = nextHeader(state, mutation, draft, current, now, identity, keys.primary.suite);
  identity.version = header.version;
  const body = bodyOf(draft, originAfter(current, header));
  const record = sealRecord(keys.primary, header, body, engine.random);
  body.fill(0);
  if (record.length > engine.limits.maxRecord) {
    throw new SecureStoreError(
      'TOO_LARGE',
      `the record takes ${record.length} bytes; this backend holds ${engine.limits.maxRecord}`,
    );
  }
  identity.announced = await announceCommit(engine, state, target.token, commitId, identity.announced, signal);
  checkHeld(mutation);
  const sent = instant(engine.clock);
  try {
    const written =
      current === undefined
        ? await engine.backend.write(objectName(target.token), record, { ifAbsent: true, signal })
        : await replace(engine, mutation, current, record, state);
    engine.cache.set(target.token, { bytes: record, etag: written.etag }, sent);
  } catch (error) {
    engine.cache.delete(target.token);
    if (SecureStoreError.is(error, 'CONFLICT')) throw new LostRace();
    throw error;
  }
  return {
    state,
    header,
    keys,
    record,
    announced: identity.announced,
    late: !isFresh(confirmed, engine.clock, state.head),
  };
}
