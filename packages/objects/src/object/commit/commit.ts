import type { RecordHeader } from '@securestore/core-format';
import { ID_LENGTH, SecureStoreError } from '@securestore/core-format';
import type { Instant } from '@securestore/jobs';
import { elapsedSince, instant } from '@securestore/jobs';
import type { Committed, Identity } from './commit-attempt.ts';
import { attempt } from './commit-attempt.ts';
import { catchUp } from './commit-fence.ts';
import type { Doubtful, Finding } from './resolve-outcome.ts';
import { findCommit, settle, undecided } from './resolve-outcome.ts';
import type { Mutation } from './mutation.ts';
import type { Engine } from '../../engine/engine.ts';
import { LostRace } from './write-conflict.ts';
import { pinned } from '../../engine/engine.ts';
import { Left } from '../../engine/relocatable-backend.ts';
import { readCurrent } from './load-current.ts';
import type { Current, Standing, Target } from '../../record/open-record.ts';
import { openAt } from '../../record/open-record.ts';
import type { StoredRecord } from '../../engine/record-cache.ts';
import { isSame, refusedWrongly, Standstill } from '../../engine/stall-detector.ts';
import { categoryKeys } from '../../record/record-keys.ts';

const MAX_BACKOFF_STEPS = 6;

const UNCHANGED = 'what was to be replaced is still there, and the object was not changed';

/** What is remembered of a name: a record, that something lies there, or nothing. */
function remembered(
  { cache, watcher }: Engine,
  target: Target,
): { readonly current: Standing; readonly since: Instant } | 'exists' | undefined {
  const found = cache.get(target.token);
  if (found === undefined || found === 'exists') return found;
  const { stored, since } = found;
  try {
    return { current: { stored, opened: openAt(watcher.state, target, stored.bytes) }, since };
  } catch (error) {
    // It was remembered under keys that have been retired since.
    if (!SecureStoreError.is(error)) throw error;
    return 'exists';
  }
}

async function backOff(engine: Engine, losses: number, signal: AbortSignal | undefined): Promise<void> {
  if (losses < 2) return;
  const most = 2 ** Math.min(losses, MAX_BACKOFF_STEPS);
  await engine.clock.sleep((engine.random(1).readUInt8(0) / 255) * most, signal);
}

/** Whether a failed attempt may have failed only because it didn't know what is there. */
function isWorthLooking(error: unknown, verified: boolean): boolean {
  if (error instanceof LostRace) return true;
  // What contradicts a mere belief is no conflict yet.
  return !verified && (SecureStoreError.is(error, 'CONFLICT') || SecureStoreError.is(error, 'NOT_FOUND'));
}

/** What is there now; a backend that repeats requests by itself may have reported a conflict with this very mutation. */
async function lookAgain(
  engine: Engine,
  target: Target,
  { commitId, evenDamaged }: Doubtful,
  signal: AbortSignal | undefined,
): Promise<Finding> {
  const current = await readCurrent(engine, target, { signal, evenDamaged });
  const opened = current?.opened;
  return opened !== undefined && commitId.equals(opened.header.commitId) ? opened : { current };
}

function newIdentity({ clock }: Engine, { condition }: Mutation, commitId: Buffer): Identity {
  const begun = instant(clock);
  return { commitId, begun, now: begun.now, evenDamaged: condition.type === 'damaged' };
}

/**
 * Whether what an attempt rests on is recent enough for it to be sent. The collector forgets deletions, and their numbers,
 * a grace period after they were made, and as soon removes copies of what was replaced: half of it is for requests that
 * are long under way.
 */
function isInTime({ clock, gracePeriod }: Engine, { begun }: Identity): boolean {
  return elapsedSince(begun, clock) < gracePeriod / 2;
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
    stillHolds: () => isInTime(engine, identity) && requested.stillHolds?.() !== false,
  };
  let current: Current;
  let verified = false;
  const belief = remembered(engine, target);
  if (belief === 'exists' || (belief === undefined && mutation.readFirst)) {
    current = await readCurrent(engine, target, { signal, evenDamaged: identity.evenDamaged });
    verified = true;
  } else if (belief !== undefined) {
    ({ current } = belief);
    identity = { ...identity, begun: belief.since };
  }
  let doubt: Doubt | undefined;
  // Whether that attempt may have taken effect, or still take effect.
  let undetermined = false;
  const standstill = new Standstill();
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
      // What an earlier attempt may have done decides before what this one failed of.
      const found =
        doubt === undefined
          ? await lookAgain(engine, target, identity, signal)
          : await settle(engine, target, identity, doubt.failure, signal);
      if (found.header !== undefined) return committedAs(engine, mutation, found.header, identity);
      // It replaces nothing but what it was to replace; and if it had before that was replaced, it would have been found,
      // unless that is so long ago that it may have been collected.
      if (!isSame(doubt?.expected, found.current?.stored) && isInTime(engine, identity)) undetermined = false;
      if (final) throw failure;
      if (standstill.isReached(current?.stored, found.current?.stored)) {
        throw failure instanceof LostRace ? refusedWrongly(engine.backend, UNCHANGED) : failure;
      }
      if (!isInTime(engine, identity)) {
        // What is on its way has the old number.
        if (doubt !== undefined) throw doubt.failure;
        const { announced, version } = identity;
        identity = { ...newIdentity(engine, requested, commitId), announced, version };
      }
      current = found.current;
      verified = true;
    }
  } catch (error) {
    throw undetermined ? undecided(error, signal) : error;
  }
}

