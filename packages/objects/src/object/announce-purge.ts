import { historyName, objectName, SecureStoreError, splitRecord } from '@securestore/core-format';
import type { Committed } from './commit/mutation.ts';
import type { Engine } from '../engine/engine.ts';
import { announceCommit } from '../journal/announce.ts';

/** A purge that has deleted what it buried. */
export interface Purge {
  /** Version of its tombstone, before which all versions are deleted; `undefined` if there was no object. */
  readonly version?: number | undefined;
  /** The tombstone, if this call wrote it. */
  readonly prepared?: Committed | undefined;
}

/** The commit id of an earlier purge. Its tombstone is current, or in the history of a later object. */
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
 * Announces a purge again after the history is deleted. A consumer may have read the object between the tombstone and that, when the
 * history was still there, and would otherwise keep it for good.
 *
 * @throws SecureStoreError as {@link announceCommit} does
 */
export async function announceDeleted(
  engine: Engine,
  token: string,
  { version, prepared }: Purge,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { state } = engine.monitor;
  if (state.head.journal === 'off' || version === undefined) return;
  const commit = prepared?.header.commitId ?? (await commitOf(engine, token, version, signal));
  if (commit !== undefined) await announceCommit(engine, state, token, commit, undefined, signal);
}
