import { splitRecord } from '@securestore/core-format';
import type { Engine } from '../engine/engine.ts';
import type { StoreState } from '../head/store-state.ts';

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
