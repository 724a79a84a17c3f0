import { HEAD_NAME } from '@securestore/core-format';
import type { Engine } from '../engine/engine.ts';
import { SETTLED_AFTER } from '../head/freshness-bounds.ts';

/**
 * Whether the head of now has stood, with the journal on, for so long that nobody acts on an older one any more: by the clock of the
 * backend, which has to tell it.
 */
export async function hasStood({ backend, watcher }: Engine, signal?: AbortSignal): Promise<boolean> {
  await watcher.refresh(signal);
  if (watcher.state.head.journal !== 'on') return false;
  const found = await backend.read(HEAD_NAME, { signal });
  if (found?.now === undefined) return false;
  const { clockSkew, modifiedResolution } = backend.capabilities;
  return found.now - found.modified > SETTLED_AFTER + 2 * clockSkew + modifiedResolution;
}
