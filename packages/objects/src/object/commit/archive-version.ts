import type { ReadResult } from '@securestore/backend-api';
import {
  AREAS,
  historyPrefix,
  objectName,
  SecureStoreError,
  splitRecord,
  splitUnderToken,
} from '@securestore/core-format';
import { rewrapRecord } from '@securestore/crypto';
import { isUndecided } from '@securestore/jobs';
import { MISPLACED_VERSION } from '../find-version.ts';
import type { Mutation } from './mutation.ts';
import type { Engine } from '../../engine/engine.ts';
import { checkStillValid } from './mutation.ts';
import { pagesUnder } from '../../util/listing.ts';
import type { Standing } from '../../record/open-record.ts';
import type { StoreState } from '../../head/store-state.ts';
import { deleteUnchanged } from '../../engine/sealed-objects.ts';

const MAX_COPY_TRIES = 3;

/** The current record as it goes to the history: under the primary key version, whatever it was sealed under. */
export function archivedRecord(state: StoreState, { stored, opened }: Standing): Uint8Array {
  const { primary } = state.keys.category(opened.header.categoryId);
  const same = primary.label === opened.key.label || primary.suite !== opened.key.suite;
  return same ? stored.bytes : rewrapRecord(stored.bytes, opened.key, primary);
}

/**
 * Replaces a copy that landed late: under a replaced key version, or from before its version was re-encrypted. The cached `current` may
 * be from before that as well, so it counts only if it is still there after the copy was read: re-encryption replaces it first.
 */
async function renewArchived(engine: Engine, name: string, found: ReadResult, current: Standing): Promise<void> {
  const { backend, monitor } = engine;
  const copy = archivedRecord(monitor.state, current);
  const there = splitRecord(found.body);
  // One that this process doesn't know yet is newer than its primary one.
  if (Buffer.compare(copy, found.body) === 0 || !monitor.state.keys.knows(there.envelope.keyId)) return;
  const { token } = splitUnderToken(AREAS.history, name) ?? {};
  if (token === undefined || (await backend.read(objectName(token)))?.etag !== current.stored.etag) return;
  try {
    await backend.write(name, copy, { ifMatch: found.etag ?? '' });
  } catch (error) {
    // Another process has done the same.
    if (!SecureStoreError.is(error, 'CONFLICT')) throw error;
  }
}

/** Whether the history holds this very version already, since an attempt that stopped half-way copied it. */
export async function isArchived(engine: Engine, name: string, current: Standing): Promise<boolean> {
  const found = await engine.backend.read(name);
  if (found === undefined) return false;
  if (Buffer.compare(splitRecord(found.body).header.commitId, current.opened.header.commitId) !== 0) {
    throw new SecureStoreError('INTEGRITY', MISPLACED_VERSION);
  }
  await renewArchived(engine, name, found, current);
  return true;
}

/**
 * @returns whether the copy is new, rather than left by another attempt
 * @throws WriteConflict if `current` may have been replaced and collected by now, so that a copy would bring it back
 */
export async function archiveVersion(
  engine: Engine,
  mutation: Mutation,
  name: string,
  copy: Uint8Array,
  current: Standing,
): Promise<boolean> {
  const { signal } = mutation;
  for (let tries = 1; ; tries++) {
    checkStillValid(mutation);
    try {
      await engine.backend.write(name, copy, { ifAbsent: true, signal });
      return true;
    } catch (error) {
      if (!isUndecided(error)) throw error;
      if (await isArchived(engine, name, current)) return error.code !== 'CONFLICT';
      if (tries < MAX_COPY_TRIES) continue;
      // The object itself was not touched, so its state is not in doubt.
      throw SecureStoreError.from(error, {
        message: `cannot copy the current version to the history: ${error.message}`,
        outcome: undefined,
        retryable: undefined,
        cause: error,
      });
    }
  }
}

/**
 * Removes the copy of a version that turned out to have been purged, so that this client doesn't bring it back. Every version that
 * replaced another without a purge names it as its predecessor, and is current or in the history. The copy is deleted on the condition
 * that it is unchanged if the backend has such deletions. Without them nothing else is lost: its name never holds another version.
 */
export async function withdrawArchived(
  engine: Engine,
  token: string,
  copyName: string,
  { opened }: Standing,
): Promise<void> {
  const { backend } = engine;
  const { commitId } = opened.header;
  const isKept = async (name: string): Promise<boolean> => {
    const found = await backend.read(name);
    const header = found && splitRecord(found.body).header;
    // This version may still be current, under another key: then the copy is about to be needed.
    return [header?.commitId, header?.previousCommitId].some(
      (id) => id !== undefined && Buffer.compare(id, commitId) === 0,
    );
  };
  const copy = await backend.read(copyName);
  if (copy === undefined || (await isKept(objectName(token)))) return;
  for await (const names of pagesUnder(backend, historyPrefix(token))) {
    const newer = names.filter((name) => name < copyName);
    for (const name of newer) if (await isKept(name)) return;
    if (newer.length < names.length) break;
  }
  await deleteUnchanged(engine, copyName, copy.etag ?? '');
}