/** A commit that was found afterwards: nobody knows when it landed. */
function committedAs(engine: Engine, mutation: Mutation, header: RecordHeader, { announced }: Identity): Committed {
  const { state } = engine.watcher;
  const keys = categoryKeys(state, state.categories.idOf(mutation.target.key));
  return { state, header, keys, record: undefined, announced, late: true };
}

/** Whether a mutation was refused, without any doubt, for what lies there. */
function isRefusal(error: unknown): boolean {
  if (!SecureStoreError.is(error) || error.outcome !== undefined) return false;
  return error.code === 'CONFLICT' || error.code === 'NOT_FOUND';
}

/**
 * As {@link commitLoop}; but what was refused for what lies there is so only under keys that are confirmed, as anything
 * that is told of an object. A process that was idle opens what has landed under a retired key, and what nobody else sees
 * must not be in the way of anything.
 */
async function commitUnderConfirmedKeys(
  engine: Engine,
  mutation: Mutation,
  commitId: Buffer,
): Promise<Committed | undefined> {
  const { watcher } = engine;
  while (true) {
    const { keys } = watcher.state;
    try {
      return await commitLoop(engine, mutation, commitId);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const wait = watcher.acknowledge(mutation.signal);
      if (wait !== undefined) await wait;
      if (watcher.state.keys === keys) throw error;
    }
  }
}

/** What became of a mutation in the place where the store is now, which it has moved to since the mutation began elsewhere. */
async function foundThere(
  engine: Engine,
  mutation: Mutation,
  commitId: Buffer,
  begun: Instant,
): Promise<Committed | undefined> {
  const evenDamaged = mutation.condition.type === 'damaged';
  const doubtful = { commitId, now: begun.now, evenDamaged };
  const { header } = await findCommit(pinned(engine), mutation.target, doubtful).catch((error: unknown) => {
    if (SecureStoreError.is(error) || error instanceof Left) throw error;
    const message =
      'the store has moved, and the object was purged since: nobody can tell whether it was changed before';
    throw new SecureStoreError('UNAVAILABLE', message, { outcome: 'unknown', cause: error });
  });
  if (header === undefined) return undefined;
  // Parts of its payload that were written before are where they were.
  await mutation.beforeAttempt?.(true);
  return committedAs(engine, mutation, header, { ...doubtful, begun });
}

/** The error of a mutation that took effect and could not be acknowledged. */
function notAcknowledged(error: unknown, signal: AbortSignal | undefined): unknown {
  // As where its caller gives it up while the store is closed.
  if (!SecureStoreError.is(error)) return undecided(error, signal);
  const { code, message, retryable } = error;
  return new SecureStoreError(code, message, { cause: error, outcome: 'unknown', retryable });
}

/**
 * Commits one mutation: a conditional write of one record, after the version that it replaces was copied to the
 * history. Unconditional mutations retry lost races inside.
 *
 * Where the store has moved since it began, it is looked for in the new place: everything that took effect before the store closed is
 * there, and nothing that came later, which is then done there.
 *
 * @returns `undefined` where there was nothing to do
 * @throws SecureStoreError `CONFLICT` where the mutation has a condition that fails
 */
export async function commit(engine: Engine, mutation: Mutation): Promise<Committed | undefined> {
  const { place, watcher, turns } = engine;
  const { target, signal } = mutation;
  const reconsidered = watcher.reconsider(signal);
  if (reconsidered !== undefined) await reconsidered;
  watcher.checkWritable();
  const commitId = engine.random(ID_LENGTH);
  const begun = instant(engine.clock);
  // Whether it may have taken effect: in the place where the store was, and so where it is now.
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
        return commitUnderConfirmedKeys(pinned(engine), mutation, commitId);
      });
      const wait = watcher.acknowledge(signal);
      if (wait !== undefined) await wait;
      watcher.checkWritable();
      const done = committed && (await catchUp(engine, target, committed, signal));
      if (place?.epoch === epoch) return done;
    } catch (error) {
      if (place?.epoch === epoch) {
        if (committed !== undefined) throw notAcknowledged(error, signal);
        throw isDoubtful ? undecided(error, signal) : error;
      }
      isDoubtful ||= SecureStoreError.is(error) && error.outcome === 'unknown';
    }
    isDoubtful ||= committed !== undefined;
  }
}
