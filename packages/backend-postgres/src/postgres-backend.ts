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
  checkSignal,
  checkWrite,
  closedError,
} from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { Database, isPool } from './connection/database.ts';
import { stateOf } from './connection/errors.ts';
import { GatheredReads } from './operations/gathered-reads.ts';
import { type Tables, isMigrated, migrate, tablesOf } from './operations/layout.ts';
import { parseTarget } from './connection/location.ts';
import { applyOperations } from './operations/operations.ts';
import { listEntries, readEntry } from './operations/reader.ts';
import { parseSettings } from './connection/settings.ts';
import { FLOOR_LAG_MS } from './connection/clock.ts';
import { type Statements, statementsOn } from './operations/statements.ts';

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
  maxDeleteMany: 10_000,
  modifiedResolution: 1,
  clockSkew: FLOOR_LAG_MS,
};

const NO_SUCH_TABLE = '42P01';

/** Where an open backend works. */
interface Open {
  readonly database: Database;
  readonly tables: Tables;
  readonly statements: Statements;
  readonly wholeReads: GatheredReads;
  /** Whether the tables are as this version needs them. */
  migrated: boolean;
  /** Whether there were tables: if there are none any more, that is no empty store. */
  seen: boolean;
  /** The making of the tables, while it is under way. */
  migrating: Promise<void> | undefined;
}

/**
 * A table of a PostgreSQL database as a backend. Each call is one statement, and so one round trip and one
 * transaction; whole reads that come together share one. Nothing is created before the first write.
 */
export class PostgresBackend implements StorageBackend {
  readonly name = 'postgres';
  readonly capabilities: BackendCapabilities = CAPABILITIES;
  #open: Open | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Connects, and checks whether a store exists.
   *
   * @throws SecureStoreError `INVALID_ARGUMENT` on an invalid store URL, option or client, or a database that does not exist;
   *   `UNAUTHENTICATED`, `ACCESS_DENIED`; `UNAVAILABLE` if the server can't be reached; `FORMAT_VERSION` for tables of another
   *   program, or a newer layout
   */
  async init(config: BackendConfig): Promise<void> {
    const site = { backend: this.name, operation: 'init' };
    if (this.#closing !== undefined) throw closedError(site);
    if (this.#open !== undefined) return;
    const { client } = config;
    if (client !== undefined && !isPool(client)) {
      throw new SecureStoreError('INVALID_ARGUMENT', 'postgres: the client must be a Pool of pg', site);
    }
    const target = parseTarget(config.url);
    const database = new Database(target, parseSettings(config.options), client);
    const tables = tablesOf(target);
    try {
      const migrated = await isMigrated(database, tables, site);
      const statements = statementsOn(tables);
      this.#open = {
        database,
        tables,
        statements,
        wholeReads: new GatheredReads({ database, statements, backend: this }),
        migrated,
        seen: migrated,
        migrating: undefined,
      };
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  async read(key: string, options: ReadOptions = {}): Promise<ReadResult | undefined> {
    checkRead(this, key, options);
    const site = { backend: this.name, operation: 'read', key };
    const open = this.#opened(site);
    const { start, end, signal } = options;
    const read = async (): Promise<ReadResult | undefined> =>
      start === undefined && end === undefined
        ? open.wholeReads.read(site, key, signal)
        : readEntry({ ...open, site, backend: this }, key, options);
    return reading(open, read, undefined);
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    checkList(this, prefix, options);
    const site = { backend: this.name, operation: 'list' };
    const open = this.#opened(site);
    const absent: ListResult = { entries: [], more: false };
    return reading(open, async () => listEntries({ ...open, site, backend: this }, prefix, options), absent);
  }

  async write(key: string, body: Uint8Array, options: WriteOptions = {}): Promise<WriteResult> {
    checkWrite(this, key, body, options);
    const { signal, ...conditions } = options;
    const site = { backend: this.name, operation: 'write', key };
    const [result] = await this.#apply(site, [{ type: 'write', key, body, ...conditions }], signal);
    if (result === undefined) throw new SecureStoreError('INTERNAL', 'postgres: a write gave no result', site);
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
    const site = { backend: this.name, operation: 'deleteMany' };
    const { database, statements } = await this.#writable(site, options.signal);
    const statement = statements.deleteMany;
    await database.run({ site, statement, values: [keys], mutates: true, signal: options.signal });
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    this.#closing ??= open?.database.close() ?? Promise.resolve();
    await this.#closing;
  }

  async #apply(
    site: CallSite,
    operations: readonly BatchOperation[],
    signal: AbortSignal | undefined,
  ): Promise<(WriteResult | undefined)[]> {
    const { database, statements } = await this.#writable(site, signal);
    return operations.length === 0 ? [] : applyOperations({ database, statements, site, signal }, operations);
  }

  async #writable(site: CallSite, signal: AbortSignal | undefined): Promise<Open> {
    const open = this.#opened(site);
    if (open.migrated) return open;
    open.migrating ??= migrate(open.database, open.tables, site).finally(() => (open.migrating = undefined));
    await open.migrating;
    open.migrated = true;
    open.seen = true;
    checkSignal(signal, site);
    return open;
  }

  #opened(site: CallSite): Open {
    if (this.#open === undefined) throw closedError(site);
    return this.#open;
  }
}

/** Runs a read, which gives `absent` if no store was ever seen. */
async function reading<T>(open: Open, read: () => Promise<T>, absent: T): Promise<T> {
  try {
    const result = await read();
    open.seen = true;
    return result;
  } catch (error) {
    if (!open.seen && SecureStoreError.is(error) && stateOf(error.cause) === NO_SUCH_TABLE) return absent;
    throw error;
  }
}
