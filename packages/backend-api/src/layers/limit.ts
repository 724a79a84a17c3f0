import { abortedError } from '../contract/errors.ts';
import { type Around, type BackendCall, type Layer, intercept } from './intercept.ts';

/** Lets at most `most` calls (from 1) run at once; the others wait in the order they came. */
export function limitLayer(most: number): Layer {
  if (!(Number.isSafeInteger(most) && most >= 1))
    throw new RangeError('a concurrency limit must be a whole number from 1');
  return intercept((): Around => {
    const waiting = new Set<() => void>();
    let running = 0;
    return async (call, run) => {
      // A slot that is freed is handed to the first in line, so that a newcomer can't take it.
      if (running >= most) await turn(waiting, call);
      else running += 1;
      try {
        return await run(call.signal);
      } finally {
        const [next] = waiting;
        if (next === undefined) running -= 1;
        else next();
      }
    };
  });
}

async function turn(waiting: Set<() => void>, call: BackendCall): Promise<void> {
  const { signal } = call;
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(abortedError(call, signal.reason));
      return;
    }
    const leave = (): void => {
      waiting.delete(start);
      reject(abortedError(call, signal?.reason));
    };
    const start = (): void => {
      waiting.delete(start);
      signal?.removeEventListener('abort', leave);
      resolve();
    };
    waiting.add(start);
    signal?.addEventListener('abort', leave, { once: true });
  });
}
