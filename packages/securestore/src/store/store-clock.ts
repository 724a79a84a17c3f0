import type { StorageBackend } from '@securestore/backend-api';
import { HEAD_NAME, SecureStoreError } from '@securestore/core-format';
import { signalOf } from '@securestore/objects/internal';
import type { CallOptions, Logger } from '@securestore/objects';
import { checkPlaceOptions } from '../options/check-options.ts';
import { connect, nameOfUrl } from './connect.ts';
import type { BackendOptions } from '../options/options.ts';

/** How the store is reached. */
export interface StoreClockOptions extends CallOptions, BackendOptions {
  readonly logger?: Logger | undefined;
}

/** The difference between the clock of a store and that of this machine. */
export interface StoreClock {
  /** By how many milliseconds it is ahead, to the resolution of the backend's clock; negative if it is behind. */
  readonly ahead: number;
  /** Whether it is a record of the backend's own, which {@link resetClock} sets back. */
  readonly canReset: boolean;
}

async function withBackend<T>(
  url: string,
  options: StoreClockOptions,
  use: (backend: StorageBackend, signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  checkPlaceOptions(options, ['backend', 'backendOptions', 'client']);
  const signal = signalOf(options);
  const backend = await connect(url, options, signal);
  try {
    return await use(backend, signal);
  } finally {
    await backend.close();
  }
}

async function clockOf(backend: StorageBackend, url: string, signal?: AbortSignal): Promise<StoreClock> {
  const head = await backend.read(HEAD_NAME, { signal });
  if (head === undefined) {
    throw new SecureStoreError('NOT_FOUND', `no store exists at ${nameOfUrl(url)}`, {
      advice: [{ id: 'check-store-url', url: nameOfUrl(url) }, { id: 'create-store' }],
    });
  }
  if (head.now === undefined) {
    throw new SecureStoreError('UNSUPPORTED', `the backend of ${nameOfUrl(url)} has no clock`);
  }
  return { ahead: head.now - Date.now(), canReset: backend.resetClock !== undefined };
}

/**
 * Compares the clock of a store with that of this machine. No secret is needed, and nothing is written.
 *
 * @throws SecureStoreError `NOT_FOUND` if no store is there; `UNSUPPORTED` if the backend doesn't tell its time; `INVALID_ARGUMENT`; what the
 *   backend throws
 */
export async function storeClock(url: string, options: StoreClockOptions = {}): Promise<StoreClock> {
  return withBackend(url, options, (backend, signal) => clockOf(backend, url, signal));
}

/**
 * Sets the clock of a store back to that of this machine, after a process with a clock that was ahead has written to it. Whatever is marked
 * with a later time counts as written now. Versions of objects stay as they are, and other processes may have the store open. No secret is
 * needed. Only for when this machine's clock is right: with one that is behind, what was just written would look old, and may be collected.
 *
 * @returns by how many milliseconds the store was ahead; 0 if it was not, and then nothing was changed
 * @throws SecureStoreError `NOT_FOUND` if no store is there; `UNSUPPORTED` if the backend asks a server for the time; `INVALID_ARGUMENT`;
 *   what the backend throws
 */
export async function resetClock(url: string, options: StoreClockOptions = {}): Promise<number> {
  return withBackend(url, options, async (backend, signal) => {
    await clockOf(backend, url, signal);
    if (backend.resetClock === undefined) {
      const message = `the clock of ${nameOfUrl(url)} is that of its server, and cannot be reset here`;
      throw new SecureStoreError('UNSUPPORTED', message);
    }
    return backend.resetClock();
  });
}
