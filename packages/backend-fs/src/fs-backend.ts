import {
  type BackendCapabilities,
  type BackendCapacity,
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
  abortedError,
  checkDelete,
  checkDeleteMany,
  checkList,
  checkRead,
  checkStoredSize,
  checkSignal,
  checkWrite,
  closedError,
  conflictError,
  diskCapacity,
  optionError,
  parseOptions,
} from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { dirname } from 'node:path';
import { Committer } from './commit/committer.ts';
import { withDescriptors } from './files/descriptors.ts';
import { errnoOf, toStoreError } from './files/errors.ts';
import { FolderWindows } from './read/folder-windows.ts';
import { Limiter } from './files/limiter.ts';
import { findKeys, type Scan, statKeys } from './read/lister.ts';
import { folderOf } from './files/location.ts';
import { filePath } from './files/names.ts';
import { discardFile, prepareFile } from './commit/preparer.ts';
import { readFileAt } from './read/reader.ts';
import { StoreClock } from './files/store-clock.ts';
import { StoreFolder } from './commit/store-folder.ts';
import { Workspace } from './commit/workspace.ts';

const CAPABILITIES: BackendCapabilities = Object.freeze({
  ifAbsent: true,
  ifMatch: true,
  orderedList: true,
  listAfterWrite: true,
  rangeRead: true,
  modified: true,
  atomicBatch: false,
  conditionalDelete: true,
  objectLock: false,
  deleteMany: true,
  changeNotifications: false,
  now: true,
  maxBodyBytes: 16 * 1024 * 1024,
  maxBatch: 0,
  maxDeleteMany: 1000,
  modifiedResolution: 1,
  clockSkew: 0,
});

/** Each holds a file open; most systems allow a process 1,024. */
const PARALLEL_CALLS = 128;
export const PAGE_ENTRIES = 1000;

interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** What is passed in for tests. */
export interface FsBackendSettings {
  /** The wall clock in milliseconds since 1970, and the file system's; by default `Date.now`, and what new files are marked with. */
  readonly clock?: () => number;
  /** A clock in milliseconds that never runs backwards; by default `performance.now`. */
  readonly monotonic?: () => number;
}

interface Opened {
  readonly folder: StoreFolder;
  readonly clock: StoreClock;
  readonly committer: Committer;
  workspace: Promise<Workspace> | undefined;
}

/** A folder as a backend. Nothing is created before the first write, and reading writes nothing. */
export class FsBackend implements StorageBackend {
  readonly name = 'fs';
  readonly capabilities: BackendCapabilities = CAPABILITIES;
  readonly #settings: FsBackendSettings;
  readonly #calls = new Limiter(PARALLEL_CALLS);
  readonly #windows = new FolderWindows();
  #opened: Opened | undefined;
  #closed = false;

  constructor(settings: FsBackendSettings = {}) {
    this.#settings = settings;
  }

  /**
   * Checks the folder if there is one, and creates nothing.
   *
   * @throws SecureStoreError `INVALID_ARGUMENT` on a store URL that names no folder or goes through a file, an unknown
   *   option or a client; `UNAVAILABLE` if the folder can't be read.
   */
  async init(config: BackendConfig): Promise<void> {
    const site = { backend: this.name, operation: 'init' };
    if (this.#closed) throw closedError(site);
    if (this.#opened !== undefined) return;
    parseOptions(this.name, config.options, {});
    if (config.client !== undefined) {
      throw optionError(this.name, 'client', 'be left out');
    }
    const folder = new StoreFolder(folderOf(config.url));
    const clock = new StoreClock(folder.path, this.#settings);
    try {
      if (await withDescriptors(() => folder.exists())) clock.read();
    } catch (error) {
      folder.close();
      throw toStoreError(error, folder.path, 'read', site);
    }
    // Another call may have opened it meanwhile, or closed it.
    if (this.#opened !== undefined) return folder.close();
    if (this.#closed) {
      folder.close();
      throw closedError(site);
    }
    this.#opened = { folder, clock, committer: new Committer(folder, clock), workspace: undefined };
  }

  async read(key: string, options: ReadOptions = {}): Promise<ReadResult | undefined> {
    checkRead(this, key, options);
    const site = { backend: this.name, operation: 'read', key };
    const checkSize = (size: number): void => checkStoredSize(this, key, size);
    return this.#call(site, 'read', options, async ({ folder, clock }) => {
      const path = `${folder.path}/${filePath(key)}`;
      const result = await this.#ifThere(folder, () => readFileAt(path, options, checkSize));
      if (result === undefined) return undefined;
      return { ...result, now: Math.max(clock.now(), result.modified) };
    });
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    checkList(this, prefix, options);
    const { after = '', signal } = options;
    const limit = Math.min(options.limit ?? PAGE_ENTRIES, PAGE_ENTRIES);
    return this.#call({ backend: this.name, operation: 'list' }, 'read', options, async ({ folder }) => {
      const scan: Scan = {
        root: `${folder.path}/`,
        prefix,
        after,
        limit: limit + 1,
        signal,
        windows: this.#windows,
        found: [],
      };
      if (folder.exists()) await findKeys(scan);
      const entries = await statKeys(scan, scan.found.slice(0, limit));
      folder.exists();
      return { entries, more: scan.found.length > limit };
    });
  }

