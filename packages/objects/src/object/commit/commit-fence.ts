import { asBuffer, historyName, objectName, SecureStoreError, splitRecord } from '@securestore/core-format';
import type { RecordHeader } from '@securestore/core-format';
import type { CategoryKeys } from '@securestore/crypto';
import { rewrapRecord } from '@securestore/crypto';
import type { Engine } from '../../engine/engine.ts';
import { announceCommit } from '../../journal/announce.ts';
import type { Announced } from '../../engine/journal-writer.ts';
import { intoCategory } from './into-category.ts';
import { recommit } from './rebind-generation.ts';
import type { Target } from '../../record/open-record.ts';
import { isRetiredKey } from '../../record/open-record.ts';
import type { StoreState } from '../../head/store-state.ts';
import { isUndecided } from '../../util/indeterminate.ts';

/** A commit that took effect, and the state that it was prepared under. */
export interface Prepared {
  readonly state: StoreState;
  readonly header: RecordHeader;
  readonly keys: CategoryKeys;
  /** When the journal was told of the commit, if it was. */
  readonly announced: Announced | undefined;
  /** The record as it was written; `undefined` where it was found, and is not known to be what was written last. */
  readonly record: Uint8Array | undefined;
  /** Whether it may have landed when others relied already on nobody acting on its generation of the head any more. */
  readonly late: boolean;
}

const MAX_TRIES = 10;

/** Brings the record of a commit, where it lies at `name`, under the primary key version. */
async function rewrapOwn(
  { backend, watcher, cache }: Engine,
  { token }: Target,
  name: string,
  { header, record: own }: Prepared,
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
 * What a commit owes to changes of the head that came while it was under way, before it may be acknowledged: it must
 * not stay under a key that has been replaced, not unknown to a journal that was switched on, or that may have forgotten
 * it, must not be taken for an object from before a checkpoint, and not stay in a category that its name has left.
 *
 * @returns the commit under the newest state
 */
export async function catchUp(
  engine: Engine,
  target: Target,
  prepared: Prepared,
  signal: AbortSignal | undefined,
): Promise<Prepared> {
  const { watcher, journal } = engine;
  let { header } = prepared;
  const { token } = target;
  const confirm = async (): Promise<void> => {
    const wait = watcher.acknowledge(signal);
    if (wait !== undefined) await wait;
    watcher.checkWritable();
  };
  let done = prepared;
  // A commit that was found after an unknown outcome may have been prepared under an older state than the one it comes with.
  let { generation } = header;
  for (;;) {
    const { state } = watcher;
    if (state.head.journal === 'on' && !journal.covers(done.announced)) {
      done = { ...done, announced: await journal.announce(token, header.commitId, signal) };
      await confirm();
      continue;
    }
    if (state.head.generation === generation) return done;
    if (!state.categories.idOf(target.key).equals(header.categoryId)) {
      await announceCommit(engine, state, token, header.commitId, undefined, signal);
      const moved = await intoCategory(engine, target, done.record, signal);
      ({ header } = moved);
      ({ generation } = header);
      done = { ...done, ...moved, state, keys: state.keys.category(header.categoryId) };
      await confirm();
      continue;
    }
    const keys = state.keys.category(header.categoryId);
    if (generation !== done.state.head.generation || keys.primary.label !== done.keys.primary.label) {
      // Whoever has read it already takes over the new envelope too.
      await announceCommit(engine, state, token, header.commitId, undefined, signal);
      const isThere =
        (await rewrapOwn(engine, target, objectName(token), done)) ||
        // Somebody has replaced it already, who copied it to the history.
        (await rewrapOwn(engine, target, historyName(token, header.version), done));
      // Whoever finds what landed when its key had been retired replaces it without a copy: it may never have counted.
      if (!isThere && isRetiredKey(state, done.keys.primary)) {
        throw new SecureStoreError(
          'UNAVAILABLE',
          'its key version was retired before it could be brought under the new one, and it is not there any more',
        );
      }
    }
    // Whoever has read it already may keep what it read: it is the same version, under a key that is as good.
    if (prepared.late) await recommit(engine, target, header, signal);
    done = { ...done, state, keys };
    ({ generation } = state.head);
    await confirm();
  }
}
