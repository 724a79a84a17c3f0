import { asBuffer, historyName, objectName, SecureStoreError, splitRecord } from '@securestore/core-format';
import { rewrapRecord } from '@securestore/crypto';
import type { Engine } from '../../engine/engine.ts';
import { announceCommit } from '../../journal/announce.ts';
import type { Committed } from './mutation.ts';
import { intoCategory } from './into-category.ts';
import { recommit } from './rebind-generation.ts';
import type { Target } from '../../record/open-record.ts';
import { isRetiredKey } from '../../record/open-record.ts';
import type { StoreState } from '../../head/store-state.ts';
import { isUndecided } from '../../util/indeterminate.ts';

const MAX_TRIES = 10;

/** Brings the record of a commit, where it lies at `name`, under the primary key version. */
async function rewrapOwn(
  { backend, watcher, cache }: Engine,
  { token }: Target,
  name: string,
  { header, record: own }: Committed,
): Promise<boolean> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const found = await backend.read(name);
    if (found === undefined) return false;
    const record = splitRecord(found.body);
    if (Buffer.compare(record.header.commitId, header.commitId) !== 0) return false;
    const { keys } = watcher.state;
    // Somebody who has followed the head further has brought it under a newer one.
    if (!keys.knows(record.envelope.keyId)) return true;
    const { primary } = keys.category(header.categoryId);
    const under = keys.version(record.envelope.keyId, header.categoryId);
    // Whoever has a retired key could have sealed it: only the very bytes that were written are what was written.
    if (under.state === 'disabled' && (own === undefined || !asBuffer(own).equals(found.body))) {
      throw new SecureStoreError('UNAVAILABLE', 'its key version was retired before the new record landed; try again');
    }
    // Another suite can't be had by re-wrapping: such a change is a job that seals anew.
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
  throw new SecureStoreError('UNAVAILABLE', 'the new record could not be brought under the new key; try again');
}

/**
 * The next step of what a commit owes to changes of the head that came while it was under way, before it may be acknowledged. It must
 * not stay under a key that has been replaced, nor unknown to a journal that was switched on or may have forgotten it. It must not be
 * taken for an object from before a checkpoint, and not stay in a category that its name has left.
 *
 * @param isAnnounced whether the journal knows of it
 * @returns the commit with the step done, under a head that has been confirmed
 */
export async function fenceCommit(
  engine: Engine,
  target: Target,
  committed: Committed,
  isAnnounced: boolean,
  signal: AbortSignal | undefined,
): Promise<Committed> {
  const { watcher } = engine;
  const { state } = watcher;
  const next = await step(engine, state, target, committed, isAnnounced, signal);
  const wait = watcher.acknowledge(signal);
  if (wait !== undefined) await wait;
  watcher.checkWritable();
  return next;
}

async function step(
  engine: Engine,
  state: StoreState,
  target: Target,
  committed: Committed,
  isAnnounced: boolean,
  signal: AbortSignal | undefined,
): Promise<Committed> {
  const { header, generation } = committed;
  const { token } = target;
  if (!isAnnounced) {
    return { ...committed, announced: await engine.journal.announce(token, header.commitId, signal) };
  }
  if (!state.categories.idOf(target.key).equals(header.categoryId)) {
    await announceCommit(engine, state, token, header.commitId, undefined, signal);
    const moved = await intoCategory(engine, target, committed.record, signal);
    const keys = state.keys.category(moved.header.categoryId);
    return { ...committed, ...moved, generation: moved.header.generation, state, keys };
  }
  const keys = state.keys.category(header.categoryId);
  // A commit that was found after an unknown outcome may have been prepared under an older state than the one it comes with.
  if (generation !== committed.state.head.generation || keys.primary.label !== committed.keys.primary.label) {
    // Whoever has read it already takes over the new envelope too.
    await announceCommit(engine, state, token, header.commitId, undefined, signal);
    const isThere =
      (await rewrapOwn(engine, target, objectName(token), committed)) ||
      // Somebody has replaced it already, who copied it to the history.
      (await rewrapOwn(engine, target, historyName(token, header.version), committed));
    // Whoever finds what landed when its key had been retired replaces it without a copy: it may never have counted.
    if (!isThere && isRetiredKey(state, committed.keys.primary)) {
      throw new SecureStoreError(
        'UNAVAILABLE',
        'its key version was retired before it could be brought under the new one, and it is not there any more',
      );
    }
  }
  // Whoever has read it already may keep what it read: it is the same version, under a key that is as good.
  if (committed.late) await recommit(engine, target, header, signal);
  return { ...committed, state, keys, generation: state.head.generation };
}
