import type { StoreKey } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import { callSignal, checkOptions } from './call.ts';
import { mapConcurrently } from './map-concurrently.ts';
import type { OpenCalls } from './open-calls.ts';
import type { CallOptions, ObjectInfo } from './types.ts';

const NO_OPTIONS: ReadonlySet<string> = new Set();
const PREFETCHED = 8;

/**
 * What `info` says of every object whose name starts with `prefix`, in the order of the listing. The listing and all its
 * reads have one time limit.
 */
export async function* entriesOf<M extends object>(
  calls: OpenCalls,
  prefix: string,
  options: CallOptions | undefined,
  info: (key: StoreKey, signal: AbortSignal | undefined) => Promise<ObjectInfo<M> | undefined>,
): AsyncGenerator<ObjectInfo<M>> {
  checkOptions(options, NO_OPTIONS);
  const signal = callSignal(options);
  const read = async (key: StoreKey): Promise<ObjectInfo<M> | undefined> => {
    try {
      return await info(key, signal);
    } catch (error) {
      // It went away, or expired, between the listing and the reading.
      if (SecureStoreError.is(error, 'NOT_FOUND')) return undefined;
      throw error;
    }
  };
  for await (const found of mapConcurrently(calls.names('entries', prefix, { signal }), PREFETCHED, read)) {
    if (found !== undefined) yield found;
  }
}
