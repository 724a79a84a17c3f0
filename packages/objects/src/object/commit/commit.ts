import { ID_LENGTH, objectName, SecureStoreError } from '@securestore/core-format';
import type { Instant } from '@securestore/jobs';
import { elapsedSince, instant } from '@securestore/jobs';
import type { ObjectInfo } from '../../api/types.ts';
import type { Engine } from '../../engine/engine.ts';
import { pinned } from '../../engine/engine.ts';
import type { StoredRecord } from '../../engine/record-cache.ts';
import { isSameRecord, refusedWrongly, StallDetector } from '../../engine/stall-detector.ts';
import { isFresh } from '../../head/freshness-bounds.ts';
import { announceCommit } from '../../journal/announce.ts';
import type { Current, Standing, Target } from '../../record/open-record.ts';
import { infoFrom, openAt } from '../../record/open-record.ts';
import { refusedUnderStableKeys } from '../../record/stable-read.ts';
import { fenceCommit } from './commit-fence.ts';
import { loadCurrent } from './load-current.ts';
import type { Committed, DraftBody, Identity, Mutation, ObjectDraft } from './mutation.ts';
import { checkCondition, checkStillValid, isUnderNewestHead, WriteConflict, sealDraft } from './mutation.ts';
import {
  committedAs,
  foundThere,
  lookAgain,
  notAcknowledged,
  resolveOutcome,
  indeterminate,
} from './resolve-outcome.ts';
import { writeVersion } from './write-version.ts';

const MAX_BACKOFF_STEPS = 6;

const UNCHANGED = 'the version to be replaced is still the current one';

/**
 * Commits one mutation: one conditional write of one record, after the version that it replaces was copied to the history.
 *
 * 1. Mutations of one object by this process take turns.
 * 2. Each attempt starts from the record in the cache, or reads the current one, and writes on the condition that it is still there.
 *    A lost race is repeated without the caller noticing, unless the caller's own condition fails.
 * 3. If the answer to a write is lost, the commit is looked for by its random id before anything else is tried. Whatever can't be
 *    found out is an error with `outcome: 'unknown'`, and never a second commit.
 * 4. Before it is acknowledged, the head is confirmed, and the commit is fenced against changes of keys, journal, checkpoint and
 *    categories that came meanwhile.
 *
 * If the store moves while this runs, the commit is looked for in the new place. Everything that took effect before the store closed is
 * there, and nothing later is, so a mutation that is not found there is done there.
 *
 * @returns `undefined` if there was nothing to do
 * @throws SecureStoreError `CONFLICT` if the mutation has a condition that fails
 */
export async function commit(engine: Engine, mutation: Mutation): Promise<Committed | undefined> {
  const { place, monitor, turns } = engine;
  const { target, signal } = mutation;
  const reconsidered = monitor.reconsider(signal);
  if (reconsidered !== undefined) await reconsidered;
  monitor.checkWritable();
  const commitId = engine.random(ID_LENGTH);
  const begun = instant(engine.clock);
  // Whether it may have taken effect in the place where the store was, and so be where it is now.
  let isDoubtful = false;
  for (;;) {
    let epoch = place?.epoch;
    let committed: Committed | undefined;
    try {
      committed = await turns.run(target.token, signal, async () => {
        // It may have moved while others had their turn.
        epoch = place?.epoch;
        if (isDoubtful) {
          const found = await foundThere(engine, mutation, commitId, begun);
          if (found !== undefined) return found;
          isDoubtful = false;
        }
        return commitUnderStableKeys(pinned(engine), mutation, commitId);
      });
      const wait = monitor.acknowledge(signal);
      if (wait !== undefined) await wait;
      monitor.checkWritable();
      const done =
        committed === undefined || isUnderNewestHead(engine, committed)
          ? committed
          : await fenceCommit(engine, target, committed, signal);
      if (place?.epoch === epoch) return done;
    } catch (error) {
      if (place?.epoch === epoch) {
        if (committed !== undefined) throw notAcknowledged(error, signal);
        throw isDoubtful ? indeterminate(error, signal) : error;
      }
      isDoubtful ||= SecureStoreError.is(error) && error.outcome === 'unknown';
    }
    isDoubtful ||= committed !== undefined;
  }
}

