import type {
  BackendCapabilities,
  BackendConfig,
  BatchOperation,
  DeleteOptions,
  ListOptions,
  ListResult,
  ReadOptions,
  ReadResult,
  StorageBackend,
  WriteOptions,
  WriteResult,
} from '@securestore/backend-api';
import { SecureStoreError, type ErrorDetails } from '@securestore/core-format';
import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkBody, checkKey, checkLimit, checkRange } from './arguments.ts';
import { assertInPlace, attach, create, ensureLogging, type Connection } from './connection.ts';
import { isBusy, toStoreError } from './errors.ts';
import { MAX_BODY_BYTES } from './layout.ts';
import { databasePath } from './location.ts';
import { listEntries, readEntry } from './reader.ts';
import { aborted, Writer } from './writer.ts';

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
  maxBatch: 1000,
  maxDeleteMany: 10_000,
  modifiedResolution: 1,
  clockSkew: 0,
};

/** Reads wait this long at most for a process that recovers or closes the database. */
const READ_BUSY_TRIES = 10_000;

/** What is passed in for tests. */
export interface SqliteEnvironment {
  /** The wall clock in milliseconds since 1970; by default `Date.now`. */
  readonly now?: () => number;
}

/**
 * One SQLite file as a backend. Nothing is created before the first write, and reading writes nothing. All access is
 * on the calling thread: a read takes microseconds, and writes that wait together share one flush of the disk.
 */
export class SqliteBackend implements StorageBackend {
  readonly name = 'sqlite';
  readonly capabilities: BackendCapabilities = CAPABILITIES;
  readonly #now: () => number;
  #path = '';
  #state: 'new' | 'open' | 'closed' = 'new';
  #connection: Connection | undefined;
  #logging = false;
  readonly #writer: Writer;

  constructor(environment: SqliteEnvironment = {}) {
    const now = environment.now ?? Date.now;
    this.#now = now;
    this.#writer = new Writer({ path: () => this.#path, now, connect: () => this.#writable() });
  }

  /**
   * Opens the database if there is one, and creates nothing.
   *
   * @throws SecureStoreError `INVALID_ARGUMENT` on a location that names no file, an unknown option or a client;
   *   `FORMAT_VERSION` for another application's file; `INTEGRITY` for a damaged one; `UNAVAILABLE` if it can't be read.
   */
  async init(config: BackendConfig): Promise<void> {
    const unknown = [...Object.keys(config.options), ...(config.client === undefined ? [] : ['client'])];
    if (unknown.length > 0) {
      throw new SecureStoreError('INVALID_ARGUMENT', `sqlite: has no setting ${unknown.join(', ')}; leave it out`, {
        operation: 'init',
        backend: this.name,
      });
    }
    this.#path = databasePath(config.location);
    this.#state = 'open';
    try {
      await this.#reading({ operation: 'init' }, undefined, () => undefined, undefined);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async read(key: string, options: ReadOptions = {}): Promise<ReadResult | undefined> {
    const details = { operation: 'read', key };
    checkKey(key, 'read');
    checkRange(options.start, options.end, details);
    return this.#reading(
      details,
      options.signal,
      (connection) => readEntry(connection, key, options, this.#now()),
      undefined,
    );
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    if (prefix !== '') checkKey(prefix, 'list');
    checkLimit(options.limit);
    const empty: ListResult = { entries: [], more: false };
    return this.#reading(
      { operation: 'list' },
      options.signal,
      (connection) => listEntries(connection, prefix, options),
      empty,
    );
  }

  async write(key: string, body: Uint8Array, options: WriteOptions = {}): Promise<WriteResult> {
    const { signal, ...conditions } = options;
    const [result] = await this.#submit('write', key, [{ type: 'write', key, body, ...conditions }], signal);
    if (result === undefined) throw new SecureStoreError('INTERNAL', 'a write gave no result', { backend: this.name });
    return result;
  }

  async delete(key: string, options: DeleteOptions = {}): Promise<void> {
    const { signal, ...conditions } = options;
    await this.#submit('delete', key, [{ type: 'delete', key, ...conditions }], signal);
  }

