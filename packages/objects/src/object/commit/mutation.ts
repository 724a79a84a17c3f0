import type { RecordHeader } from '@securestore/core-format';
import { encodeTombstoneBody, SecureStoreError } from '@securestore/core-format';
import type { CategoryKeys } from '@securestore/crypto';
import { sealRecord } from '@securestore/crypto';
import type { Instant } from '@securestore/jobs';
import type { Condition } from '../../api/write-condition.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Announced } from '../../engine/journal-writer.ts';
import type { StoreState } from '../../head/store-state.ts';
import type { OpenBody } from '../../record/body.ts';
import { encodeOpenBody } from '../../record/body.ts';
import type { Current, LiveRecord, Predecessor, Target } from '../../record/open-record.ts';
import { commitBefore, isVersion, liveIn, originAfter, versionOf } from '../../record/open-record.ts';
import { categoryKeys } from '../../record/record-keys.ts';

/** An object as a mutation makes it. */
export interface ObjectDraft {
  readonly kind: 'object';
  readonly blob?: RecordHeader['blob'] | undefined;
  readonly body: DraftBody;
  /** The history that the object continues if its current record is missing; by default none. */
  readonly follows?: Predecessor | undefined;
}

/** What a mutation makes of what was there; asked again for every attempt. */
export type Draft = ObjectDraft | { readonly kind: 'tombstone'; readonly modified: number };

/** What a draft says of an object: the commit knows its origin. */
export type DraftBody = Omit<OpenBody, 'origin'>;

/** A mutation of one object. */
export interface Mutation {
  readonly target: Target;
  readonly condition: Condition;
  /** Whether the current record is read before the first attempt even if the cache knows nothing of the name. */
  readonly readFirst: boolean;
  /** Makes the next version of `current`; `undefined` if there is nothing to do. `now` is in milliseconds since 1970. */
  readonly draft: (current: Current, now: number) => Draft | undefined;
  readonly signal: AbortSignal | undefined;
  /**
   * Called before every attempt. An error that it throws ends the mutation.
   *
   * @param doubtful whether an earlier attempt may have taken effect
   */
  readonly beforeAttempt?: ((doubtful: boolean) => Promise<void> | undefined) | undefined;
  /** Whether the result of `beforeAttempt` still counts; asked when the record is sent. */
  readonly isStillValid?: (() => boolean) | undefined;
}

/** What all attempts of one mutation share. Whichever of them takes effect, late or not, is this mutation. */
export interface Identity {
  readonly commitId: Buffer;
  /** When it began, in milliseconds since 1970. */
  readonly now: number;
  /** Whether it may be to replace a record that is damaged. */
  readonly allowDamaged: boolean;
  /** When the record that it replaces was read, and the time that numbers its version. */
  readonly begun: Instant;
  /** When the journal was told, if it was. */
  announced?: Announced | undefined;
  /**
   * Version number of the last attempt. The next attempt uses a greater one: it has the same commit id and may have other contents, so
   * an attacker who kept the refused record could otherwise put it in the place of the accepted one.
   */
  version?: number | undefined;
}

/** A commit that took effect, and the state that it was prepared under. */
export interface Committed {
  readonly state: StoreState;
  readonly header: RecordHeader;
  readonly keys: CategoryKeys;
  /** The newest generation of the head that the commit was fenced against. */
  readonly generation: number;
  /** When the journal was told of the commit, if it was. */
  readonly announced: Announced | undefined;
  /** The record as it was written; `undefined` if it was found, and is not known to be what was written last. */
  readonly record: Uint8Array | undefined;
  /** Whether it may have landed after other processes began to rely on its generation of the head being out of use. */
  readonly late: boolean;
}

/** Whether a commit is under the newest head that is known, and announced if that has a journal. */
export function isUnderNewestHead({ monitor, journal }: Engine, { generation, announced }: Committed): boolean {
  const { head } = monitor.state;
  return head.generation === generation && (head.journal === 'off' || journal.covers(announced));
}

/** Thrown inside the engine: another writer was first, so the current record is read again. */
export class WriteConflict extends Error {}

/** Its process may have slept since the attempt began. @throws WriteConflict if `beforeAttempt` must be called again */
export function checkStillValid({ isStillValid }: Mutation): void {
  if (isStillValid?.() === false) throw new WriteConflict();
}

/**
 * @param now in milliseconds since 1970
 * @throws SecureStoreError `CONFLICT` with the version that stands in the way
 */
export function checkCondition(condition: Condition, current: Current, now: number): void {
  if (condition.type === 'none') return;
  const live = liveIn(current, now);
  const refusal = refusalOf(condition, current, live);
  if (refusal === undefined) return;
  throw new SecureStoreError('CONFLICT', refusal, { currentVersion: live && versionOf(live.header) });
}

/** Why a condition doesn't hold; `undefined` if it does. */
function refusalOf(
  condition: Exclude<Condition, { readonly type: 'none' }>,
  current: Current,
  live: LiveRecord | undefined,
): string | undefined {
  if (condition.type === 'absent') return live && 'the object already exists';
  if (condition.type === 'damaged') {
    if (current !== undefined && current.opened === undefined) return undefined;
    return live === undefined ? 'the object does not exist' : 'the object is not damaged';
  }
  if (live === undefined) return 'the object does not exist';
  return isVersion(live.header, condition.version) ? undefined : 'the object has another version by now';
}

/**
 * The record by which a draft replaces `current`, under the keys and the head of `state`.
 *
 * @throws SecureStoreError `KEY_DESTROYED`, `TOO_LARGE`
 */
export function sealDraft(
  { random, limits }: Engine,
  state: StoreState,
  { key, nameId }: Target,
  draft: Draft,
  current: Current,
  { commitId, now, version = 0 }: Pick<Identity, 'commitId' | 'now' | 'version'>,
): { readonly header: RecordHeader; readonly keys: CategoryKeys; readonly record: Buffer } {
  const { head, categories } = state;
  const categoryId = categories.idOf(key);
  const keys = categoryKeys(state, categoryId);
  const predecessor = current ?? (draft.kind === 'object' ? draft.follows : undefined);
  const before = predecessor?.opened === undefined ? predecessor : predecessor.opened.header;
  const plain: RecordHeader = {
    suite: keys.primary.suite,
    kind: draft.kind,
    lineage: head.lineage,
    nameId,
    categoryId,
    version: Math.max(now * 1000, (before?.version ?? 0) + 1, head.versionFloor + 1, version + 1),
    commitId,
    previousCommitId: commitBefore(predecessor),
    generation: head.generation,
  };
  const header = draft.kind === 'tombstone' || draft.blob === undefined ? plain : { ...plain, blob: draft.blob };
  const origin = originAfter(predecessor, header);
  const body =
    draft.kind === 'tombstone'
      ? encodeTombstoneBody({ modified: draft.modified, origin })
      : encodeOpenBody({ ...draft.body, origin });
  const record = sealRecord(keys.primary, header, body, random);
  body.fill(0);
  if (record.length <= limits.maxRecord) return { header, keys, record };
  const message = `the record must have at most ${limits.maxRecord} bytes at this backend, got ${record.length}`;
  throw new SecureStoreError('TOO_LARGE', message);
}
