/** The version of the backend contract that this package describes. */
export const CONTRACT_VERSION = 1;

/** The part of a `pino`-compatible logger that a backend uses, for what its user should know and no error says. */
export interface BackendLogger {
  warn(fields: object, message: string): void;
}

/** What {@link StorageBackend.init} is given. */
export interface BackendConfig {
  /** The whole store URL, `scheme:rest`, as the user wrote it. */
  readonly url: string;
  /** Settings of this backend from options or configuration, not yet validated. */
  readonly options: Readonly<Record<string, unknown>>;
  /** A client of the provider's SDK that the caller owns and closes. */
  readonly client?: unknown;
  /** Where warnings go; without one they are dropped. */
  readonly logger?: BackendLogger | undefined;
}

/**
 * What a backend can do, final once {@link StorageBackend.init} has resolved. A flag is named after what it allows,
 * a limit is a number. A capability is the only reason for which a conformance test is left out.
 */
export interface BackendCapabilities {
  /** A write that fails with `CONFLICT` where the key exists. Mandatory for a store. */
  readonly ifAbsent: boolean;
  /** A write that fails with `CONFLICT` unless the stored etag is the given one. Mandatory for a store. */
  readonly ifMatch: boolean;
  /** Listing in byte order, in pages strictly after any key. Mandatory for a store. */
  readonly orderedList: boolean;
  /** A listing sees every write that resolved before it began. Mandatory for a store. */
  readonly listAfterWrite: boolean;
  /** Reading part of a body without transferring the rest. Mandatory for a store. */
  readonly rangeRead: boolean;
  /**
   * `modified` by the backend's own clock, never running backwards within a store URL: not after a restart or a deletion
   * either, nor where the clock of the machine is set back; {@link StorageBackend.resetClock} alone sets it back. Mandatory for a store.
   */
  readonly modified: boolean;
  /** {@link StorageBackend.batch}: all or none. */
  readonly atomicBatch: boolean;
  /** {@link StorageBackend.delete} honours `ifMatch`. */
  readonly conditionalDelete: boolean;
  /** Objects can be written that nobody can delete or replace for a time. */
  readonly objectLock: boolean;
  /** {@link StorageBackend.deleteMany}. */
  readonly deleteMany: boolean;
  /** The backend can announce changes. */
  readonly changeNotifications: boolean;
  /** {@link ReadResult.now} is given by every read of an existing key. */
  readonly now: boolean;
  /** Only one process at a time can have a store open: what another one opens is another store, or `UNAVAILABLE`. */
  readonly oneProcess?: true;
  /** The largest body in bytes; at least 65,536. */
  readonly maxBodyBytes: number;
  /** The most operations in one batch; 0 without `atomicBatch`. */
  readonly maxBatch: number;
  /** The most keys in one `deleteMany`; 0 without it. */
  readonly maxDeleteMany: number;
  /** The resolution of `modified` in milliseconds. */
  readonly modifiedResolution: number;
  /** How far apart, in milliseconds, `modified` may be between two servers of the provider; 0 with one clock. */
  readonly clockSkew: number;
  /** Bodies are kept in the memory of this process: {@link WriteOptions.owned} and {@link ReadOptions.shared} each save a copy. */
  readonly keepsBodies?: boolean;
}

/** A stored body, or the asked-for range of it. */
export interface ReadResult {
  /** The bytes. They are the caller's, who may change or even detach them: the backend keeps no reference, unless the caller passes {@link ReadOptions.shared}. */
  readonly body: Uint8Array;
  /**
   * Given by whole reads, unless {@link ReadOptions.etag} says otherwise; changes whenever the bytes change. It never
   * stands for two different bodies of one key, also not after a deletion, a compaction or a restart; the same bytes may
   * have it again.
   */
  readonly etag?: string;
  /** The size in bytes of the whole body that {@link ReadResult.body} is a range of, also while another body replaces it. */
  readonly size: number;
  /** When the body was written, in milliseconds since 1970 by the backend's clock. */
  readonly modified: number;
  /** The backend's clock at this read, in milliseconds since 1970. It never runs backwards, as `modified` does not. */
  readonly now?: number;
}

export interface ReadOptions {
  /** The first byte, from 0. */
  readonly start?: number;
  /** The byte after the last one; past the end of the body it means the end. */
  readonly end?: number;
  /** The caller has no use for the etag of a whole read: a backend that would have to compute it may leave it out. */
  readonly etag?: false;
  /** The caller neither changes nor detaches the body: a backend that {@link BackendCapabilities.keepsBodies} may return its own. */
  readonly shared?: true;
  readonly signal?: AbortSignal | undefined;
}

