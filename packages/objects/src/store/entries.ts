import type { StoreKey } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import { callSignal, checkOptions } from '../api/call-boundary.ts';
import { mapConcurrently } from '../util/map-concurrently.ts';
import { OPERATIONS } from '../api/operations.ts';
import type { CallGate } from './call-gate.ts';
import type { ListingOptions, ObjectInfo } from '../api/types.ts';

const PREFETCHED = 8;

/**
 * What `info` says of every object whose name starts with `prefix`, in the order of the listing. The listing and all its
 * reads have one time limit.
 */
export async function* entriesOf<M extends object>(
  calls: CallGate,
  prefix: string,
  options: ListingOptions | undefined,
  info: (key: StoreKey, signal: AbortSignal | undefined) => Promise<ObjectInfo<M> | undefined>,
): AsyncGenerator<ObjectInfo<M>> {
  checkOptions(options, OPERATIONS.entries.options);
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
  const names = calls.names('entries', prefix, { signal, after: options?.after });
  for await (const found of mapConcurrently(names, PREFETCHED, read)) {
    if (found !== undefined) yield found;
  }
}
