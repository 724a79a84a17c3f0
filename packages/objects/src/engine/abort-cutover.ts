import type { Head } from '@securestore/core-format';
import type { Engine } from './engine.ts';
import { commitHead } from './commit-head.ts';
import { isMember } from '../head/unlock/owner-keys.ts';
import { readHead } from '../head/store-state.ts';
import { hasLeftFor, isLanded } from '../head/move/staged-head.ts';

/** Whether a place that this process has left says that the store has moved from there to where it has landed. */
async function hasLeft({ place }: Engine, landed: Head, signal: AbortSignal | undefined): Promise<boolean> {
  const [before] = place?.left ?? [];
  const left = before && (await readHead(before, signal));
  return left !== undefined && hasLeftFor(left.head, landed);
}

/**
 * Opens a store again that was closed to move, and whose move did not come to its end. Whoever moves it notices: it has moved only once
 * the head of the place that it leaves says so, in a change of the very head that closed it. One that has landed is opened by whoever has come
 * from there, and knows.
 */
export async function abortCutover(engine: Engine, signal?: AbortSignal): Promise<void> {
  const { monitor } = engine;
  if (isMember(monitor.state)) return;
  await commitHead(engine, { signal, checkMayChange: () => monitor.checkFollowing() }, async ({ head }) => {
    if (head.state !== 'closing') return undefined;
    const { migration } = head;
    if (isLanded(head)) {
      return (await hasLeft(engine, head, signal)) ? { head: { state: 'open', migration: undefined } } : undefined;
    }
    return { head: { state: 'open', migration: migration && { ...migration, stage: 'copying' } } };
  });
}
