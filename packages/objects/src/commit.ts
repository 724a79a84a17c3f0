import type { WriteResult } from '@securestore/backend-api';
import type { ObjectBody, RecordHeader } from '@securestore/core-format';
import {
  encodeObjectBody,
  encodeTombstoneBody,
  historyName,
  ID_LENGTH,
  objectName,
  SecureStoreError,
} from '@securestore/core-format';
import { sealRecord } from '@securestore/crypto';
import type { Instant } from '@securestore/jobs';
import { elapsedSince, instant } from '@securestore/jobs';
import type { Prepared } from './catch-up.ts';
import { catchUp } from './catch-up.ts';
import type { Condition } from './condition.ts';
import { checkCondition } from './condition.ts';
import type { Doubtful, Finding } from './doubt.ts';
import { settle, undecided } from './doubt.ts';
import type { Engine } from './engine.ts';
import { isFresh } from './freshness.ts';
import { copyToHistory, historyCopy, isCopied, withdrawCopy } from './history-copy.ts';
import { announceCommit } from './journal/announce.ts';
import { readCurrent } from './read-current.ts';
import type { Current, Target } from './records.ts';
import { commitBefore, openAt, originAfter } from './records.ts';
import { refusedWrongly, Standstill } from './standstill.ts';
import type { StoreState } from './state.ts';

/** What a mutation makes of what was there; asked anew for every attempt. */
export type Draft =
  | {
      readonly kind: 'object';
      readonly blob?: RecordHeader['blob'] | undefined;
      readonly body: DraftBody;
    }
  | { readonly kind: 'tombstone'; readonly modified: number };

/** What a draft says of an object: the commit knows its origin. */
export type DraftBody = Omit<ObjectBody, 'origin'>;

/** A mutation of one object. */
export interface Mutation {
  readonly target: Target;
  readonly condition: Condition;
  /** Needs to see what is there before anything is written, even where that isn't known. */
  readonly readFirst: boolean;
  /** `undefined` where there is nothing to do. `now` is in milliseconds since 1970. */
  readonly draft: (current: Current, now: number) => Draft | undefined;
  readonly signal: AbortSignal | undefined;
  /**
   * Called before every attempt, once it is known what is to be replaced; what it throws ends the mutation.
   *
   * @param doubtful whether an earlier attempt may have taken effect
   */
  readonly beforeAttempt?: ((doubtful: boolean) => Promise<void>) | undefined;
  /** Whether what that made sure of is sure still; asked at the moment at which the record is sent. */
  readonly stillHolds?: (() => boolean) | undefined;
}

/** What a mutation did. */
export type Committed = Prepared;

const MAX_BACKOFF_STEPS = 6;

const UNCHANGED = 'what was to be replaced is still there, and the object was not changed';

/** Thrown inside: somebody else was first, so look again. */
class LostRace extends Error {}

/** A process may have slept since an attempt began. @throws LostRace where what it rests on must be made sure of anew */
function checkHeld({ stillHolds }: Mutation): void {
  if (stillHolds?.() === false) throw new LostRace();
}

function nextHeader(
  state: StoreState,
  mutation: Mutation,
  draft: Draft,
  current: Current,
  now: number,
  commitId: Buffer,
  suite: number,
): RecordHeader {
  const before = current?.opened?.header;
  const header = {
    suite,
    kind: draft.kind,
    lineage: state.head.lineage,
    nameId: mutation.target.nameId,
    categoryId: state.categories.idOf(mutation.target.key),
    version: Math.max(now * 1000, (before?.version ?? 0) + 1, state.head.versionFloor + 1),
    commitId,
    previousCommitId: commitBefore(current),
    generation: state.head.generation,
  };
  return draft.kind === 'tombstone' || draft.blob === undefined ? header : { ...header, blob: draft.blob };
}

/** B in clear. */
function bodyOf(draft: Draft, origin: number): Buffer {
  if (draft.kind === 'tombstone') return encodeTombstoneBody({ modified: draft.modified, origin });
  return encodeObjectBody({ ...draft.body, origin });
}

async function replace(
  engine: Engine,
  mutation: Mutation,
  current: NonNullable<Current>,
  record: Buffer,
  state: StoreState,
): Promise<WriteResult> {
  const { backend } = engine;
  const { token } = mutation.target;
  const { signal } = mutation;
  const name = objectName(token);
  // Nothing of it may come into the history, where it would be under a key that is in use.
  if (current.opened === undefined) return backend.write(name, record, { ifMatch: current.stored.etag, signal });
  const copyName = historyName(token, current.opened.header.version);
  const copy = historyCopy(state, current);
  const { etag: ifMatch } = current.stored;
  if (backend.batch !== undefined && backend.capabilities.maxBatch >= 2) {
    try {
      const [, written] = await backend.batch(
        [
          { type: 'write', key: copyName, body: copy, ifAbsent: true },
          { type: 'write', key: name, body: record, ifMatch },
        ],
        { signal },
      );
      if (written !== undefined) return written;
    } catch (error) {
      if (!SecureStoreError.is(error, 'CONFLICT') || error.index !== 0 || !(await isCopied(engine, copyName, current)))
        throw error;
    }
    checkHeld(mutation);
    return backend.write(name, record, { ifMatch, signal });
  }
  const created = await copyToHistory(engine, copyName, copy, current, signal);
  checkHeld(mutation);
  try {
    return await backend.write(name, record, { ifMatch, signal });
  } catch (error) {
    // The race is lost either way, and a copy that stays is found by the next purge.
    if (created && SecureStoreError.is(error, 'CONFLICT'))
      await withdrawCopy(engine, token, copyName, current).catch(() => undefined);
    throw error;
  }
}

