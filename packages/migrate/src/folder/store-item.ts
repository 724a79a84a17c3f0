import { SecureStoreError } from '@securestore/core-format';
import type { ObjectInfo } from '@securestore/objects';
import type { Sidecar } from './sidecar.ts';
import type { ItemOutcome, Transfer } from './transfer.ts';
import type { ImportTarget } from './types.ts';

/** Data to store. It is taken twice: to compare it and to store it. */
export interface ItemData {
  readonly size: number;
  readonly take: () => Uint8Array | AsyncIterable<Uint8Array>;
}

/**
 * Stores an object unless it is there as it is to be. It keeps its metadata and expiry where no others are given.
 *
 * @throws SecureStoreError what the store throws
 */
export async function storeItem(
  store: ImportTarget,
  { signal, counted, addBytes }: Transfer,
  key: string,
  data: ItemData,
  given?: Sidecar,
): Promise<ItemOutcome> {
  const current = await unlessGone(store.info(key, { signal }));
  const identical = current?.size === data.size && (await unlessGone(store.matches(key, data.take(), { signal })));
  if (current !== undefined && identical === true && (given === undefined || sameSidecar(given, current))) {
    addBytes(data.size);
    return { status: 'unchanged', key, version: current.version };
  }
  const { metadata, expires } = given ?? current ?? { metadata: {} };
  const taken = data.take();
  const { version } = await store.store(key, taken instanceof Uint8Array ? taken : counted(taken), {
    metadata,
    ...(expires === undefined ? {} : { expires }),
    signal,
  });
  if (taken instanceof Uint8Array) addBytes(taken.byteLength);
  return { status: 'stored', key, version };
}

/** What is said of an object, or undefined where it is not there, or not any more. */
async function unlessGone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (SecureStoreError.is(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

/** JSON with the names of every object in one order, to compare metadata that were written by different hands. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

function sameSidecar(sidecar: Sidecar, current: ObjectInfo): boolean {
  return (
    sidecar.expires?.getTime() === current.expires?.getTime() &&
    canonical(sidecar.metadata) === canonical(current.metadata)
  );
}
