import { historyPrefix, ID_LENGTH, noId, objectName, SecureStoreError } from '@securestore/core-format';
import { instant } from '@securestore/jobs';
import type { Engine } from './engine.ts';
import { withNewestKeys } from './newest-keys.ts';
import { listPage } from './pages.ts';
import type { Current, Target } from './records.ts';
import { isRetired, openAt } from './records.ts';

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

/** What lies at a name now; it is kept for the next overwrite. */
export async function readCurrent(engine: Engine, target: Target, signal?: AbortSignal): Promise<Current> {
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
    if (!SecureStoreError.is(error) || !isRetired(engine.watcher.state, found.body)) throw error;
    engine.cache.delete(target.token);
    return { stored, reason: error, previousCommitId: await commitBeforeRefused(engine, target, signal) };
  }
}
