import type { Layer, StorageBackend } from '@securestore/backend-api';
import { composeLayers } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { ErrorCode } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import type { UnlockMethod } from '@securestore/crypto';
import { expect } from 'vitest';
import type { ObjectStore, OpenSettings, RangeOptions, SecureStorage, StoreSettings } from '../../src/index.ts';
import { createObjectStore, openObjectStore } from '../../src/index.ts';
import { atEnd } from './at-end.ts';
import type { Place } from './places.ts';

export { atEnd } from './at-end.ts';

/** What unlocks every store of the tests. */
export const UNLOCK: UnlockMethod = rawKey(Buffer.alloc(32, 7));

export type Extras = Partial<Omit<OpenSettings, 'backend'> & StoreSettings> & {
  readonly layers?: readonly Layer[];
  /** Wraps the backend in something that is no layer. */
  readonly wrap?: (backend: StorageBackend) => StorageBackend;
};

async function settingsAt(place: Place, { layers = [], wrap, ...rest }: Extras): Promise<OpenSettings & StoreSettings> {
  const opened = await place.open();
  const backend = composeLayers(wrap === undefined ? opened : wrap(opened), layers);
  return { backend, url: place.url, unlock: UNLOCK, maintenance: false, ...rest };
}

function closedAtEnd(store: ObjectStore): ObjectStore {
  // Not held: a test that goes through all that may go wrong opens thousands.
  const opened = new WeakRef(store);
  // A store whose backend was stopped by a test never closes.
  const closed = async (): Promise<void> =>
    opened
      .deref()
      ?.close()
      .catch(() => undefined);
  atEnd(() => Promise.race([closed(), new Promise<void>((done) => setImmediate(done))]));
  return store;
}

export async function createAt(place: Place, extras: Extras = {}): Promise<ObjectStore> {
  return closedAtEnd(await createObjectStore(await settingsAt(place, extras)));
}

export async function openAt(place: Place, extras: Extras = {}): Promise<ObjectStore> {
  return closedAtEnd(await openObjectStore(await settingsAt(place, extras)));
}

/** A new place, removed when the test has ended. */
export function usePlace(make: () => Place): Place {
  const place = make();
  atEnd(() => place.remove());
  return place;
}

/** The error of a call that must fail, with `code`. */
export async function failure(call: PromiseLike<unknown>, code: ErrorCode): Promise<SecureStoreError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error, `must fail with ${code}`).toBeDefined();
  if (!SecureStoreError.is(error)) throw error;
  if (error.code !== code) throw new Error(`expected ${code}, got ${error.code}`, { cause: error });
  return error;
}

/** Deterministic bytes that differ everywhere. */
export function patterned(length: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let state = (seed * 2654435761) >>> 0 || 1;
  for (let at = 0; at < length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state & 0xff;
  }
  return bytes;
}

/** The bytes that a stream of an object gives. */
export async function readRange(
  store: Pick<SecureStorage, 'retrieveStream'>,
  key: string,
  options?: RangeOptions,
): Promise<Buffer> {
  const { stream } = await store.retrieveStream(key, options);
  return Buffer.concat(await Array.fromAsync(stream));
}

/** Waits for a call that may find nothing. */
export async function unlessMissing(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!SecureStoreError.is(error, 'NOT_FOUND')) throw error;
  }
}
