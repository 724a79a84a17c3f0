import { atEnd } from './ending.ts';

/**
 * Calls once when whoever looks may have gone: the window is not in front any more, or not seen, or the session is over.
 *
 * @returns waits for it no longer
 */
export function whenUnseen(then: () => void): () => void {
  const listening = new AbortController();
  const { signal } = listening;
  const leave = atEnd(gone);
  addEventListener('blur', gone, { signal });
  addEventListener('pagehide', gone, { signal });
  document.addEventListener('visibilitychange', () => document.visibilityState === 'hidden' && gone(), { signal });
  function stop(): void {
    listening.abort();
    leave();
  }
  function gone(): void {
    stop();
    then();
  }
  return stop;
}
