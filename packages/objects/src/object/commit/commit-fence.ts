import { asBuffer, historyName, objectName, splitRecord } from '@securestore/core-format';
import { rewrapRecord } from '@securestore/crypto';
import { isUndecided } from '@securestore/jobs';
import type { Engine } from '../../engine/engine.ts';
import { announceCommit } from '../../journal/announce.ts';
import type { Committed } from './mutation.ts';
import { rebindCategory } from './rebind-category.ts';
import { rebindGeneration } from './rebind-generation.ts';
import type { Target } from '../../record/open-record.ts';
import { isRetiredKey } from '../../record/open-record.ts';
import type { StoreState } from '../../head/store-state.ts';
import { tryAgain } from '../../util/try-again.ts';

const MAX_TRIES = 10;

const RETIRED = 'the encryption key was retired before the new version was rewrapped';

/** Re-wraps the record of a commit under the primary key version. @returns whether it is stored at `name` */
async function rewrapOwn(
  { backend, monitor, cache }: Engine,
  { token }: Target,
  name: string,
  { header, record: own }: Committed,
): Promise<boolean> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const found = await backend.read(name);
    if (found === undefined) return false;
    const record = splitRecord(found.body);
    if (Buffer.compare(record.header.commitId, header.commitId) !== 0) return false;
    const { keys } = monitor.state;
    // A process that knows a newer head has re-wrapped it under a newer key version.
    if (!keys.knows(record.envelope.keyId)) return true;
    const { primary } = keys.category(header.categoryId);
    const under = keys.version(record.envelope.keyId, header.categoryId);
    // Anyone with the retired key could have sealed it: only the bytes that were written are known to be genuine.
    if (under.state === 'disabled' && (own === undefined || !asBuffer(own).equals(found.body))) {
      throw tryAgain('UNAVAILABLE', RETIRED);
    }
    // Re-wrapping can't change the suite: a re-encryption does.
    if (under.label === primary.label || under.suite !== primary.suite) return true;
    try {
      await backend.write(name, rewrapRecord(found.body, under, primary), { ifMatch: found.etag ?? '' });
      return true;
    } catch (error) {
      if (!isUndecided(error)) throw error;
    } finally {
      cache.delete(token);
    }
  }
  throw tryAgain('UNAVAILABLE', `cannot rewrap the new version: ${MAX_TRIES} tries failed`);
}

/**
 * Fences a commit against every change of the head that came while it was under way, before it may be acknowledged. It must not stay
 * under a key that has been replaced, nor unknown to a journal that was switched on or may have forgotten it. It must not be taken for
 * an object from before a checkpoint, and not stay in a category that its name has left.
 *
 * @returns the commit under a head that has been confirmed
 * @throws SecureStoreError `UNAVAILABLE` if it can't be brought under the newest keys; what the backend throws
 */
export async function fenceCommit(
  engine: Engine,
  target: Target,
  committed: Committed,
  signal: AbortSignal | undefined,
): Promise<Committed> {
  const { monitor, journal } = engine;
  let done = committed;
  for (;;) {
    const { state } = monitor;
    const { head } = state;
    if (!(head.journal === 'off' || journal.covers(done.announced))) {
      done = { ...done, announced: await journal.announce(target.token, done.header.commitId, signal) };
    } else if (head.generation === done.generation) return done;
    else done = await underHead(engine, state, target, done, signal);
    const wait = monitor.acknowledge(signal);
    if (wait !== undefined) await wait;
    monitor.checkWritable();
  }
}

/** Brings an announced commit under the keys and the categories of `state`. */
async function underHead(
  engine: Engine,
  state: StoreState,
  target: Target,
  committed: Committed,
  signal: AbortSignal | undefined,
): Promise<Committed> {
  const { header, generation } = committed;
  const { token } = target;
  if (!state.categories.idOf(target.key).equals(header.categoryId)) {
    await announceCommit(engine, state, token, header.commitId, undefined, signal);
    const moved = await rebindCategory(engine, target, committed.record, signal);
    const keys = state.keys.category(moved.header.categoryId);
    return { ...committed, ...moved, generation: moved.header.generation, state, keys };
  }
  const keys = state.keys.category(header.categoryId);
  // A commit that was found after an unknown outcome may have been prepared under an older state than the one it comes with.
  if (generation !== committed.state.head.generation || keys.primary.label !== committed.keys.primary.label) {
    // Consumers that have read the record already copy its new envelope.
    await announceCommit(engine, state, token, header.commitId, undefined, signal);
    const isThere =
      (await rewrapOwn(engine, target, objectName(token), committed)) ||
      // Another writer has replaced it, and copied it to the history before.
      (await rewrapOwn(engine, target, historyName(token, header.version), committed));
    // A record that landed under a retired key is replaced without a copy, since it may never have been acknowledged.
    if (!isThere && isRetiredKey(state, committed.keys.primary)) {
      throw tryAgain('UNAVAILABLE', RETIRED);
    }
  }
  // Copies that were read before stay valid: this keeps the version, and its key is in use.
  if (committed.late) await rebindGeneration(engine, target, header, signal);
  return { ...committed, state, keys, generation: state.head.generation };
}
