import { randomBytes } from 'node:crypto';
import {
  type BackendCapabilities,
  type BackendConfig,
  type BackendDefinition,
  type BatchOperation,
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
  checkStoredSize,
  checkWrite,
  closedError,
  conflictError,
  defineBackend,
  storeUrlError,
  parseStoreUrl,
  parseOptions,
  resolveRange,
} from '@securestore/backend-api';
import { type Change, Database, type Entry } from './database.ts';
import { translated } from './errors.ts';

const PAGE = 1000;

interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Bodies in a LevelDB folder: `leveldb:./folder`. There are no options. */
export class LeveldbBackend implements StorageBackend {
  readonly name = 'leveldb';
  readonly capabilities: BackendCapabilities = {
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
    maxBatch: 1000,
    maxDeleteMany: 1000,
    modifiedResolution: 1,
    clockSkew: 0,
  };
  #database: Database | undefined;

  async init(config: BackendConfig): Promise<void> {
    if (this.#database !== undefined) return;
    parseOptions(this.name, config.options, {});
    const { rest } = parseStoreUrl(config.url);
    if (rest === '') throw storeUrlError(this.name, 'the store URL must name a folder', 'leveldb:./vault');
    this.#database = await translated('init', undefined, async () => Database.open(rest));
  }

  async read(key: string, options?: ReadOptions): Promise<ReadResult | undefined> {
    const database = this.#open('read', key);
    checkRead(this, key, options);
    const found = await translated('read', key, async () => database.read(key));
    if (found === undefined) return undefined;
    const { etag, size, modified } = found.entry;
    checkStoredSize(this, key, size);
    const { start, end, whole } = resolveRange(size, options);
    const part = { body: new Uint8Array(found.body.subarray(start, end)), size, modified, now: database.now() };
    return whole ? { ...part, etag } : part;
  }

  async write(key: string, body: Uint8Array, options?: WriteOptions): Promise<WriteResult> {
    const database = this.#open('write', key);
    checkWrite(this, key, body, options);
    const [result] = await this.#change(database, 'write', [{ ...options, type: 'write', key, body }], options);
    if (result === undefined) throw new Error('a write without a result');
    return result;
  }

  async delete(key: string, options?: DeleteOptions): Promise<void> {
    const database = this.#open('delete', key);
    checkDelete(this, key, options);
    await this.#change(database, 'delete', [{ ...options, type: 'delete', key }], options);
  }

  async list(prefix: string, options?: ListOptions): Promise<ListResult> {
    const database = this.#open('list');
    checkList(this, prefix, options);
    const limit = Math.min(options?.limit ?? PAGE, PAGE);
    const found = await translated('list', undefined, async () =>
      database.list(prefix, options?.after ?? '', limit + 1),
    );
    const page = found.slice(0, limit);
    const entries = page.map(({ key, entry: { size, modified } }) => ({ key, size, modified }));
    return { entries, more: found.length > page.length };
  }

  async batch(operations: readonly BatchOperation[], options?: CallOptions): Promise<(WriteResult | undefined)[]> {
    const database = this.#open('batch');
    checkBatch(this, operations, options);
    return this.#change(database, 'batch', operations, options);
  }

  async deleteMany(keys: readonly string[], options?: CallOptions): Promise<void> {
    const database = this.#open('deleteMany');
    checkDeleteMany(this, keys, options);
    const operations = [...new Set(keys)].map((key) => ({ type: 'delete', key }) as const);
    await this.#change(database, 'deleteMany', operations, options);
  }

  async close(): Promise<void> {
    const database = this.#database;
    this.#database = undefined;
    if (database !== undefined) await translated('close', undefined, async () => database.leave());
  }

  /** Does all operations or none, in a turn of their own, in which nothing comes between condition and write. */
  async #change(
    database: Database,
    operation: string,
    operations: readonly BatchOperation[],
    options: CallOptions = {},
  ): Promise<(WriteResult | undefined)[]> {
    const only = operation === 'write' || operation === 'delete' ? operations[0]?.key : undefined;
    return translated(operation, only, async () =>
      database.alone(async () => {
        // It may have waited, and the bodies with it, which the caller leaves alone until the call settles.
        checkSignal(options.signal, { backend: this.name, operation, key: only });
        for (const [index, { key, ...conditions }] of operations.entries()) {
          if (holds(await database.entry(key), conditions)) continue;
          throw conflictError({ backend: this.name, operation, key }, operation === 'batch' ? index : undefined);
        }
        const modified = database.now();
        const changes = operations.map((each): Change => {
          if (each.type === 'delete') return { key: each.key };
          const entry = { etag: randomBytes(16).toString('hex'), size: each.body.byteLength, modified };
          return { key: each.key, written: { entry, body: each.body } };
        });
        await database.change(changes);
        return changes.map(({ written }) => written && { etag: written.entry.etag, modified });
      }),
    );
  }

  #open(operation: string, key?: string): Database {
    if (this.#database === undefined) throw closedError({ backend: this.name, operation, key });
    return this.#database;
  }
}

function holds(entry: Entry | undefined, { ifAbsent, ifMatch }: { ifAbsent?: true; ifMatch?: string }): boolean {
  if (ifAbsent === true) return entry === undefined;
  return ifMatch === undefined || entry?.etag === ifMatch;
}

const definition: BackendDefinition = defineBackend({
  name: 'leveldb',
  schemes: ['leveldb'],
  contract: 1,
  create: () => new LeveldbBackend(),
});
export default definition;
