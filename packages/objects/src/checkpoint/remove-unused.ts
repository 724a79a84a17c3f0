import { AREAS, asBuffer, SYSTEM_PREFIX_LENGTH, SecureStoreError, systemBodyKeyId } from '@securestore/core-format';
import type { ReadResult } from '@securestore/backend-api';
import type { Engine } from '../engine/engine.ts';
import { GRACE_PERIOD } from '../engine/engine.ts';
import { entriesUnder } from '../util/listing.ts';
import { deleteUnchanged } from '../engine/sealed-objects.ts';
import { loadCheckpoint, namesOf } from './load.ts';

/** Whether a body is stored under a journal key that has been replaced; one that this process doesn't know yet is newer. */
function isReplaced({ monitor }: Engine, body: Uint8Array): boolean {
  try {
    const label = asBuffer(systemBodyKeyId(body)).toString('hex');
    return monitor.state.keys.versions.some((version) => version.label === label && version.state !== 'primary');
  } catch (error) {
    // What is no page at all stays for the grace period, like everything else.
    if (SecureStoreError.is(error)) return false;
    throw error;
  }
}

/** Whether nobody can come to need it: under another journal key than checkpoints are made with, or long unused. */
function isUseless(engine: Engine, { body, modified, now = engine.clock.now() }: ReadResult): boolean {
  return now - modified > GRACE_PERIOD || isReplaced(engine, body);
}

/** Not if another process has written it again meanwhile, since it is needed again: the name of a page is that of its contents. */
async function removeUseless(engine: Engine, name: string, signal: AbortSignal | undefined): Promise<void> {
  const { backend } = engine;
  const beginning = await backend.read(name, { start: 0, end: SYSTEM_PREFIX_LENGTH, signal });
  if (beginning === undefined || !isUseless(engine, beginning)) return;
  const found = await backend.read(name, { signal });
  if (found !== undefined && isUseless(engine, found)) await deleteUnchanged(engine, name, found.etag ?? '');
}

/**
 * Removes pages and roots of which no checkpoint has any use: those of older ones once they are older than the grace
 * period, and at once if they are stored under a journal key that has been replaced.
 */
export async function removeUnused(engine: Engine, signal?: AbortSignal): Promise<void> {
  await engine.monitor.refresh(signal);
  const used = namesOf(await loadCheckpoint(engine, signal));
  for await (const entry of entriesUnder(engine.backend, AREAS.checkpoints, { signal })) {
    if (!used.has(entry.key)) await removeUseless(engine, entry.key, signal);
  }
}
