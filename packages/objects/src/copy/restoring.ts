import type { Engine } from '../engine.ts';
import type { HeadPlan } from '../head-change.ts';
import { changeHead } from '../head-change.ts';
import type { StoreState } from '../state.ts';

function toState({ head }: StoreState, state: 'open' | 'restoring'): HeadPlan | undefined {
  return head.state === state ? undefined : { head: { state } };
}

/** Has nobody but this process write while `body` restores the store. */
export async function whileRestoring<T>(engine: Engine, body: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const { watcher } = engine;
  watcher.restores = true;
  try {
    await changeHead(engine, async (state) => toState(state, 'restoring'), signal);
    await watcher.settle(signal);
    const result = await body();
    await endRestoring(engine, signal);
    return result;
  } finally {
    watcher.restores = false;
  }
}

/** Opens the store to writers again. */
export async function endRestoring(engine: Engine, signal?: AbortSignal): Promise<void> {
  const { watcher } = engine;
  const before = watcher.restores;
  watcher.restores = true;
  try {
    await changeHead(engine, async (state) => toState(state, 'open'), signal);
  } finally {
    watcher.restores = before;
  }
}
