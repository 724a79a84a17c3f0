import { checkDelete, checkList, checkRead, checkWrite, closedError, conflictError } from '@securestore/backend-api';
import { defineBackend, parseLocation, parseOptions, resolveRange } from '@securestore/backend-api';
import type { BackendCapabilities, BackendConfig, BackendDefinition, ListResult } from '@securestore/backend-api';
import type { DeleteOptions, ListOptions, ReadOptions, ReadResult } from '@securestore/backend-api';
import type { StorageBackend, WriteOptions, WriteResult } from '@securestore/backend-api';

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
  maxBodyBytes: 2 ** 20,
  maxBatch: 0,
  maxDeleteMany: 0,
  modifiedResolution: 1,
  clockSkew: 0,
};
const PAGE = 100;

interface Stored {
  readonly body: Uint8Array;
  readonly etag: string;
  readonly modified: number;
}

/** Everything stored in this process, by location. */
const locations = new Map<string, Map<string, Stored>>();
let writes = 0;

/** The least that is a backend: bodies in a `Map`, for as long as the process lives. */
class DemoBackend implements StorageBackend {
  readonly name = 'demo';
  readonly capabilities: BackendCapabilities = CAPABILITIES;
  #bodies: Map<string, Stored> | undefined;

  async init({ location, options }: BackendConfig): Promise<void> {
    if (this.#bodies !== undefined) return;
    parseOptions(this.name, options, {});
    const { rest } = parseLocation(location);
    this.#bodies = locations.get(rest) ?? new Map<string, Stored>();
    locations.set(rest, this.#bodies);
  }

  async read(key: string, options?: ReadOptions): Promise<ReadResult | undefined> {
    const stored = this.#open('read', key).get(key);
    checkRead(this, key, options);
    if (stored === undefined) return undefined;
    const size = stored.body.length;
    const { start, end, whole } = resolveRange(size, options);
    const range = { body: stored.body.slice(start, end), size, modified: stored.modified, now: Date.now() };
    return whole ? { ...range, etag: stored.etag } : range;
  }

  async write(key: string, body: Uint8Array, options?: WriteOptions): Promise<WriteResult> {
    const bodies = this.#open('write', key);
    checkWrite(this, key, body, options);
    this.#checkCondition('write', key, bodies.get(key), options);
    writes += 1;
    const stored = { body: new Uint8Array(body), etag: String(writes), modified: Date.now() };
    bodies.set(key, stored);
    return { etag: stored.etag, modified: stored.modified };
  }

  async delete(key: string, options?: DeleteOptions): Promise<void> {
    const bodies = this.#open('delete', key);
    checkDelete(this, key, options);
    this.#checkCondition('delete', key, bodies.get(key), options);
    bodies.delete(key);
  }

  async list(prefix: string, options?: ListOptions): Promise<ListResult> {
    const bodies = this.#open('list');
    checkList(this, prefix, options);
    const after = options?.after;
    const limit = Math.min(options?.limit ?? PAGE, PAGE);
    // Keys are ASCII, so the order of strings is that of their bytes.
    const keys = [...bodies.keys()].filter((key) => key.startsWith(prefix) && (after === undefined || key > after));
    const entries = keys
      .toSorted((a, b) => (a < b ? -1 : 1))
      .slice(0, limit)
      .map((key) => ({ key, size: bodies.get(key)?.body.length ?? 0, modified: bodies.get(key)?.modified ?? 0 }));
    return { entries, more: keys.length > entries.length };
  }

  async close(): Promise<void> {
    this.#bodies = undefined;
  }

  #open(operation: string, key?: string): Map<string, Stored> {
    if (this.#bodies === undefined) throw closedError({ backend: this.name, operation, key });
    return this.#bodies;
  }

  #checkCondition(operation: string, key: string, stored: Stored | undefined, options: WriteOptions = {}): void {
    const { ifAbsent, ifMatch } = options;
    const holds = ifAbsent === true ? stored === undefined : ifMatch === undefined || stored?.etag === ifMatch;
    if (!holds) throw conflictError({ backend: this.name, operation, key });
  }
}

const definition: BackendDefinition = defineBackend({
  name: 'demo',
  schemes: ['demo'],
  contract: 1,
  create: () => new DemoBackend(),
});
export default definition;
