import type { Engine } from '../../engine/engine.ts';
import type { StoreState } from '../../head/store-state.ts';
import { countKeyUsage } from './key-usage.ts';
import { retireUnused } from './keys.ts';
import { awaitQuiescence } from './await-quiescence.ts';

/** The ids of the versions of the journal key that seal nothing new, and were not retired. */
function replacedOfJournal({ keys }: StoreState): ReadonlySet<string> {
  const replaced = keys.versions.filter(({ kind, state }) => kind === 'journal' && state === 'enabled');
  return new Set(replaced.map(({ label }) => label));
}

/** Whether there is anything to retire; a rotation that is under way does so itself. */
function isDue(state: StoreState): boolean {
  return state.head.rotation === undefined && replacedOfJournal(state).size > 0;
}

/**
 * Retires the older versions of the journal key under which nothing lies any more. A rotation leaves in use what seals hints, and these
 * go with time.
 *
 * @throws SecureStoreError `LOCKED`, `CONFLICT` if others come first again and again, and what the backend throws
 */
export async function retireJournalKeys(engine: Engine, signal: AbortSignal): Promise<void> {
  if (!isDue(engine.monitor.state)) return;
  const settled = await awaitQuiescence(engine, signal);
  const { state } = engine.monitor;
  if (!isDue(state)) return;
  const candidates = new Set([...replacedOfJournal(state)].filter((id) => settled.has(id)));
  // Records lie under other keys.
  await retireUnused(engine, candidates, await countKeyUsage(engine, { signal, ownOnly: true }), signal);
}
