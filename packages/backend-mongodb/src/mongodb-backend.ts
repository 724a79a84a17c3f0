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
  checkDeleteMany,
  checkList,
  checkRead,
  checkSignal,
  checkWrite,
  closedError,
} from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { MAX_BODY_BYTES } from './operations/body.ts';
import { CLOCK_SKEW_MS } from './connection/clock.ts';
import { Commands } from './operations/commands.ts';
import { Connection, isClient } from './connection/connection.ts';
import { lacksIndex } from './connection/errors.ts';
import { type Place, isPrepared, prepare, warnOfClock } from './operations/layout.ts';
import { parseTarget } from './connection/location.ts';
import { deleteBody, writeBody } from './operations/operations.ts';
import { listEntries, readEntry } from './operations/reader.ts';
import { parseSettings } from './connection/settings.ts';

const CAPABILITIES: BackendCapabilities = {
  ifAbsent: true,
  ifMatch: true,
  orderedList: true,
  listAfterWrite: true,
  rangeRead: true,
  modified: true,
  // It would take transactions, which need a replica set and more than one round trip.
  atomicBatch: false,
  conditionalDelete: true,
  objectLock: false,
  deleteMany: true,
  changeNotifications: false,
  now: true,
  maxBodyBytes: MAX_BODY_BYTES,
  maxBatch: 0,
  maxDeleteMany: 1_000,
  modifiedResolution: 1,
  clockSkew: CLOCK_SKEW_MS,
};

/** Where an open backend works. */
interface Open extends Place {
  /** Whether the collection is as this version needs it. */
  prepared: boolean;
  /** The making of the collection, while it is under way. */
  preparing: Promise<void> | undefined;
}

/**
 * A collection of a MongoDB database as a backend. Each call is one command on one document, so conditions need no
 * transactions. Nothing is created before the first write.
 */
export class MongodbBackend implements StorageBackend {
  readonly name = 'mongodb';
  readonly capabilities: BackendCapabilities = CAPABILITIES;
  #open: Open | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Connects, checks whether a store exists, and warns of a server that belongs to no replica set.
   *
   * @throws SecureStoreError `INVALID_ARGUMENT` on an invalid store URL, option or client; `UNAUTHENTICATED`, `ACCESS_DENIED`;
   *   `UNAVAILABLE` if no primary can be reached; `UNSUPPORTED` for a server that lacks what a store needs; `FORMAT_VERSION`
   *   for a collection of another program, or a newer layout
   */
  async init(config: BackendConfig): Promise<void> {
    const site = { backend: this.name, operation: 'init' };
    if (this.#closing !== undefined) throw closedError(site);
    if (this.#open !== undefined) return;
    const { client, logger } = config;
    if (client !== undefined && !isClient(client)) {
      throw new SecureStoreError('INVALID_ARGUMENT', 'mongodb: the client must be a MongoClient of mongodb', site);
    }
    const target = parseTarget(config.url);
    const settings = parseSettings(config.options);
    const connection = new Connection(target, settings, client);
    const { collection } = target;
    const place = { connection, collection, commands: new Commands(collection, settings.timeout) };
    try {
      await connection.open(site);
      const prepared = await isPrepared(place, site);
      if (logger !== undefined) warnOfClock(place, logger);
      this.#open = { ...place, prepared, preparing: undefined };
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  async read(key: string, options: ReadOptions = {}): Promise<ReadResult | undefined> {
    checkRead(this, key, options);
    const site = { backend: this.name, operation: 'read', key };
    return readEntry(this.#opened(site), this, site, options);
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    checkList(this, prefix, options);
    const site = { backend: this.name, operation: 'list' };
    const open = this.#opened(site);
    try {
      return await listEntries(open, site, prefix, options);
    } catch (error) {
      // The index is made before anything is written.
      if (!open.prepared && lacksIndex(error)) return { entries: [], more: false };
      throw error;
    }
  }

  async write(key: string, body: Uint8Array, options: WriteOptions = {}): Promise<WriteResult> {
    checkWrite(this, key, body, options);
    const site = { backend: this.name, operation: 'write', key };
    return writeBody(await this.#writable(site, options.signal), site, body, options);
  }

  async delete(key: string, options: DeleteOptions = {}): Promise<void> {
    checkDelete(this, key, options);
    const site = { backend: this.name, operation: 'delete', key };
    await deleteBody(this.#opened(site), site, options.ifMatch, options.signal);
  }

  async deleteMany(
    keys: readonly string[],
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    checkDeleteMany(this, keys, options);
    const site = { backend: this.name, operation: 'deleteMany' };
    const { connection, commands } = this.#opened(site);
    if (keys.length === 0) return;
    await connection.run({ site, command: commands.deleteMany(keys), mutates: true, signal: options.signal });
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    this.#closing ??= open?.connection.close() ?? Promise.resolve();
    await this.#closing;
  }

  async #writable(site: CallSite, signal: AbortSignal | undefined): Promise<Open> {
    const open = this.#opened(site);
    if (open.prepared) return open;
    open.preparing ??= prepare(open, site).finally(() => (open.preparing = undefined));
    await open.preparing;
    open.prepared = true;
    checkSignal(signal, site);
    return open;
  }

  #opened(site: CallSite): Open {
    if (this.#open === undefined) throw closedError(site);
    return this.#open;
  }
}
