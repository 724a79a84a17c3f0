import type { WriteResult } from '@securestore/backend-api';
import { historyName, objectName, SecureStoreError } from '@securestore/core-format';
import type { Mutation } from './mutation.ts';
import type { Engine } from '../../engine/engine.ts';
import { copyToHistory, historyCopy, isCopied, withdrawCopy } from './archive-version.ts';
import { checkHeld, LostRace } from './mutation.ts';
import type { Current } from '../../record/open-record.ts';
import type { StoreState } from '../../head/store-state.ts';

/**
 * Copies `current` to the history, then replaces it by `record`; in one batch if the backend has batches.
 *
 * @throws LostRace, SecureStoreError `CONFLICT`
 */
export async function replace(
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
  const created = await copyToHistory(engine, mutation, copyName, copy, current);
  try {
    checkHeld(mutation);
    return await backend.write(name, record, { ifMatch, signal });
  } catch (error) {
    // The race is lost either way; the next purge finds a copy that stays.
    if (created && (error instanceof LostRace || SecureStoreError.is(error, 'CONFLICT')))
      await withdrawCopy(engine, token, copyName, current).catch(() => undefined);
    throw error;
  }
}
