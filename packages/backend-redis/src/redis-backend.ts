import {
  type BackendCapabilities,
  type BackendConfig,
  type BatchOperation,
  type CallSite,
  type DeleteOptions,
  type ListOptions,
  type ListResult,
  type ReadOptions,
  type ReadResult,
  type StorageBackend,
  type WriteOptions,
  type WriteResult,
  checkBatch,
  checkDelete,
  checkDeleteMany,
  checkList,
  checkRead,
  checkWrite,
  closedError,
} from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { Connection, isScriptClient } from './connection/connection.ts';
import { parseTarget } from './connection/location.ts';
import { type Names, namesUnder } from './connection/names.ts';
import { applyOperations } from './operations/operations.ts';
import { listEntries, readEntry } from './operations/reader.ts';
import { checkLayout, warnOfForgetting } from './connection/server-check.ts';
import { parseSettings } from './connection/settings.ts';

interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

const CAPABILITIES: BackendCapabilities = {
  ifAbsent: true,
  ifMatch: true,
  orderedList: true,
  listAfterWrite: true,
  rangeRead: true,
  modified: true,
  atomicBatch: true,
  conditionalDelete: true,
  objectLock: false,
  deleteMany: true,
  changeNotifications: false,
  now: true,
  maxBodyBytes: 16 * 1024 * 1024,
  maxBatch: 1_000,
  maxDeleteMany: 1_000,
  modifiedResolution: 1,
  clockSkew: 0,
};

/** Where an open backend works. */
interface Open {
  readonly connection: Connection;
  readonly names: Names;
}

/**
 * A Redis server as a backend. Each call is one script, which the server runs as a whole, so conditions and batches
 * need no locks. Nothing is created before the first write.
 */
export class RedisBackend implements StorageBackend {
  readonly name = 'redis';
  readonly capabilities: BackendCapabilities = CAPABILITIES;
  #open: Open | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Connects, checks whether a store exists, and warns if the server may lose data.
   *
   * @throws SecureStoreError `INVALID_ARGUMENT` on an invalid store URL, option or client; `UNAUTHENTICATED`, `ACCESS_DENIED`;
   *   `UNAVAILABLE` if the server can't be reached; `FORMAT_VERSION` for a newer layout
   */
  async init(config: BackendConfig): Promise<void> {
    const site = { backend: this.name, operation: 'init' };
    if (this.#closing !== undefined) throw closedError(site);
    if (this.#open !== undefined) return;
    const { client, logger } = config;
    if (client !== undefined && !isScriptClient(client)) {
      throw new SecureStoreError('INVALID_ARGUMENT', 'redis: the client must be a Redis or Cluster of ioredis', site);
    }
    const target = parseTarget(config.url);
    const connection = new Connection(target, parseSettings(config.options), client);
    const names = namesUnder(target.prefix);
    try {
      await checkLayout(connection, names.clock, site);
      if (logger !== undefined) await warnOfForgetting(connection, logger, site);
    } catch (error) {
      await connection.close();
      throw error;
    }
    this.#open = { connection, names };
  }

  async read(key: string, options: ReadOptions = {}): Promise<ReadResult | undefined> {
    checkRead(this, key, options);
    const site = { backend: this.name, operation: 'read', key };
    const { connection, names } = this.#opened(site);
    return readEntry({ connection, names, site, backend: this }, key, options);
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    checkList(this, prefix, options);
    const site = { backend: this.name, operation: 'list' };
    const { connection, names } = this.#opened(site);
    return listEntries({ connection, names, site, backend: this }, prefix, options);
  }

  async write(key: string, body: Uint8Array, options: WriteOptions = {}): Promise<WriteResult> {
    checkWrite(this, key, body, options);
    const { signal, ...conditions } = options;
    const site = { backend: this.name, operation: 'write', key };
    const [result] = await this.#apply(site, [{ type: 'write', key, body, ...conditions }], signal);
    if (result === undefined) throw new SecureStoreError('INTERNAL', 'redis: a write gave no result', site);
    return result;
  }

  async delete(key: string, options: DeleteOptions = {}): Promise<void> {
    checkDelete(this, key, options);
    const { signal, ...conditions } = options;
    await this.#apply(
      { backend: this.name, operation: 'delete', key },
      [{ type: 'delete', key, ...conditions }],
      signal,
    );
  }

  async batch(operations: readonly BatchOperation[], options: CallOptions = {}): Promise<(WriteResult | undefined)[]> {
    checkBatch(this, operations, options);
    return this.#apply({ backend: this.name, operation: 'batch' }, operations, options.signal);
  }

  async deleteMany(keys: readonly string[], options: CallOptions = {}): Promise<void> {
    checkDeleteMany(this, keys, options);
    const operations = [...new Set(keys)].map((key) => ({ type: 'delete', key }) as const);
    await this.#apply({ backend: this.name, operation: 'deleteMany' }, operations, options.signal);
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    this.#closing ??= open?.connection.close() ?? Promise.resolve();
    await this.#closing;
  }

  async #apply(
    site: CallSite,
    operations: readonly BatchOperation[],
    signal: AbortSignal | undefined,
  ): Promise<(WriteResult | undefined)[]> {
    const { connection, names } = this.#opened(site);
    return operations.length === 0 ? [] : applyOperations({ connection, names, site, signal }, operations);
  }

  #opened(site: CallSite): Open {
    if (this.#open === undefined) throw closedError(site);
    return this.#open;
  }
}
