import { SecureStoreError } from '@securestore/core-format';
import { encodeMetadata } from '../api/metadata.ts';
import type { ChangeOptions, ObjectInfo, RestoreVersionOptions } from '../api/types.ts';
import { parseCondition } from '../api/write-condition.ts';
import type { Engine } from '../engine/engine.ts';
import type { Current, LiveRecord, Standing, Target } from '../record/open-record.ts';
import { liveIn, originOf, versionOf } from '../record/open-record.ts';
import { refusedUnderStableKeys } from '../record/stable-read.ts';
import { commit, commitObject } from './commit/commit.ts';
import type { DraftBody, ObjectDraft } from './commit/mutation.ts';
import { succession } from './commit/supersede-damaged.ts';
import type { Choice } from './history.ts';
import { chooseVersion, newestMissing } from './history.ts';
import { PinnedVersion } from './pinned-version.ts';

/** The object `source` with other times; the payload isn't touched. */
function withChanges({ header, body }: LiveRecord, changes: Partial<DraftBody>, now: number): ObjectDraft {
  return { kind: 'object', body: { ...body, ...changes, modified: now }, blob: header.blob };
}

/** @throws SecureStoreError the reason why the current record is refused, if it is */
function checkOpened(current: Current): asserts current is Standing | undefined {
  if (current !== undefined && current.opened === undefined) throw current.reason;
}

/** Replaces the metadata of an object. @throws SecureStoreError `NOT_FOUND`, and what a commit throws */
export async function setMetadata<M extends object>(
  engine: Engine,
  target: Target,
  metadata: M,
  options: ChangeOptions | undefined,
  signal: AbortSignal | undefined,
): Promise<ObjectInfo<M>> {
  if (metadata === undefined)
    throw new SecureStoreError('INVALID_ARGUMENT', 'the metadata must be an object, got undefined');
  const encoded = encodeMetadata(metadata);
  return commitObject<M>(engine, {
    target,
    condition: parseCondition(options),
    readFirst: true,
    signal,
    draft(current, now) {
      checkOpened(current);
      const live = liveIn(current, now);
      if (live === undefined) throw new SecureStoreError('NOT_FOUND', 'the object does not exist');
      return withChanges(live, { metadata: encoded }, now);
    },
  });
}

/**
 * Makes a retained version current again.
 *
 * @throws SecureStoreError `NOT_FOUND`, `CONFLICT`, and what a commit throws; for an undelete `INTEGRITY` if the newest version is missing
 */
export async function restoreVersion<M extends object>(
  engine: Engine,
  target: Target,
  choice: Choice,
  options: RestoreVersionOptions | undefined,
  signal: AbortSignal | undefined,
): Promise<ObjectInfo<M>> {
  const condition = parseCondition(options);
  const reconsidered = engine.monitor.reconsider(signal);
  if (reconsidered !== undefined) await reconsidered;
  // A process that was idle may look in a place that the store has left since.
  const chosen = await refusedUnderStableKeys(
    engine,
    () => chooseVersion(engine, target, choice, signal),
    (error) => SecureStoreError.is(error, 'NOT_FOUND') || SecureStoreError.is(error, 'INTEGRITY'),
    signal,
  );
  const kept = new PinnedVersion(engine, target, chosen.record);
  // The caller named the version, so the history continues after the newest one that is left, and stays readable.
  const follows = chosen.isNewestMissing ? await succession(engine, target, undefined, signal) : undefined;
  return commitObject<M>(engine, {
    target,
    condition,
    readFirst: true,
    signal,
    beforeAttempt: () => kept.confirm(signal),
    isStillValid: () => kept.holds(),
    draft(current, now) {
      checkOpened(current);
      const live = liveIn(current, now);
      if (live !== undefined && 'beforeDeletion' in choice) {
        throw new SecureStoreError('CONFLICT', 'the object is not deleted', { currentVersion: versionOf(live.header) });
      }
      if (current === undefined && 'beforeDeletion' in choice)
        throw newestMissing(target, versionOf(chosen.record.header));
      if (originOf(current?.opened) > kept.record.header.version) {
        throw new SecureStoreError('NOT_FOUND', 'the object was purged meanwhile');
      }
      const draft = withChanges(kept.record, {}, now);
      return follows === undefined ? draft : { ...draft, follows };
    },
  });
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
