import {
  type BackendCapabilities,
  type BackendCapacity,
  type BackendConfig,
  type BatchOperation,
  type CallSite,
  type DeleteOptions,
  type ListOptions,
  type ListResult,
  LocalClock,
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
  diskCapacity,
  fileSystemTime,
  optionError,
  parseOptions,
} from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate } from 'node:timers';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, assertInPlace, attach, create, ensureLogging } from './connection/connection.ts';
import { isBusy, isMalformed, toStoreError } from './connection/errors.ts';
import { MAX_BODY_BYTES } from './connection/layout.ts';
import { databasePath } from './connection/location.ts';
import { listEntries, readEntry } from './operations/reader.ts';
import { resetClock } from './connection/transaction.ts';
import { Writer } from './operations/writer.ts';

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
  maxBodyBytes: MAX_BODY_BYTES,
  maxBatch: 1_000,
  maxDeleteMany: 10_000,
  modifiedResolution: 1,
  clockSkew: 0,
};

/** Reads wait this long at most for a process that recovers or closes the database, or for files to be closed. */
const READ_BUSY_TRIES = 10_000;

/** How long one turn may count as one moment, if reads follow each other without an end. */
const LOOK_MS = 1;

/** What is passed in for tests. */
export interface SqliteBackendSettings {
  /** The wall clock in milliseconds since 1970, and the file system's; by default `Date.now`, and what new files are marked with. */
  readonly clock?: () => number;
  /** A clock in milliseconds that never runs backwards; by default `performance.now`. */
  readonly monotonic?: () => number;
}

/**
 * One SQLite file as a backend. Nothing is created before the first write, and reading writes nothing. All access is
 * on the calling thread: a read takes microseconds, and writes that wait together share one flush of the disk.
 */
export class SqliteBackend implements StorageBackend {
  readonly name = 'sqlite';
  readonly capabilities: BackendCapabilities = CAPABILITIES;
  readonly #clock: LocalClock;
  #path = '';
  #state: 'new' | 'open' | 'closed' = 'new';
  #connection: Connection | undefined;
  #logging = false;
  #lookedAt = Number.NEGATIVE_INFINITY;
  readonly #writer: Writer;

  constructor(settings: SqliteBackendSettings = {}) {
    const { clock: now, monotonic } = settings;
    // The write lock is held whenever it is asked.
    this.#clock = new LocalClock({ now, monotonic, witness: now ?? (() => fileSystemTime(`${this.#path}-clock`)) });
    this.#writer = new Writer({ path: () => this.#path, clock: this.#clock, connect: () => this.#writable() });
  }