/** Commits a mutation that leaves an object, whatever was there. @throws SecureStoreError as {@link commit} */
export async function commitObject<M extends object>(
  engine: Engine,
  mutation: Omit<Mutation, 'draft'> & { readonly draft: (current: Current, now: number) => ObjectDraft },
): Promise<ObjectInfo<M>> {
  let body: DraftBody | undefined;
  const committed = await commit(engine, {
    ...mutation,
    draft(current, now) {
      const draft = mutation.draft(current, now);
      ({ body } = draft);
      return draft;
    },
  });
  if (committed === undefined || body === undefined) {
    throw new SecureStoreError('INTERNAL', 'the mutation wrote nothing');
  }
  const { state, header, keys } = committed;
  return infoFrom(state, header, body, keys.primary.label);
}

/**
 * As {@link commitLoop}, but a refusal counts only under confirmed keys. A process that was idle still opens records that landed under a
 * key that was retired meanwhile: no other process sees them, and so they must not refuse anything.
 */
function commitUnderStableKeys(engine: Engine, mutation: Mutation, commitId: Buffer): Promise<Committed | undefined> {
  return refusedUnderStableKeys(engine, () => commitLoop(engine, mutation, commitId), isRefusal, mutation.signal);
}

/** Whether a mutation was certainly refused because of the current record. */
function isRefusal(error: unknown): boolean {
  if (!SecureStoreError.is(error) || error.outcome !== undefined) return false;
  return error.code === 'CONFLICT' || error.code === 'NOT_FOUND';
}

/** An attempt of unknown outcome. */
interface Doubt {
  readonly failure: unknown;
  /** What it was to replace. */
  readonly expected: StoredRecord | undefined;
}

async function commitLoop(engine: Engine, requested: Mutation, commitId: Buffer): Promise<Committed | undefined> {
  const { target, signal } = requested;
  let identity = newIdentity(engine, requested, commitId);
  const mutation: Mutation = {
    ...requested,
    isStillValid: () => isInTime(engine, identity) && requested.isStillValid?.() !== false,
  };
  let current: Current;
  let verified = false;
  const belief = remembered(engine, target);
  if (belief === 'exists' || (belief === undefined && mutation.readFirst)) {
    current = await loadCurrent(engine, target, { signal, allowDamaged: identity.allowDamaged });
    verified = true;
  } else if (belief !== undefined) {
    ({ current } = belief);
    identity = { ...identity, begun: belief.since };
  }
  let doubt: Doubt | undefined;
  // Whether that attempt may have taken effect, or still take effect.
  let undetermined = false;
  let standstill: StallDetector | undefined;
  try {
    for (let losses = 0; ; losses++) {
      let failure: unknown;
      try {
        const prepared = mutation.beforeAttempt?.(doubt !== undefined);
        if (prepared !== undefined) await prepared;
        return await attempt(engine, mutation, current, verified, identity);
      } catch (error) {
        failure = error;
      }
      const unknown = SecureStoreError.is(failure) && failure.outcome === 'unknown';
      if (unknown) {
        doubt = { failure, expected: current?.stored };
        undetermined = true;
      }
      const final = !unknown && !isWorthLooking(failure, verified);
      if (final && doubt === undefined) throw failure;
      await backOff(engine, losses, signal);
      // Whether an earlier attempt took effect counts more than why this one failed.
      const found =
        doubt === undefined
          ? await lookAgain(engine, target, identity, signal)
          : await resolveOutcome(engine, target, identity, doubt.failure, signal);
      if (found.header !== undefined) return committedAs(engine, mutation, found.header, identity.announced);
      // The doubtful attempt can replace one record only. If that is gone without its commit being found, it never will,
      // unless it took so long that the commit may have been collected since.
      if (!isSameRecord(doubt?.expected, found.current?.stored) && isInTime(engine, identity)) undetermined = false;
      if (final) throw failure;
      standstill ??= new StallDetector();
      if (standstill.isReached(current?.stored, found.current?.stored)) {
        throw failure instanceof WriteConflict ? refusedWrongly(engine.backend, UNCHANGED) : failure;
      }
      if (!isInTime(engine, identity)) {
        // The attempt that is still on its way has the old version number.
        if (doubt !== undefined) throw doubt.failure;
        const { announced, version } = identity;
        identity = { ...newIdentity(engine, requested, commitId), announced, version };
      }
      current = found.current;
      verified = true;
    }
  } catch (error) {
    throw undetermined ? indeterminate(error, signal) : error;
  }
}

