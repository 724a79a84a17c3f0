import { historyPrefix, ID_LENGTH, noId, objectName, SecureStoreError } from '@securestore/core-format';
import { instant } from '@securestore/jobs';
import { succession } from './supersede-damaged.ts';
import type { Engine } from '../../engine/engine.ts';
import { damageAdvice } from '../../record/damage-advice.ts';
import { withRefreshedKeys } from '../../record/stable-read.ts';
import { listPage } from '../../util/listing.ts';
import type { Current, Target } from '../../record/open-record.ts';
import { isRetired, openAt } from '../../record/open-record.ts';

/**
 * The predecessor that a version names if it replaces a record under a retired key. A new object that landed late has no history, since
 * it was written on the condition that nothing was there, and it counts as nothing. If there is a history, another record has taken the
 * place of an acknowledged version: a random commit id leaves a gap in the chain, which `verify` reports.
 */
async function commitBeforeRefused(engine: Engine, { token }: Target, signal: AbortSignal | undefined) {
  const { entries } = await listPage(engine.backend, historyPrefix(token), { limit: 1, signal });
  return entries.length === 0 ? noId() : engine.random(ID_LENGTH);
}

/** Why a damaged record is in the way, and what to do. It is never replaced silently, so that the damage stays in sight. */
function inTheWay(error: SecureStoreError, key: string): SecureStoreError {
  const message = `${error.message}. The object was left as it is.`;
  return SecureStoreError.from(error, { message, advice: damageAdvice(key) });
}

/** How the current record is read. */
export interface LoadCurrentOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether a damaged record is returned, to be replaced; it is an error otherwise. */
  readonly allowDamaged?: boolean | undefined;
}

/**
 * Reads the current record of an object, and caches it for the next overwrite.
 *
 * @throws SecureStoreError `INTEGRITY` if it is damaged; errors of opening a record and of the backend
 */
export async function loadCurrent(
  engine: Engine,
  target: Target,
  { signal, allowDamaged }: LoadCurrentOptions = {},
): Promise<Current> {
  const since = instant(engine.clock);
  const found = await engine.backend.read(objectName(target.token), { signal });
  if (found === undefined) {
    engine.cache.delete(target.token);
    return undefined;
  }
  const stored = { bytes: found.body, etag: found.etag ?? '' };
  try {
    const opened = await withRefreshedKeys(engine, found.body, (state) => openAt(state, target, found.body), signal);
    engine.cache.setRead(target.token, stored, since);
    return { stored, opened };
  } catch (error) {
    if (!SecureStoreError.is(error)) throw error;
    if (namesRetiredKey(engine, found.body)) {
      engine.cache.delete(target.token);
      const previousCommitId = await commitBeforeRefused(engine, target, signal);
      return { stored, reason: error, previousCommitId, version: 0, origin: 0 };
    }
    if (error.code !== 'INTEGRITY') throw error;
    if (allowDamaged !== true) throw inTheWay(error, target.key);
    engine.cache.delete(target.token);
    return { stored, reason: error, ...(await succession(engine, target, found.body, signal)) };
  }
}

function namesRetiredKey({ monitor }: Engine, bytes: Uint8Array): boolean {
  try {
    return isRetired(monitor.state, bytes);
  } catch (error) {
    // Bytes that are no record name no key.
    if (SecureStoreError.is(error)) return false;
    throw error;
  }
}