  async write(key: string, body: Uint8Array, options: WriteOptions = {}): Promise<WriteResult> {
    checkWrite(this, key, body, options);
    const site = { backend: this.name, operation: 'write', key };
    const { ifAbsent, ifMatch, sha256, signal } = options;
    return this.#call(site, 'write', options, async (opened) => {
      const [temp, etag] = await this.#prepare(opened, body, sha256);
      try {
        checkSignal(signal, site);
        const result = await opened.committer.submit({ type: 'write', key, temp, etag, ifAbsent, ifMatch }, site);
        return result ?? { etag };
      } catch (error) {
        discardFile(temp);
        throw error;
      }
    });
  }

  async delete(key: string, options: DeleteOptions = {}): Promise<void> {
    checkDelete(this, key, options);
    await this.#delete({ backend: this.name, operation: 'delete', key }, [key], options);
  }

  async deleteMany(keys: readonly string[], options: CallOptions = {}): Promise<void> {
    checkDeleteMany(this, keys, options);
    await this.#delete({ backend: this.name, operation: 'deleteMany' }, keys, options);
  }

  /** Of the file system that the folder is on, or will be. */
  async capacity(): Promise<BackendCapacity | undefined> {
    const path = this.#opened?.folder.path;
    return path === undefined ? undefined : ((await diskCapacity(path)) ?? diskCapacity(dirname(path)));
  }

  localPath(): string | undefined {
    return this.#opened?.folder.path;
  }

  async resetClock(): Promise<number> {
    const site = { backend: this.name, operation: 'resetClock' };
    return this.#call(site, 'write', {}, async ({ folder, clock, committer }) =>
      folder.exists() ? committer.exclusively(() => clock.reset()) : 0,
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#calls.idle();
    const opened = this.#opened;
    this.#opened = undefined;
    const workspace = await opened?.workspace?.catch(() => undefined);
    workspace?.close();
    opened?.committer.close();
    opened?.folder.close();
  }

  async #delete(site: CallSite, keys: readonly string[], { ifMatch, signal }: DeleteOptions): Promise<void> {
    await this.#call(site, 'write', { signal }, async ({ folder, committer }) => {
      if (!folder.exists()) {
        if (ifMatch !== undefined) throw conflictError(site);
        return;
      }
      const outcomes = keys.map((key) => committer.submit({ type: 'delete', key, ifMatch }, { ...site, key }));
      const failed = (await Promise.allSettled(outcomes)).find((outcome) => outcome.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    });
  }

  /** Runs `task` when its turn comes, with its errors translated. */
  async #call<T>(
    site: CallSite,
    access: 'read' | 'write',
    { signal }: CallOptions,
    task: (opened: Opened) => Promise<T>,
  ): Promise<T> {
    const opened = this.#opened;
    if (this.#closed || opened === undefined) throw closedError(site);
    return this.#calls.run(async () => {
      checkSignal(signal, site);
      try {
        return await task(opened);
      } catch (error) {
        if (signal?.aborted === true && error === signal.reason) throw abortedError(site, error);
        throw toStoreError(error, opened.folder.path, access, site);
      }
    });
  }

  /**
   * The result of `task`, or `undefined` if its file is missing although the store is there. A file of another folder, such as an older
   * copy that was put in place of the store, is no result.
   */
  async #ifThere<T>(folder: StoreFolder, task: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await task();
      folder.exists();
      return result;
    } catch (error) {
      const errno = errnoOf(error);
      if (errno !== 'ENOENT' && errno !== 'ENOTDIR') throw error;
      folder.exists();
      if (errno === 'ENOTDIR') throw error;
      return undefined;
    }
  }

  /** Makes a temporary file of `body` and returns its path. */
  async #prepare(opened: Opened, body: Uint8Array, sha256?: Uint8Array): Promise<[temp: string, etag: string]> {
    const { folder, committer } = opened;
    opened.workspace ??= committer.exclusively(() => new Workspace(folder.path));
    // The next write tries again.
    opened.workspace.catch(() => (opened.workspace = undefined));
    const temp = (await opened.workspace).next();
    try {
      return [temp, await prepareFile(temp, body, sha256)];
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      folder.exists();
      const message = `${folder.path}: the folder for temporary files was removed`;
      const advice = [{ id: 'reopen-store' }] as const;
      throw new SecureStoreError('UNAVAILABLE', message, {
        backend: this.name,
        retryable: false,
        advice,
        cause: error,
      });
    }
  }
}
