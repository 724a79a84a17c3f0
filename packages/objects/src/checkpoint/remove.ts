import {
  AREAS,
  checkpointPageName,
  SYSTEM_PREFIX_LENGTH,
  SecureStoreError,
  systemBodyKeyId,
} from '@securestore/core-format';
import type { ListEntry } from '@securestore/backend-api';
import type { Engine } from '../engine.ts';
import { entriesUnder } from '../pages.ts';
import { GRACE_PERIOD } from './limits.ts';
import { loadCheckpoint } from './sealed.ts';

/** Whether nobody can come to need it: under another journal key than checkpoints are made with, or long unused. */
async function isUseless(engine: Engine, { key }: ListEntry, signal: AbortSignal | undefined): Promise<boolean> {
  const found = await engine.backend.read(key, { start: 0, end: SYSTEM_PREFIX_LENGTH, signal });
  if (found === undefined) return false;
  if ((found.now ?? engine.clock.now()) - found.modified > GRACE_PERIOD) return true;
  try {
    return !engine.watcher.state.keys.journal.primary.id.equals(systemBodyKeyId(found.body));
  } catch (error) {
    // What is no page at all stays for the grace period, like everything else.
    if (SecureStoreError.is(error)) return false;
    throw error;
  }
}

/**
 * Removes pages and roots of which no checkpoint has any use: those of older ones once they are older than the grace
 * period, and at once where they lie under a journal key that has been replaced.
 */
export async function removeUnused(engine: Engine, signal?: AbortSignal): Promise<void> {
  await engine.watcher.refresh(signal);
  const current = await loadCheckpoint(engine, signal);
  const used = new Set(current?.root.pages.map(({ id }) => checkpointPageName(id)));
  if (current !== undefined) used.add(current.reference.name);
  for await (const entry of entriesUnder(engine.backend, AREAS.checkpoints, { signal })) {
    if (used.has(entry.key) || !(await isUseless(engine, entry, signal))) continue;
    await engine.backend.delete(entry.key, { signal });
  }
}