/** What all attempts of one mutation share: whichever of them takes effect, late or not, is this mutation. */
interface Identity extends Doubtful {
  readonly begun: Instant;
  /** When the journal was told, if it was. */
  announced?: Instant | undefined;
}

/**
 * One attempt.
 *
 * @param verified whether `current` was read, and not only believed
 * @throws LostRace
 */
async function attempt(
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
  const keys = state.keys.category(state.categories.idOf(target.key));
  const header = nextHeader(state, mutation, draft, current, now, commitId, keys.primary.suite);
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
  try {
    const written =
      current === undefined
        ? await engine.backend.write(objectName(target.token), record, { ifAbsent: true, signal })
        : await replace(engine, mutation, current, record, state);
    engine.cache.set(target.token, { bytes: record, etag: written.etag });
  } catch (error) {
    engine.cache.delete(target.token);
    if (SecureStoreError.is(error, 'CONFLICT')) throw new LostRace();
    throw error;
  }
  return { state, header, keys, record, announced: identity.announced, late: !isFresh(confirmed, engine.clock) };
}

/** What is believed to lie at the name, without a request where that can be avoided. */
function believed(engine: Engine, mutation: Mutation): Current | Promise<Current> {
  const { target, signal } = mutation;
  const cached = engine.cache.get(target.token);
  const { state } = engine.watcher;
  if (cached === undefined && !mutation.readFirst) return undefined;
  if (cached === undefined || cached === 'exists') return readCurrent(engine, target, signal);
  try {
    return { stored: cached, opened: openAt(state, target, cached.bytes) };
  } catch (error) {
    // It was remembered under keys that have been retired since.
    if (!SecureStoreError.is(error)) throw error;
    return readCurrent(engine, target, signal);
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
  { commitId }: Doubtful,
  signal: AbortSignal | undefined,
): Promise<Finding> {
  const current = await readCurrent(engine, target, signal);
  const opened = current?.opened;
  return opened !== undefined && commitId.equals(opened.header.commitId) ? opened : { current };
}

function newIdentity({ clock, random }: Engine, commitId: Buffer = random(ID_LENGTH)): Identity {
  const begun = instant(clock);
  return { commitId, begun, now: begun.now };
}

/**
 * Whether the time that numbers the version is recent enough for the record to be sent. The collector forgets deletions,
 * and their numbers, a grace period after they were made: half of it is for requests that are long under way.
 */
function isInTime({ clock, gracePeriod }: Engine, { begun }: Identity): boolean {
  return elapsedSince(begun, clock) < gracePeriod / 2;
}

async function commitLoop(engine: Engine, requested: Mutation): Promise<Committed | undefined> {
  const { target, signal } = requested;
  let identity = newIdentity(engine);
  const mutation: Mutation = {
    ...requested,
    stillHolds: () => isInTime(engine, identity) && requested.stillHolds?.() !== false,
  };
  const belief = believed(engine, mutation);
  let current = belief instanceof Promise ? await belief : belief;
  let verified = belief instanceof Promise;
  let doubt: unknown;
  const standstill = new Standstill();
  try {
    for (let losses = 0; ; losses++) {
      let failure: unknown;
      try {
        if (mutation.beforeAttempt !== undefined) await mutation.beforeAttempt(doubt !== undefined);
        return await attempt(engine, mutation, current, verified, identity);
      } catch (error) {
        failure = error;
      }
      const unknown = SecureStoreError.is(failure) && failure.outcome === 'unknown';
      if (unknown) doubt = failure;
      const final = !unknown && !isWorthLooking(failure, verified);
      if (final && doubt === undefined) throw failure;
      await backOff(engine, losses, signal);
      // What an earlier attempt may have done decides before what this one failed of.
      const found =
        doubt === undefined
          ? await lookAgain(engine, target, identity, signal)
          : await settle(engine, target, identity, doubt, signal);
      if (found.header !== undefined) return committedAs(engine, mutation, found.header, identity);
      if (final) throw failure;
      if (standstill.isReached(current?.stored, found.current?.stored)) {
        throw failure instanceof LostRace ? refusedWrongly(engine.backend, UNCHANGED) : failure;
      }
      if (!isInTime(engine, identity)) {
        // What is on its way has the old number.
        if (doubt !== undefined) throw doubt;
        identity = { ...newIdentity(engine, identity.commitId), announced: identity.announced };
      }
      current = found.current;
      verified = true;
    }
  } catch (error) {
    throw doubt === undefined ? error : undecided(error, signal);
  }
}

/** A commit that was found afterwards: nobody knows when it landed. */
function committedAs(engine: Engine, mutation: Mutation, header: RecordHeader, { announced }: Identity): Committed {
  const { state } = engine.watcher;
  const keys = state.keys.category(state.categories.idOf(mutation.target.key));
  return { state, header, keys, record: undefined, announced, late: true };
}

/**
 * Commits one mutation: a conditional write of one record, after the version that it replaces was copied to the
 * history. Unconditional mutations retry lost races inside.
 *
 * @returns `undefined` where there was nothing to do
 * @throws SecureStoreError `CONFLICT` where the mutation has a condition that fails
 */
export async function commit(engine: Engine, mutation: Mutation): Promise<Committed | undefined> {
  engine.watcher.checkWritable();
  const committed = await engine.turns.run(mutation.target.token, mutation.signal, () => commitLoop(engine, mutation));
  try {
    const wait = engine.watcher.acknowledge(mutation.signal);
    if (wait !== undefined) await wait;
    engine.watcher.checkWritable();
    return committed && (await catchUp(engine, mutation.target, committed, mutation.signal));
  } catch (error) {
    if (committed === undefined || !SecureStoreError.is(error)) throw error;
    throw new SecureStoreError(error.code, error.message, {
      cause: error,
      outcome: 'unknown',
      retryable: error.retryable,
    });
  }
}