  async batch(
    operations: readonly BatchOperation[],
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<(WriteResult | undefined)[]> {
    this.#checkCount('batch', operations.length, CAPABILITIES.maxBatch);
    if (new Set(operations.map(({ key }) => key)).size < operations.length) {
      throw new SecureStoreError('INVALID_ARGUMENT', 'a key occurs twice in the batch', {
        operation: 'batch',
        backend: this.name,
      });
    }
    return this.#submit('batch', undefined, operations, options.signal);
  }

  async deleteMany(
    keys: readonly string[],
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    this.#checkCount('deleteMany', keys.length, CAPABILITIES.maxDeleteMany);
    const operations = [...new Set(keys)].map((key) => ({ type: 'delete', key }) as const);
    await this.#submit('deleteMany', undefined, operations, options.signal);
  }

  async close(): Promise<void> {
    if (this.#state === 'open') this.#state = 'closed';
    await this.#writer.idle();
    this.#disconnect();
  }

  #checkCount(operation: string, count: number, most: number): void {
    if (count <= most) return;
    throw new SecureStoreError('TOO_LARGE', `${operation} takes at most ${most} keys, and was given ${count}`, {
      operation,
      backend: this.name,
    });
  }

  #assertOpen(details: ErrorDetails, signal: AbortSignal | undefined): void {
    if (this.#state !== 'open') {
      const message =
        this.#state === 'new' ? 'the backend is not initialised; call init first' : 'the backend is closed';
      throw new SecureStoreError('UNAVAILABLE', message, { ...details, backend: this.name, retryable: false });
    }
    if (signal?.aborted === true) throw aborted(signal, details);
  }

  async #submit(
    operation: string,
    key: string | undefined,
    operations: readonly BatchOperation[],
    signal: AbortSignal | undefined,
  ): Promise<(WriteResult | undefined)[]> {
    for (const item of operations) {
      checkKey(item.key, operation);
      if (item.type !== 'write') continue;
      checkBody(item.body, { operation, key: item.key });
      if (item.ifAbsent === true && item.ifMatch !== undefined) {
        throw new SecureStoreError('INVALID_ARGUMENT', 'ifAbsent and ifMatch exclude each other', {
          operation,
          key: item.key,
          backend: this.name,
        });
      }
    }
    this.#assertOpen({ operation, key }, signal);
    if (operations.length === 0) return [];
    const batch = operation === 'batch';
    return [...(await this.#writer.submit({ operations, batch }, { operation, key }, signal))];
  }

  /** Runs `use` on the database, or gives `absent` where there is none yet. */
  async #reading<T>(
    details: ErrorDetails,
    signal: AbortSignal | undefined,
    use: (connection: Connection) => T,
    absent: T,
  ): Promise<T> {
    for (let tries = 1; ; tries++) {
      this.#assertOpen(details, signal);
      try {
        const connection = this.#current();
        return connection === undefined ? absent : use(connection);
      } catch (error) {
        if (!isBusy(error) || tries === READ_BUSY_TRIES) throw toStoreError(error, this.#path, details);
      }
      await sleep(1);
    }
  }

  #current(): Connection | undefined {
    const connection = this.#connection;
    if (connection === undefined) return (this.#connection = attach(this.#path));
    const { size, mtimeMs } = assertInPlace(connection, this.#path);
    if (!connection.immutable) return connection;
    const log = statSync(`${this.#path}-wal`, { throwIfNoEntry: false });
    if (size === connection.file.size && mtimeMs === connection.file.mtimeMs && (log?.size ?? 0) === 0)
      return connection;
    return this.#reconnect();
  }

  #reconnect(): Connection | undefined {
    this.#disconnect();
    return (this.#connection = attach(this.#path));
  }

  #writable(): Connection {
    let connection = this.#current();
    if (connection?.immutable === true) connection = this.#reconnect();
    if (connection?.immutable === true) {
      throw new SecureStoreError('READ_ONLY', `${this.#path} is on a file system that can't be written`, {
        backend: this.name,
      });
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