  /**
   * Opens the database if there is one, and creates nothing.
   *
   * @throws SecureStoreError `INVALID_ARGUMENT` on a store URL that names no file or goes through one, an unknown option
   *   or a client; `FORMAT_VERSION` for another application's file; `INTEGRITY` for a damaged one; `UNAVAILABLE` if it
   *   can't be read.
   */
  async init(config: BackendConfig): Promise<void> {
    const site = { backend: this.name, operation: 'init' };
    if (this.#state === 'open') return;
    if (this.#state === 'closed') throw closedError(site);
    parseOptions(this.name, config.options, {});
    if (config.client !== undefined) {
      throw optionError(this.name, 'client', 'be left out');
    }
    this.#path = databasePath(config.url);
    this.#state = 'open';
    try {
      await this.#reading(site, undefined, () => undefined, undefined);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async read(key: string, options: ReadOptions = {}): Promise<ReadResult | undefined> {
    checkRead(this, key, options);
    const site = { backend: this.name, operation: 'read', key };
    const read = (open: Connection): ReadResult | undefined => readEntry(open, key, options, this.#clock.now(), this);
    return this.#reading(site, options.signal, read, undefined);
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    checkList(this, prefix, options);
    const site = { backend: this.name, operation: 'list' };
    const absent: ListResult = { entries: [], more: false };
    return this.#reading(site, options.signal, (open) => listEntries(open, prefix, options), absent);
  }

  async write(key: string, body: Uint8Array, options: WriteOptions = {}): Promise<WriteResult> {
    checkWrite(this, key, body, options);
    const { signal, ...conditions } = options;
    const site = { backend: this.name, operation: 'write', key };
    const [result] = await this.#submit(site, [{ type: 'write', key, body, ...conditions }], signal);
    if (result === undefined) throw new SecureStoreError('INTERNAL', 'sqlite: a write gave no result', site);
    return result;
  }

  async delete(key: string, options: DeleteOptions = {}): Promise<void> {
    checkDelete(this, key, options);
    const { signal, ...conditions } = options;
    await this.#submit(
      { backend: this.name, operation: 'delete', key },
      [{ type: 'delete', key, ...conditions }],
      signal,
    );
  }

  async batch(operations: readonly BatchOperation[], options: CallOptions = {}): Promise<(WriteResult | undefined)[]> {
    checkBatch(this, operations, options);
    return this.#submit({ backend: this.name, operation: 'batch' }, operations, options.signal);
  }

  async deleteMany(keys: readonly string[], options: CallOptions = {}): Promise<void> {
    checkDeleteMany(this, keys, options);
    const operations = [...new Set(keys)].map((key) => ({ type: 'delete', key }) as const);
    await this.#submit({ backend: this.name, operation: 'deleteMany' }, operations, options.signal);
  }

  /** Of the file system that the database is on, or will be. */
  async capacity(): Promise<BackendCapacity | undefined> {
    return this.#state === 'open' ? diskCapacity(dirname(this.#path)) : undefined;
  }

  localPath(): string | undefined {
    return this.#state === 'open' ? this.#path : undefined;
  }

  async resetClock(): Promise<number> {
    const reset = (): number => {
      const { db, statements } = this.#writable();
      statements.begin.run();
      try {
        const ahead = resetClock(statements, this.#clock.now());
        statements.commit.run();
        return ahead;
      } finally {
        if (db.isTransaction) statements.rollback.run();
      }
    };
    return this.#reading({ backend: this.name, operation: 'resetClock' }, undefined, reset, 0);
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    await this.#writer.idle();
    this.#disconnect();
  }

  async #submit(
    site: CallSite,
    operations: readonly BatchOperation[],
    signal: AbortSignal | undefined,
  ): Promise<(WriteResult | undefined)[]> {
    if (this.#state !== 'open') throw closedError(site);
    if (operations.length === 0) return [];
    return this.#writer.submit({ operations, batch: site.operation === 'batch' }, site, signal);
  }

  /** Runs `use` on the database, or gives `absent` if there is none yet. */
  async #reading<T>(
    site: CallSite,
    signal: AbortSignal | undefined,
    use: (connection: Connection) => T,
    absent: T,
  ): Promise<T> {
    let isSecondLook = false;
    for (let tries = 1; ; tries++) {
      if (this.#state !== 'open') throw closedError(site);
      checkSignal(signal, site);
      try {
        const connection = this.#current();
        return connection === undefined ? absent : use(connection);
      } catch (error) {
        // A page that the disk failed to read once is no damage.
        const isWorthALook: boolean = isMalformed(error) && !isSecondLook;
        isSecondLook ||= isWorthALook;
        if (!isWorthALook && (!isBusy(error) || tries === READ_BUSY_TRIES)) throw toStoreError(error, this.#path, site);
      }
      await sleep(1);
    }
  }

  #current(): Connection | undefined {
    const connection = this.#connection;
    if (connection === undefined) return (this.#connection = attach(this.#path));
    if (!connection.immutable) {
      this.#assertInPlace(connection);
      return connection;
    }
    const { size, mtimeMs } = assertInPlace(connection, this.#path);
    const log = statSync(`${this.#path}-wal`, { throwIfNoEntry: false });
    if (size === connection.file.size && mtimeMs === connection.file.mtimeMs && (log?.size ?? 0) === 0)
      return connection;
    return this.#reconnect();
  }

  /** Once for all that is read in one turn of the event loop, which is of one moment; looking takes as long as reading. */
  #assertInPlace(connection: Connection): void {
    const now = performance.now();
    if (this.#lookedAt > now - LOOK_MS) return;
    assertInPlace(connection, this.#path);
    this.#lookedAt = now;
    setImmediate(() => (this.#lookedAt = Number.NEGATIVE_INFINITY)).unref();
  }

  #reconnect(): Connection | undefined {
    this.#disconnect();
    return (this.#connection = attach(this.#path));
  }

  #writable(): Connection {
    let connection = this.#current();
    if (connection?.immutable === true) connection = this.#reconnect();
    if (connection?.immutable === true) {
      const message = `${this.#path}: the database, its folder or its file system may not be written. Nothing was changed.`;
      const advice = [{ id: 'check-backend-access' }] as const;
      throw new SecureStoreError('READ_ONLY', message, { backend: this.name, advice });
    }
    connection ??= this.#connection = create(this.#path);
    if (!this.#logging) ensureLogging(connection);
    this.#logging = true;
    return connection;
  }

  #disconnect(): void {
    this.#connection?.db.close();
    this.#connection = undefined;
    this.#logging = false;
  }
}
