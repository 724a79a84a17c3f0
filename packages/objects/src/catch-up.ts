import { historyName, objectName, SecureStoreError, splitRecord } from '@securestore/core-format';
import type { RecordHeader } from '@securestore/core-format';
import type { CategoryKeys } from '@securestore/crypto';
import { rewrapRecord } from '@securestore/crypto';
import type { Engine } from './engine.ts';
import { recommit } from './recommit.ts';
import type { Target } from './records.ts';
import type { StoreState } from './state.ts';

/** A commit that took effect, and the state that it was prepared under. */
export interface Prepared {
  readonly state: StoreState;
  readonly header: RecordHeader;
  readonly keys: CategoryKeys;
  /** Whether it may have landed when others relied already on nobody acting on its generation of the head any more. */
  readonly late: boolean;
}

const MAX_TRIES = 10;

/** Brings the record of a commit, where it lies at `name`, under the primary key version. */
async function rewrapOwn(
  { backend, watcher, cache }: Engine,
  { token }: Target,
  name: string,
  header: RecordHeader,
): Promise<boolean> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const found = await backend.read(name);
    if (found === undefined) return false;
    const record = splitRecord(found.body);
    if (Buffer.compare(record.header.commitId, header.commitId) !== 0) return false;
    const { keys } = watcher.state;
    const { primary } = keys.category(header.categoryId);
    const under = keys.version(record.envelope.keyId, header.categoryId);
    // Another suite can't be had by re-wrapping: such a change is a job that seals anew.
    if (under.label === primary.label || under.suite !== primary.suite) return true;
    try {
      await backend.write(name, rewrapRecord(found.body, under, primary), { ifMatch: found.etag ?? '' });
      return true;
    } catch (error) {
      const moved = SecureStoreError.is(error) && (error.code === 'CONFLICT' || error.outcome === 'unknown');
      if (!moved) throw error;
    } finally {
      cache.delete(token);
    }
  }
  throw new SecureStoreError('UNAVAILABLE', 'the new record could not be brought under the new key; try again');
}

/**
 * What a commit owes to changes of the head that came while it was under way, before it may be acknowledged: it must
 * not stay under a key that has been replaced, nor be taken for an object from before a checkpoint.
 *
 * @returns the commit under the newest state
 */
export async function catchUp(
  engine: Engine,
  target: Target,
  prepared: Prepared,
  signal: AbortSignal | undefined,
): Promise<Prepared> {
  const { watcher } = engine;
  let done = prepared;
  // A commit that was found after an unknown outcome may have been prepared under an older state than the one it comes with.
  let { generation } = prepared.header;
  while (watcher.state.head.generation !== generation) {
    const { state } = watcher;
    const { header } = prepared;
    const keys = state.keys.category(header.categoryId);
    if (generation !== done.state.head.generation || keys.primary.label !== done.keys.primary.label) {
      const current = await rewrapOwn(engine, target, objectName(target.token), header);
      // Somebody has replaced it already, who copied it to the history.
      if (!current) await rewrapOwn(engine, target, historyName(target.token, header.version), header);
    }
    if (prepared.late) await recommit(engine, target, header, signal);
    done = { ...prepared, state, keys };
    ({ generation } = state.head);
    const wait = watcher.acknowledge(signal);
    if (wait !== undefined) await wait;
  }
  return done;
}
