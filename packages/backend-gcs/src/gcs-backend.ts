import {
  type BackendCapabilities,
  type BackendConfig,
  type CallSite,
  type DeleteOptions,
  type ListOptions,
  type ListResult,
  type ReadOptions,
  type ReadResult,
  type StorageBackend,
  type WriteOptions,
  type WriteResult,
  checkDelete,
  checkList,
  checkRead,
  checkWrite,
  closedError,
} from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { type Call, Connection, isStorageClient } from './connection/connection.ts';
import { listEntries } from './operations/lister.ts';
import { parseTarget } from './connection/location.ts';
import type { Place } from './operations/objects.ts';
import { readEntry } from './operations/reader.ts';
import { parseSettings } from './connection/settings.ts';
import { deleteEntry, writeEntry } from './operations/writer.ts';

const CAPABILITIES: BackendCapabilities = {
  ifAbsent: true,
  ifMatch: true,
  orderedList: true,
  listAfterWrite: true,
  rangeRead: true,
  modified: true,
  atomicBatch: false,
  conditionalDelete: true,
  objectLock: false,
  deleteMany: false,
  changeNotifications: false,
  now: true,
  maxBodyBytes: 16 * 1024 * 1024,
  maxBatch: 0,
  maxDeleteMany: 0,
  modifiedResolution: 1_000,
  clockSkew: 1_000,
};

/** A bucket of Google Cloud Storage as a backend: each body is an object, and each call one request. */
export class GcsBackend implements StorageBackend {
  readonly name = 'gcs';
  readonly capabilities: BackendCapabilities = CAPABILITIES;
  #place: Place | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Checks that the bucket exists and can be listed. It is not created: that is a matter of permissions and regions.
   *
   * @throws SecureStoreError `INVALID_ARGUMENT` on an invalid store URL, option or client, and if the bucket does not exist;
   *   `UNAUTHENTICATED`, `ACCESS_DENIED`; `UNAVAILABLE`, `TIMEOUT` if the service can't be reached
   */
  async init(config: BackendConfig): Promise<void> {
    const site = { backend: this.name, operation: 'init' };
    if (this.#closing !== undefined) throw closedError(site);
    if (this.#place !== undefined) return;
    const { client } = config;
    if (client !== undefined && !isStorageClient(client)) {
      throw new SecureStoreError(
        'INVALID_ARGUMENT',
        'gcs: the client must be a Storage of @google-cloud/storage',
        site,
      );
    }
    const target = parseTarget(config.url);
    const connection = new Connection(target, parseSettings(config.options), client);
    const place = { connection, bucket: target.bucket, prefix: target.prefix };
    try {
      await listEntries(place, { site, mutates: false, signal: undefined }, '', { limit: 1 });
    } catch (error) {
      await connection.close();
      throw error;
    }
    this.#place = place;
  }

  async read(key: string, options: ReadOptions = {}): Promise<ReadResult | undefined> {
    checkRead(this, key, options);
    const call = this.#call('read', false, key, options);
    return readEntry({ place: this.#opened(call.site), call, backend: this, key }, options);
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    checkList(this, prefix, options);
    const call = this.#call('list', false, undefined, options);
    return listEntries(this.#opened(call.site), call, prefix, options);
  }

  async write(key: string, body: Uint8Array, options: WriteOptions = {}): Promise<WriteResult> {
    checkWrite(this, key, body, options);
    const call = this.#call('write', true, key, options);
    return writeEntry({ place: this.#opened(call.site), call, key }, body, options);
  }

  async delete(key: string, options: DeleteOptions = {}): Promise<void> {
    checkDelete(this, key, options);
    const call = this.#call('delete', true, key, options);
    await deleteEntry({ place: this.#opened(call.site), call, key }, options);
  }

  async close(): Promise<void> {
    const place = this.#place;
    this.#place = undefined;
    this.#closing ??= place?.connection.close() ?? Promise.resolve();
    await this.#closing;
  }

  #call(
    operation: string,
    mutates: boolean,
    key: string | undefined,
    { signal }: { readonly signal?: AbortSignal | undefined },
  ): Call {
    return { site: { backend: this.name, operation, key }, mutates, signal };
  }

  #opened(site: CallSite): Place {
    if (this.#place === undefined) throw closedError(site);
    return this.#place;
  }
}
