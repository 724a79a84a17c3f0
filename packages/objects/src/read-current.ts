import { objectName } from '@securestore/core-format';
import type { Engine } from './engine.ts';
import type { Current, Target } from './records.ts';
import { withNewestKeys } from './newest-keys.ts';
import { openAt } from './records.ts';

/** What lies at a name now; it is kept for the next overwrite. */
export async function readCurrent(engine: Engine, target: Target, signal?: AbortSignal): Promise<Current> {
  const found = await engine.backend.read(objectName(target.token), { signal });
  if (found === undefined) {
    engine.cache.delete(target.token);
    return undefined;
  }
  const stored = { bytes: found.body, etag: found.etag ?? '' };
  const opened = await withNewestKeys(engine, found.body, (state) => openAt(state, target, found.body), signal);
  engine.cache.set(target.token, stored);
  return { stored, opened };
}
