/** Resolves after some milliseconds; rejects with the reason of `signal` when that is aborted first. */
export type Sleep = (milliseconds: number, signal?: AbortSignal) => Promise<void>;

/** By the timers of Node. That of `node:timers/promises` makes an error with a stack for each that is aborted, which every call would pay for. */
export const realSleep: Sleep = (milliseconds, signal) => {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  if (signal?.aborted === true) {
    reject(signal.reason);
    return promise;
  }
  const abort = (): void => {
    clearTimeout(timer);
    reject(signal?.reason);
  };
  const timer = setTimeout(() => {
    signal?.removeEventListener('abort', abort);
    resolve();
  }, milliseconds);
  signal?.addEventListener('abort', abort, { once: true });
  return promise;
};
