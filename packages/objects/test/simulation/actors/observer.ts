import type { World } from '../world.ts';
import { openPatiently } from './client.ts';
import { perform } from './perform.ts';

/** A process that comes when all is over, and reads everything there is. */
export async function observer(world: World, keys: readonly string[], name = 'observer'): Promise<void> {
  const process = world.startProcess(name, { skew: 0, drift: 0 });
  const opened = await openPatiently(world, process);
  if (opened === undefined) return;
  const { store } = opened;
  for (const { id, state } of await store.encryptionKeys.list()) if (state === 'primary') world.primaries.add(id);
  for (const key of keys) {
    await perform(world, process, store, key, { type: 'retrieve' });
    const outcome = await perform(world, process, store, key, { type: 'history' });
    if (outcome.type !== 'ok') continue;
    for (const { version, deleted } of outcome.entries ?? []) {
      if (!deleted) await perform(world, process, store, key, { type: 'retrieveVersion', version });
    }
  }
}
