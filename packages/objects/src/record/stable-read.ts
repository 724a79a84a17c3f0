import type { Engine } from '../engine/engine.ts';
import { splitRecord } from '@securestore/core-format';
import type { StoreState } from '../head/store-state.ts';
import { categoryKeys } from './record-keys.ts';

/**
 * What `read` gives, released only when the head is known under which its keys were good. Where the keys have been changed
 * meanwhile, it is read again: a process that was idle knows of them only now, and they may have been destroyed or retired.
 *
 * @throws SecureStoreError what `read` throws, and what confirming the head throws
 */
export async function underStableKeys<T>(
  { watcher }: Engine,
  read: () => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const reconsidered = watcher.reconsider(signal);
  if (reconsidered !== undefined) await reconsidered;
  while (true) {
    const { keys } = watcher.state;
    const result = await read();
    const wait = watcher.acknowledge(signal);
    if (wait !== undefined) await wait;
    if (watcher.state.keys === keys) return result;
  }
}

/**
 * What `attempt` gives. What it is refused for is so only when the head is known under which its keys were good; else it is tried
 * again, as {@link underStableKeys} does.
 *
 * @param isRefusal whether an error says what `attempt` found, and not that it could not look
 * @throws SecureStoreError what `attempt` throws, and what confirming the head throws
 */
export async function refusedUnderStableKeys<T>(
  { watcher }: Engine,
  attempt: () => Promise<T>,
  isRefusal: (error: unknown) => boolean,
  signal: AbortSignal | undefined,
): Promise<T> {
  while (true) {
    const { keys } = watcher.state;
    try {
      return await attempt();
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const wait = watcher.acknowledge(signal);
      if (wait !== undefined) await wait;
      if (watcher.state.keys === keys) throw error;
    }
  }
}

/**
 * To be called when something has been read on for long that was found before.
 *
 * @throws SecureStoreError `KEY_DESTROYED` where the keys of its category have been destroyed since, or are to be; and as
 *   {@link HeadWatcher.acknowledge}
 */
export async function confirmStill(
  { watcher }: Engine,
  categoryId: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  const wait = watcher.acknowledge(signal);
  if (wait !== undefined) await wait;
  categoryKeys(watcher.state, categoryId);
}

/**
 * Opens a record; where it names a key version that this process doesn't know, with the keys of the newest head: it was
 * written after a change that this process has not followed yet.
 *
 * @throws SecureStoreError what `open` throws; `LOCKED` where the newest keys can't be had
 */
export async function withNewestKeys<T>(
  { watcher }: Engine,
  bytes: Uint8Array,
  open: (state: StoreState) => T,
  signal?: AbortSignal,
): Promise<T> {
  try {
    return open(watcher.state);
  } catch (error) {
    const { keys, categories } = watcher.state;
    if (keys.knows(keyIdOf(bytes))) {
      // Since a change of the categories, of which a process knows that was not idle, its name may belong to another one.
      const wait = watcher.acknowledge(signal);
      if (wait === undefined) throw error;
      await wait;
      if (watcher.state.categories === categories) throw error;
    } else {
      await watcher.refresh(signal);
      watcher.checkFollowing();
    }
    return open(watcher.state);
  }
}

function keyIdOf(bytes: Uint8Array): Uint8Array {
  return splitRecord(bytes).envelope.keyId;
}