function newIdentity({ clock }: Engine, { condition }: Mutation, commitId: Buffer): Identity {
  const begun = instant(clock);
  return { commitId, begun, now: begun.now, allowDamaged: condition.type === 'damaged' };
}

/**
 * Whether an attempt may be sent. A grace period after they were made, the collector forgets deletions with their version numbers, and
 * removes copies of replaced versions. Half of that period is left for requests that are long under way.
 */
function isInTime({ clock, gracePeriod }: Engine, { begun }: Identity): boolean {
  return elapsedSince(begun, clock) < gracePeriod / 2;
}

/** What the cache knows of a name: its record, that there is one, or nothing. */
function remembered(
  { cache, monitor }: Engine,
  target: Target,
): { readonly current: Standing; readonly since: Instant } | 'exists' | undefined {
  const found = cache.get(target.token);
  if (found === undefined || found === 'exists') return found;
  const { stored, since } = found;
  try {
    return { current: { stored, opened: openAt(monitor.state, target, stored.bytes) }, since };
  } catch (error) {
    // Its key was retired since it was cached.
    if (!SecureStoreError.is(error)) throw error;
    return 'exists';
  }
}

async function backOff(engine: Engine, losses: number, signal: AbortSignal | undefined): Promise<void> {
  if (losses < 2) return;
  const most = 2 ** Math.min(losses, MAX_BACKOFF_STEPS);
  await engine.clock.sleep((engine.random(1).readUInt8(0) / 255) * most, signal);
}

/** Whether an attempt may have failed only because it did not know the current record. */
function isWorthLooking(error: unknown, verified: boolean): boolean {
  if (error instanceof WriteConflict) return true;
  // A cached record that contradicts the condition is no conflict yet.
  return !verified && (SecureStoreError.is(error, 'CONFLICT') || SecureStoreError.is(error, 'NOT_FOUND'));
}

/**
 * One attempt.
 *
 * @param verified whether `current` was read, and not only believed
 * @throws WriteConflict
 */
async function attempt(
  engine: Engine,
  mutation: Mutation,
  current: Current,
  verified: boolean,
  identity: Identity,
): Promise<Committed | undefined> {
  const { state, confirmed } = engine.monitor;
  const { target, signal } = mutation;
  checkCondition(mutation.condition, current, identity.now);
  const draft = mutation.draft(current, identity.now);
  if (draft === undefined) {
    if (verified) return undefined;
    throw new WriteConflict();
  }
  const { header, keys, record } = sealDraft(engine, state, target, draft, current, identity);
  identity.version = header.version;
  if (state.head.journal === 'on') {
    identity.announced = await announceCommit(
      engine,
      state,
      target.token,
      identity.commitId,
      identity.announced,
      signal,
    );
  }
  checkStillValid(mutation);
  const sent = instant(engine.clock);
  try {
    const written =
      current === undefined
        ? await engine.backend.write(objectName(target.token), record, { ifAbsent: true, owned: true, signal })
        : await writeVersion(engine, mutation, current, record, state);
    engine.cache.setWritten(target.token, { bytes: record, etag: written.etag }, sent);
  } catch (error) {
    engine.cache.delete(target.token);
    if (SecureStoreError.is(error, 'CONFLICT')) throw new WriteConflict();
    throw error;
  }
  const { generation } = header;
  const late = !isFresh(confirmed, engine.clock, state.head);
  return { state, header, keys, generation, record, announced: identity.announced, late };
}
