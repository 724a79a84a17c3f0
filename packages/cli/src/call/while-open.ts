import { extensionsOf } from '@securestore/objects/internal';
import type { SecureStore } from 'securestore';

/** How often a program that goes on looks whether it can, in milliseconds. */
const LOOK_EVERY = 10_000;

/**
 * Runs `body` for as long as the store can be used by this process.
 *
 * @param body ends once its signal aborts: by `signal`, or since nothing but another start helps
 * @throws SecureStoreError why nothing but another start helps, such as `LOCKED` if the store has moved; what `body` throws
 */
export async function whileOpen<T>(
  store: SecureStore,
  signal: AbortSignal,
  body: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { health } = extensionsOf(store);
  const lost = new AbortController();
  health.onLost((error) => lost.abort(error));
  const looks = setInterval(() => void health.blocked(lost.signal), LOOK_EVERY);
  try {
    return await body(AbortSignal.any([signal, lost.signal]));
  } finally {
    clearInterval(looks);
    if (!signal.aborted) lost.signal.throwIfAborted();
  }
}
