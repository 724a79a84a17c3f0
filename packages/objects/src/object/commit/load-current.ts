import { historyPrefix, ID_LENGTH, noId, objectName, SecureStoreError } from '@securestore/core-format';
import { instant } from '@securestore/jobs';
import { succession } from './supersede-damaged.ts';
import type { Engine } from '../../engine/engine.ts';
import { withNewestKeys } from '../../record/stable-read.ts';
import { listPage } from '../../util/listing.ts';
import type { Current, Target } from '../../record/open-record.ts';
import { isRetired, openAt } from '../../record/open-record.ts';

/**
 * What is to be named as the commit before by a version that replaces what can't be opened any more. A new object that
 * landed late has no history, since its condition was that nothing lay there: it counts as nothing. Where there is a
 * history, an acknowledged version has been replaced by somebody else; naming a commit that nobody made leaves a hole
 * in the chain, which `verify` reports.
 */
async function commitBeforeRefused(engine: Engine, { token }: Target, signal: AbortSignal | undefined) {
  const { entries } = await listPage(engine.backend, historyPrefix(token), { limit: 1, signal });
  return entries.length === 0 ? noId() : engine.random(ID_LENGTH);
}

/** Why a record that is damaged is in the way, and what to do: nobody should lose sight of it by storing something else. */
function inTheWay({ code, message, cause }: SecureStoreError): SecureStoreError {
  return new SecureStoreError(
    code,
    `${message}. It was left as it is. Scrub the store with a backup to repair it from; or restore the object from one with the ` +
      'conflict policy "overwrite", or store it with "ifDamaged", which keeps its history; or purge it with its history',
    { cause },
  );
}

/** How what lies at a name is read. */
export interface ReadCurrentOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether a record that is damaged is to be replaced: else it is an error. */
  readonly evenDamaged?: boolean | undefined;
}

/**
 * What lies at a name now; it is kept for the next overwrite.
 *
 * @throws SecureStoreError `INTEGRITY` where it is damaged, and what opening a record and the backend throw
 */
export async function readCurrent(
  engine: Engine,
  target: Target,
  { signal, evenDamaged }: ReadCurrentOptions = {},
): Promise<Current> {
  const since = instant(engine.clock);
  const found = await engine.backend.read(objectName(target.token), { signal });
  if (found === undefined) {
    engine.cache.delete(target.token);
    return undefined;
  }
  const stored = { bytes: found.body, etag: found.etag ?? '' };
  try {
    const opened = await withNewestKeys(engine, found.body, (state) => openAt(state, target, found.body), signal);
    engine.cache.set(target.token, stored, since);
    return { stored, opened };
  } catch (error) {
    if (!SecureStoreError.is(error)) throw error;
    if (namesRetiredKey(engine, found.body)) {
      engine.cache.delete(target.token);
      const previousCommitId = await commitBeforeRefused(engine, target, signal);
      return { stored, reason: error, previousCommitId, version: 0, origin: 0 };
    }
    if (error.code !== 'INTEGRITY') throw error;
    if (evenDamaged !== true) throw inTheWay(error);
    engine.cache.delete(target.token);
    return { stored, reason: error, ...(await succession(engine, target, found.body, signal)) };
  }
}

function namesRetiredKey({ watcher }: Engine, bytes: Uint8Array): boolean {
  try {
    return isRetired(watcher.state, bytes);
  } catch (error) {
    // What is no record at all names no key.
    if (SecureStoreError.is(error)) return false;
    throw error;
  }
}
