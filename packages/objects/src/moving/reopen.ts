import type { Engine } from '../engine.ts';
import { changeHead } from '../head-change.ts';
import { isMember } from '../owner.ts';

/**
 * Opens a store again that was closed to move, and whose move did not come to its end. Whoever moves it notices: it has moved only once
 * the head of the place that it leaves says so, in a change of the very head that closed it.
 */
export async function reopen(engine: Engine, signal?: AbortSignal): Promise<void> {
  const { watcher } = engine;
  if (isMember(watcher.state)) return;
  await changeHead(
    engine,
    async ({ head }) => {
      if (head.state !== 'closing') return undefined;
      const { migration } = head;
      return { head: { state: 'open', migration: migration && { ...migration, stage: 'copying' } } };
    },
    signal,
    () => watcher.checkFollowing(),
  );
}
