import { type Around, type BackendCall, type BackendOperation, type Layer, intercept } from './intercept.ts';

/** Calls that reached a backend. */
export interface CallCounter {
  readonly layer: Layer;
  /** Every call in the order it was made, also those that failed. */
  readonly calls: readonly BackendCall[];
  /** How many calls there were, of one operation where it is given. */
  count(operation?: BackendOperation): number;
  /** Forgets all calls so far. */
  reset(): void;
}

/** A layer that keeps a list of the calls, for tests that say how many requests something may cost. */
export function createCallCounter(): CallCounter {
  const calls: BackendCall[] = [];
  const around: Around = async (call, run) => {
    calls.push(call);
    return run(call.signal);
  };
  return {
    layer: intercept(() => around),
    calls,
    count: (operation) => calls.filter((call) => operation === undefined || call.operation === operation).length,
    reset: () => {
      calls.length = 0;
    },
  };
}
