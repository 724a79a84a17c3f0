import {
  type BackendCapabilities,
  type BackendConfig,
  type BatchOperation,
  type DeleteOptions,
  type ListEntry,
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
  conflictError,
  storeUrlError,
  optionError,
  parseStoreUrl,
  parseOptions,
  resolveRange,
} from '@securestore/backend-api';
import { copyOf, MemoryData, type StoredBody, sharedData } from './memory-data.ts';

const DEFAULT_PAGE = 1000;

const CAPABILITIES: BackendCapabilities = Object.freeze({
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
  oneProcess: true,
  maxBodyBytes: 16 * 1024 * 1024,
  maxBatch: 10_000,
  maxDeleteMany: 10_000,
  modifiedResolution: 1,
  clockSkew: 0,
  keepsBodies: true,
});

/** What a test may put in place of the machine's own. */
export interface MemoryBackendSettings {
  /** Milliseconds since 1970; by default `Date.now`. */
  readonly clock?: () => number;
}

/**
 * Bodies in the memory of this process. `memory:` is private to this object and gone with it; `memory:name` is shared
 * by every backend of the process that opens the same name, and lasts until the process ends.
 */
export class MemoryBackend implements StorageBackend {
  readonly name = 'memory';
  readonly capabilities: BackendCapabilities = CAPABILITIES;
  readonly #clock: () => number;
  #data: MemoryData | undefined;

  constructor(settings: MemoryBackendSettings = {}) {
    this.#clock = settings.clock ?? Date.now;
  }

  async init(config: BackendConfig): Promise<void> {
    if (this.#data !== undefined) return;
    const { scheme, rest } = parseStoreUrl(config.url);
    if (scheme !== 'memory' || !/^[\w.-]{0,100}$/.test(rest)) {
      const problem = 'the store URL must be memory:, or memory: with a name of at most 100 of A-Z a-z 0-9 . _ -';
      throw storeUrlError(this.name, problem, 'memory:name');
    }
    parseOptions(this.name, config.options, {});
    if (config.client !== undefined) throw optionError(this.name, 'client', 'be left out');
    this.#data = rest === '' ? new MemoryData(this.#clock) : sharedData(rest, this.#clock);
  }

  async read(key: string, options?: ReadOptions): Promise<ReadResult | undefined> {
    const data = this.#open('read', key);
    checkRead(this, key, options);
    const stored = data.get(key);
    if (stored === undefined) return undefined;
    const { etag, modified } = stored;
    const size = stored.body.byteLength;
    const now = data.now();
    const { start, end, whole } = resolveRange(size, options);
    const part = whole ? stored.body : stored.body.subarray(start, end);
    const body = options?.shared === true ? part : copyOf(part);
    return { body, ...(whole && { etag }), size, modified, now };
  }

  async write(key: string, body: Uint8Array, options?: WriteOptions): Promise<WriteResult> {
    const data = this.#open('write', key);
    checkWrite(this, key, body, options);
    if (options !== undefined && !holds(data.get(key), options)) {
      throw conflictError({ backend: this.name, operation: 'write', key });
    }
    const { etag, modified } = data.set(key, body, options?.owned);
    return { etag, modified };
  }

  async delete(key: string, options?: DeleteOptions): Promise<void> {
    const data = this.#open('delete', key);
    checkDelete(this, key, options);
    if (options !== undefined && !holds(data.get(key), options)) {
      throw conflictError({ backend: this.name, operation: 'delete', key });
    }
    data.delete(key);
  }

  async list(prefix: string, options?: ListOptions): Promise<ListResult> {
    const data = this.#open('list');
    checkList(this, prefix, options);
    const limit = Math.min(options?.limit ?? DEFAULT_PAGE, DEFAULT_PAGE);
    const entries: ListEntry[] = [];
    for (const key of data.keys(prefix, options?.after)) {
      if (entries.length === limit) return { entries, more: true };
      const stored = data.get(key);
      if (stored !== undefined) entries.push({ key, size: stored.body.byteLength, modified: stored.modified });
    }
    return { entries, more: false };
  }

  async batch(
    operations: readonly BatchOperation[],
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<(WriteResult | undefined)[]> {
    const data = this.#open('batch');
    checkBatch(this, operations, options);
    for (const [index, operation] of operations.entries()) {
      if (holds(data.get(operation.key), operation)) continue;
      throw conflictError({ backend: this.name, operation: 'batch', key: operation.key }, index);
    }
    return operations.map((operation) => apply(data, operation));
  }

  async deleteMany(keys: readonly string[], options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    const data = this.#open('deleteMany');
    checkDeleteMany(this, keys, options);
    for (const key of keys) data.delete(key);
  }

  /** Private data is released; named data stays for the next backend that opens it. */
  async close(): Promise<void> {
    this.#data = undefined;
  }

  #open(operation: string, key?: string): MemoryData {
    if (this.#data === undefined) throw closedError({ backend: this.name, operation, key });
    return this.#data;
  }
}

function holds(stored: StoredBody | undefined, condition: { ifAbsent?: true; ifMatch?: string }): boolean {
  if (condition.ifAbsent === true) return stored === undefined;
  return condition.ifMatch === undefined || stored?.etag === condition.ifMatch;
}

function apply(data: MemoryData, operation: BatchOperation): WriteResult | undefined {
  if (operation.type === 'delete') {
    data.delete(operation.key);
    return undefined;
  }
  const { etag, modified } = data.set(operation.key, operation.body);
  return { etag, modified };
}