export interface WriteOptions {
  /** Fail with `CONFLICT` where the key exists. Not together with `ifMatch`. */
  readonly ifAbsent?: true;
  /** Fail with `CONFLICT` unless the key exists with this etag. */
  readonly ifMatch?: string;
  /** The caller never changes the body again: a backend that {@link BackendCapabilities.keepsBodies} may keep it as it is. */
  readonly owned?: true;
  /**
   * The SHA-256 of the body, which the caller has already taken: a backend whose etag comes from it need not hash the body
   * again. It must be right, or the etag is not. A layer that changes the body leaves it out.
   */
  readonly sha256?: Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface WriteResult {
  readonly etag: string;
  readonly modified?: number;
}

export interface DeleteOptions {
  /** Fail with `CONFLICT` unless the key exists with this etag. */
  readonly ifMatch?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface ListOptions {
  /** Only keys strictly after this one in byte order; it need not exist. */
  readonly after?: string;
  /** The most entries in the page, from 1; the backend may return fewer and say `more`. */
  readonly limit?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface ListEntry {
  readonly key: string;
  /** The size of the body in bytes. */
  readonly size: number;
  /** When the body was written, in milliseconds since 1970 by the backend's clock. */
  readonly modified: number;
}

export interface ListResult {
  readonly entries: ListEntry[];
  /** Whether another page may follow after the last entry. */
  readonly more: boolean;
}

/** How much room a backend has, in bytes. */
export interface BackendCapacity {
  /** What can still be written. */
  readonly free: number;
  readonly total: number;
}

/** One step of a {@link StorageBackend.batch}. No key may occur twice in a batch. */
export type BatchOperation =
  | {
      readonly type: 'write';
      readonly key: string;
      readonly body: Uint8Array;
      readonly ifAbsent?: true;
      readonly ifMatch?: string;
    }
  | { readonly type: 'delete'; readonly key: string; readonly ifMatch?: string };

/**
 * Where ciphertext lies. Small on purpose: bodies are at most {@link BackendCapabilities.maxBodyBytes}, so nobody
 * implements streaming, multipart or resumable uploads.
 *
 * Behaviour that every method shares:
 * - Keys are lower-case ASCII (`a-z 0-9 / . @ ~ - _`), at most 900 bytes, components at most 220. `foo` and `foo/bar`
 *   coexist; deleting one leaves the other.
 * - `signal` is honoured, also while a call waits for its turn, and leaves no half state; its reason becomes the `cause`
 *   of an `ABORTED` error.
 * - Errors are `SecureStoreError` with the right code; the provider's error is the `cause`, without credentials.
 * - A body that is passed in is never changed. The caller leaves it alone until the call settles, and may change it from
 *   then on, also where an abort ended the call: what is still being sent then has to be a copy, and what is kept, too.
 */
export interface StorageBackend {
  readonly name: string;
  readonly capabilities: BackendCapabilities;

  /**
   * Validates the configuration and connects. It looks at what is there and never changes it; what the store URL needs (a
   * folder, a table) is made by the first write, so that a mistyped one leaves nothing behind. On a backend that is
   * initialised already it does nothing: one backend object may serve several stores in turn.
   *
   * @throws `INVALID_ARGUMENT` for a store URL, option or client that makes no sense; `UNAVAILABLE` where the store can't
   *   be reached, or admits one process and another has it open
   */
  init(config: BackendConfig): Promise<void>;

  /**
   * The body of `key`; `undefined` where the key does not exist. An I/O failure is never mistaken for that.
   *
   * @throws `INTEGRITY` for a body over `maxBodyBytes`, which nobody wrote here, without reading it into memory.
   */
  read(key: string, options?: ReadOptions): Promise<ReadResult | undefined>;

  /**
   * Writes the whole body, atomically and durably: after a crash the old body or the new one is there, whole.
   * Of N racers with one condition exactly one wins and the others get `CONFLICT`.
   *
   * @throws `CONFLICT` on a failed condition; `UNSUPPORTED` before anything is written where the condition can't be
   *   honoured; `TOO_LARGE` over `maxBodyBytes`; any error with `outcome: 'unknown'` where the write may have happened.
   */
  write(key: string, body: Uint8Array, options?: WriteOptions): Promise<WriteResult>;

  /** Deletes `key`; nothing happens where it does not exist (`CONFLICT` with `ifMatch`). */
  delete(key: string, options?: DeleteOptions): Promise<void>;

  /**
   * One page of the keys that start with `prefix`, in byte order. Never skips or repeats a key that was there
   * throughout a paged scan; memory is bounded by the page.
   */
  list(prefix: string, options?: ListOptions): Promise<ListResult>;

  /**
   * All operations or none, durably. Resolves to one result for each operation, `undefined` for a deletion. An empty
   * batch does nothing.
   *
   * @throws `CONFLICT` with `index`, the position of the operation whose condition failed.
   */
  batch?(
    operations: readonly BatchOperation[],
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<(WriteResult | undefined)[]>;

  /** Deletes all of `keys` without conditions, in no promised order; missing ones are no error. */
  deleteMany?(keys: readonly string[], options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;

  /**
   * How much room there is, for whoever watches over the store; `undefined` where that can't be told now. Left out by backends that have
   * no end, or don't tell.
   */
  capacity?(): Promise<BackendCapacity | undefined>;

  /**
   * The absolute path of the file or folder of this machine in which everything lies, whether it is there yet or not, so that no store is
   * put into another one. Left out by backends that have none.
   */
  localPath?(): string | undefined;

  /**
   * Sets the record of the latest time back to the clock of this machine, if it is ahead of it, and marks as written now whatever is marked
   * with a later time. Nobody else writes meanwhile. Only for a person who knows that this machine's clock is right: by nothing else
   * `modified` and `now` run backwards. Left out by backends that ask a server for the time.
   *
   * @returns by how many milliseconds the record was ahead; 0 if it was not, and then nothing was changed
   * @throws `UNAVAILABLE`, `READ_ONLY` if nothing can be written
   */
  resetClock?(): Promise<number>;

  /** Frees sockets, files and timers, so that the process can exit. Idempotent; later calls throw `UNAVAILABLE`. */
  close(): Promise<void>;
}

/** A backend package's default export: see {@link defineBackend}. */
export interface BackendDefinition {
  /** A short name for messages, such as `sqlite`. */
  readonly name: string;
  /** The store URL schemes that it serves, without the colon. */
  readonly schemes: readonly string[];
  /** The contract version it was written for. */
  readonly contract: number;
  /** A fresh backend, not yet initialised. */
  readonly create: () => StorageBackend;
}
