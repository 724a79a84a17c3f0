import type { Engine } from '../../engine/engine.ts';
import type { StoreState } from '../../head/store-state.ts';

/** The name of the keyring, which tells whether keys have been replaced. */
export const keyringOf = ({ head }: StoreState): string => head.references.keyring?.name ?? '';

/**
 * The ids of the key versions that seal nothing new any more. What waits to be destroyed can't be re-keyed, and the audit log and
 * backups stay as they were written.
 */
function replacedVersions({ keys }: StoreState): Set<string> {
  const replaced = keys.versions.filter(
    ({ kind, state, destroyAt }) => kind !== 'audit' && kind !== 'backup' && state === 'enabled' && destroyAt === 0,
  );
  return new Set(replaced.map(({ label }) => label));
}

/** Waits until nobody seals anything under the key versions that have been replaced by now, and gives their ids. */
export async function awaitQuiescence(engine: Engine, signal: AbortSignal): Promise<Set<string>> {
  while (true) {
    await engine.monitor.refresh(signal);
    const keyring = keyringOf(engine.monitor.state);
    const replaced = replacedVersions(engine.monitor.state);
    await engine.monitor.quiesce(signal);
    await engine.monitor.refresh(signal);
    if (keyringOf(engine.monitor.state) === keyring) return replaced;
  }
}
