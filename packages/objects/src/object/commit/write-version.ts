import type { WriteResult } from '@securestore/backend-api';
import { historyName, objectName, SecureStoreError } from '@securestore/core-format';
import type { Mutation } from './mutation.ts';
import type { Engine } from '../../engine/engine.ts';
import { archiveVersion, archivedRecord, isArchived, withdrawArchived } from './archive-version.ts';
import { checkStillValid, WriteConflict } from './mutation.ts';
import type { Current } from '../../record/open-record.ts';
import type { StoreState } from '../../head/store-state.ts';

/**
 * Copies `current` to the history, then replaces it by `record`; in one batch if the backend has batches.
 *
 * @throws WriteConflict, SecureStoreError `CONFLICT`
 */
export async function writeVersion(
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
  // A refused record must not be archived: the copy would be sealed under a key that is in use.
  if (current.opened === undefined) return backend.write(name, record, { ifMatch: current.stored.etag, signal });
  const copyName = historyName(token, current.opened.header.version);
  const copy = archivedRecord(state, current);
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
      if (
        !SecureStoreError.is(error, 'CONFLICT') ||
        error.index !== 0 ||
        !(await isArchived(engine, copyName, current))
      )
        throw error;
    }
    checkStillValid(mutation);
    return backend.write(name, record, { ifMatch, signal });
  }
  const created = await archiveVersion(engine, mutation, copyName, copy, current);
  try {
    checkStillValid(mutation);
    return await backend.write(name, record, { ifMatch, signal });
  } catch (error) {
    // The race is lost either way; the next purge finds a copy that stays.
    if (created && (error instanceof WriteConflict || SecureStoreError.is(error, 'CONFLICT')))
      await withdrawArchived(engine, token, copyName, current).catch(() => undefined);
    throw error;
  }
}
