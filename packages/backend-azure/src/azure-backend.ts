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
import { type Call, Connection, isBlobClient } from './connection/connection.ts';
import { Lister, hierarchical } from './operations/lister.ts';
import { type Target, parseTarget } from './connection/location.ts';
import { blobName } from './connection/names.ts';
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

/** Where an open backend works. */
interface Open {
  readonly connection: Connection;
  readonly target: Target;
  readonly lister: Lister;
}

/** A container of Azure Blob Storage as a backend: each body is a block blob, and each call one request. */
export class AzureBackend implements StorageBackend {
  readonly name = 'azure';
  readonly capabilities: BackendCapabilities = CAPABILITIES;
  #open: Open | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Checks that the container exists and can be listed. It is not created: that is a matter of permissions and regions.
   *
   * @throws SecureStoreError `INVALID_ARGUMENT` on an invalid store URL, option or client, and if the container does not exist;
   *   `UNAUTHENTICATED`, `ACCESS_DENIED`; `UNAVAILABLE`, `TIMEOUT` if the service can't be reached;
   *   `UNSUPPORTED` for an account with a hierarchical namespace
   */
  async init(config: BackendConfig): Promise<void> {
    const site = { backend: this.name, operation: 'init' };
    if (this.#closing !== undefined) throw closedError(site);
    if (this.#open !== undefined) return;
    const { client } = config;
    if (client !== undefined && !isBlobClient(client)) {
      throw new SecureStoreError(
        'INVALID_ARGUMENT',
        'azure: the client must be a BlobServiceClient or ContainerClient of @azure/storage-blob',
        site,
      );
    }
    const target = parseTarget(config.url);
    const connection = await Connection.open(target, parseSettings(config.options), client);
    const lister = new Lister(connection, target.prefix);
    const call = { site, mutates: false, signal: undefined };
    try {
      await Promise.all([lister.list(call, '', { limit: 1 }), refuseHierarchical(connection, call)]);
    } catch (error) {
      await connection.close();
      throw error;
    }
    this.#open = { connection, target, lister };
  }

  async read(key: string, options: ReadOptions = {}): Promise<ReadResult | undefined> {
    checkRead(this, key, options);
    const call = this.#call('read', false, key, options);
    const { connection, target } = this.#opened(call.site);
    return readEntry({ connection, call, backend: this, key, name: blobName(target.prefix, key) }, options);
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    checkList(this, prefix, options);
    const call = this.#call('list', false, undefined, options);
    return this.#opened(call.site).lister.list(call, prefix, options);
  }

  async write(key: string, body: Uint8Array, options: WriteOptions = {}): Promise<WriteResult> {
    checkWrite(this, key, body, options);
    const call = this.#call('write', true, key, options);
    const { connection, target } = this.#opened(call.site);
    return writeEntry({ connection, call, name: blobName(target.prefix, key) }, body, options);
  }

  async delete(key: string, options: DeleteOptions = {}): Promise<void> {
    checkDelete(this, key, options);
    const call = this.#call('delete', true, key, options);
    const { connection, target } = this.#opened(call.site);
    await deleteEntry({ connection, call, name: blobName(target.prefix, key) }, options);
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    this.#closing ??= open?.connection.close() ?? Promise.resolve();
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

  #opened(site: CallSite): Open {
    if (this.#open === undefined) throw closedError(site);
    return this.#open;
  }
}

/** As far as the credentials allow to ask. */
async function refuseHierarchical(connection: Connection, call: Call): Promise<void> {
  const asked = connection.run(call, async (abortSignal) => connection.container.getAccountInfo({ abortSignal }));
  const account = await asked.catch(() => undefined);
  if (account?.isHierarchicalNamespaceEnabled === true) throw hierarchical(call.site);
}
