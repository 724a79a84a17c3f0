import type { Engine } from '../engine/engine.ts';
import { categoryKeys } from './record-keys.ts';

/**
 * What `read` gives, released only when the head is known under which its keys were good. Where the keys have been changed
 * meanwhile, it is read again: a process that was idle knows of them only now, and they may have been destroyed or retired.
 *
 * @throws SecureStoreError what `read` throws, and what confirming the head throws
 */
export async function underConfirmedKeys<T>(
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
