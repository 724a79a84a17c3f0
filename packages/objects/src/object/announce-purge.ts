import { historyName, objectName, SecureStoreError, splitRecord } from '@securestore/core-format';
import type { Committed } from './commit/mutation.ts';
import type { Engine } from '../engine/engine.ts';
import { announceCommit } from '../journal/announce.ts';

/** A purge that has deleted what it buried. */
interface Purge {
  /** Of its tombstone; `undefined` where nothing lay at the name. */
  readonly version?: number | undefined;
  /** The tombstone, where the call that deleted wrote it. */
  readonly prepared?: Committed | undefined;
}

/** The commit of a purge that was found: its tombstone lies at the name, or in the history of what was stored since. */
async function commitOf(
  { backend }: Engine,
  token: string,
  version: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  for (const name of [objectName(token), historyName(token, version)]) {
    const found = await backend.read(name, { signal });
    if (found === undefined) continue;
    try {
      const { header } = splitRecord(found.body);
      if (header.version === version) return header.commitId;
    } catch (error) {
      if (!SecureStoreError.is(error)) throw error;
    }
  }
  return undefined;
}

/**
 * Tells the journal of a purge once more, when what it deletes is gone. Whoever brings changes elsewhere may have looked at the object
 * when its tombstone was there already, and what that buries was, too; and would leave it there for good.
 *
 * @throws SecureStoreError as {@link announceCommit} does
 */
export async function announceDeleted(
  engine: Engine,
  token: string,
  { version, prepared }: Purge,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { state } = engine.watcher;
  if (state.head.journal === 'off' || version === undefined) return;
  const commit = prepared?.header.commitId ?? (await commitOf(engine, token, version, signal));
  if (commit !== undefined) await announceCommit(engine, state, token, commit, undefined, signal);
}
