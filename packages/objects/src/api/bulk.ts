import { SecureStoreError } from '@securestore/core-format';
import { callSignal, checkOptions, inCall } from './call-boundary.ts';
import { mapConcurrently } from '../util/map-concurrently.ts';
import type { ItemResult, ManyOptions, RetrieveOptions, StoreData, StoreManyItem, StoreOptions } from './types.ts';
import { shownValue } from '../util/shown-value.ts';
import { invalid } from '../util/invalid.ts';

const MANY_OPTIONS: ReadonlySet<string> = new Set(['concurrency']);
export const DEFAULT_CONCURRENCY = 16;
export const MAX_CONCURRENCY = 1024;

/** @throws SecureStoreError `INVALID_ARGUMENT` for what gives no items (a string would give its characters), or fails */
async function* checkedItems<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T> {
  if (!(typeof items === 'object' && items !== null && (Symbol.iterator in items || Symbol.asyncIterator in items))) {
    throw new SecureStoreError('INVALID_ARGUMENT', 'the items must be an array or another iterable');
  }
  try {
    yield* items;
  } catch (cause) {
    throw new SecureStoreError('INVALID_ARGUMENT', 'the source of the items failed', { cause });
  }
}

function concurrencyOf(options: ManyOptions | undefined): number {
  const concurrency = options?.concurrency === undefined ? DEFAULT_CONCURRENCY : options.concurrency;
  if (Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= MAX_CONCURRENCY) return concurrency;
  return invalid(
    `the option "concurrency" must be an integer from 1 to ${MAX_CONCURRENCY}, got ${shownValue(concurrency)}`,
    'concurrency',
  );
}

/** The calls of a store, here or elsewhere. */
interface Calls {
  /** @throws SecureStoreError `UNAVAILABLE` if the store has been closed */
  checkOpen(): void;
  /** Runs a call of many steps, which closing waits for. */
  ofManySteps<T>(body: () => Promise<T>): Promise<T>;
}

/**
 * One call about many items: `run` for each with bounded concurrency, what became of each in the order of the items.
 */
function runMany<T, R>(
  calls: Calls,
  operation: string,
  items: Iterable<T> | AsyncIterable<T>,
  options: ManyOptions | undefined,
  keyOf: (item: T) => string,
  run: (item: T, signal: AbortSignal | undefined) => Promise<R>,
): Promise<ItemResult<R>[]> {
  let signal: AbortSignal | undefined;
  const one = async (item: T): Promise<ItemResult<R>> => {
    const key = keyOf(item);
    try {
      return { key, ok: true, value: await run(item, signal) };
    } catch (error) {
      // Whatever a call throws is one.
      return { key, ok: false, error: error as SecureStoreError };
    }
  };
  const all = async (): Promise<ItemResult<R>[]> => {
    calls.checkOpen();
    checkOptions(options, MANY_OPTIONS);
    const concurrency = concurrencyOf(options);
    signal = callSignal(options);
    return Array.fromAsync(mapConcurrently(checkedItems(items), concurrency, one));
  };
  return calls.ofManySteps(() => inCall(operation, undefined, () => signal, all));
}

/** Stores many objects, each by `store`. */
export function storeMany<M extends object, R>(
  calls: Calls,
  items: Iterable<StoreManyItem<M>> | AsyncIterable<StoreManyItem<M>>,
  options: ManyOptions | undefined,
  store: (key: string, data: StoreData, options: StoreOptions<M>) => Promise<R>,
): Promise<ItemResult<R>[]> {
  const storeItem = (item: StoreManyItem<M>, signal: AbortSignal | undefined): Promise<R> => {
    if (typeof item !== 'object' || item === null) {
      throw new SecureStoreError('INVALID_ARGUMENT', 'storeMany: an item must be an object with key and data');
    }
    const { key, data, ...rest } = item;
    return store(key, data, signal === undefined ? rest : { ...rest, signal });
  };
  return runMany(calls, 'storeMany', items, options, (item) => item?.key, storeItem);
}

/** Retrieves many objects, each by `retrieve`. */
export function retrieveMany<R>(
  calls: Calls,
  keys: Iterable<string> | AsyncIterable<string>,
  options: ManyOptions | undefined,
  retrieve: (key: string, options: RetrieveOptions | undefined) => Promise<R>,
): Promise<ItemResult<R>[]> {
  const retrieveItem = (key: string, signal: AbortSignal | undefined): Promise<R> =>
    retrieve(key, signal === undefined ? undefined : { signal });
  return runMany(calls, 'retrieveMany', keys, options, (key) => key, retrieveItem);
}
