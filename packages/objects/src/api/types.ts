import type { SecureStoreError, StoreKey } from '@securestore/core-format';

/** What {@link SecureStorage.store} takes: strings are stored as UTF-8; streams of any length in constant memory. */
export type StoreData = Uint8Array | string | Blob | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>;

/** Metadata of an object: JSON of at most 64 KiB encoded, sealed like the data. */
export type Metadata = Readonly<Record<string, unknown>>;

/**
 * The version of an object: opaque, never re-used, comparable within one key with {@link compareVersions}.
 * It changes with every new payload or metadata and never by re-keying.
 */
export type Version = string;

/** What is known of one version of an object beside its data. */
export interface ObjectInfo<M extends object = Metadata> {
  readonly key: string;
  readonly version: Version;
  /** The length of the data in bytes. */
  readonly size: number;
  /** The name of the category whose keys seal the object. */
  readonly category: string;
  /** When the object was first stored, or stored anew after a deletion. */
  readonly created: Date;
  /** When this version was stored. */
  readonly modified: Date;
  readonly expires?: Date;
  readonly metadata: M;
  /** The id of the key version that seals this object now. */
  readonly keyVersion: string;
}

/**
 * What a change answers that keeps what was there: of that it tells the rest only to a caller who may read the object.
 * Where no access policy decides, that is everybody.
 */
export type ChangedObject<M extends object = Metadata> = Pick<ObjectInfo<M>, 'key' | 'version' | 'modified'> &
  Partial<ObjectInfo<M>>;

/** A version in {@link SecureStorage.history}; a deletion is a version of its own. */
export interface HistoryEntry {
  readonly version: Version;
  /** When this version was stored. */
  readonly modified: Date;
  /** Whether this version is a deletion. */
  readonly deleted: boolean;
  /** Whether it is the deletion that {@link SecureStorage.purge} leaves: what was before it is gone. */
  readonly purged: boolean;
  /** Whether it has expired, so that it is as if it did not exist. */
  readonly expired: boolean;
  /** Whether it is the newest: what {@link SecureStorage.retrieve} returns by default, unless deleted or expired. */
  readonly current: boolean;
  /** The length of the data in bytes; absent for a deletion. */
  readonly size?: number;
}

/** A retrieved object with its data in memory. */
export interface Retrieved<M extends object = Metadata> {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly metadata: M;
  readonly info: ObjectInfo<M>;
  /** The data as UTF-8. @throws `INVALID_ARGUMENT` where it is not valid UTF-8. */
  text(): string;
  /** The data parsed as JSON. @throws `INVALID_ARGUMENT` where it is not JSON. */
  json<T = unknown>(): T;
}

/** A retrieved object with its data as a stream; nothing is released before it is authenticated. */
export interface RetrievedStream<M extends object = Metadata> {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly metadata: M;
  readonly info: ObjectInfo<M>;
}

/** Taken by every call. */
export interface CallOptions {
  /** Aborts the call with `ABORTED`, whose `cause` is the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds after which the call fails with `TIMEOUT`. */
  readonly timeout?: number | undefined;
}

/** At most one of several conditions, which are left out and not `undefined`. */
type AtMostOne<T> = {
  [Name in keyof T]: Pick<T, Name> & { readonly [Other in Exclude<keyof T, Name>]?: never };
}[keyof T];

/** What {@link StoreOptions} has beside conditions. */
interface StoredWith<M extends object> {
  /** Replaces the metadata; absent means none. */
  readonly metadata?: M | undefined;
  /** From then on the object is as if it did not exist; `INVALID_ARGUMENT` for a time that is past. */
  readonly expires?: Date | undefined;
}

interface StoreConditions {
  /** Fail with `CONFLICT` where the object exists. */
  readonly ifAbsent?: boolean;
  /** Fail with `CONFLICT` unless this is the current version. */
  readonly ifVersion?: Version;
  /**
   * Replace a record that is damaged, which is `INTEGRITY` otherwise, and fail with `CONFLICT` where none is. What was in it is lost; the
   * history before it stays, and the new version follows the newest one of which anything genuine tells.
   */
  readonly ifDamaged?: boolean;
}

/** How an object is stored; of the conditions at most one is given. */
export type StoreOptions<M extends object = Metadata> = CallOptions & StoredWith<M> & AtMostOne<StoreConditions>;

export interface RetrieveOptions extends CallOptions {
  /** This retained version instead of the current one. */
  readonly version?: Version | undefined;
  /** The version that was current at that time. */
  readonly at?: Date | undefined;
}

export interface RangeOptions extends RetrieveOptions {
  /** The first byte, from 0. */
  readonly start?: number | undefined;
  /** The byte after the last one; past the end of the data it means the end. */
  readonly end?: number | undefined;
}

export interface ChangeOptions extends CallOptions {
  /** Fail with `CONFLICT` unless this is the current version. */
  readonly ifVersion?: Version;
}

interface PurgeConditions {
  /** Fail with `CONFLICT` unless this is the newest version in the history: of a deleted object that of its deletion. */
  readonly ifVersion?: Version;
  /** Fail with `CONFLICT` unless the record there is damaged. */
  readonly ifDamaged?: boolean;
}

/** How an object is purged; of the conditions at most one is given. */
export type PurgeOptions = CallOptions & AtMostOne<PurgeConditions>;

interface RestoreVersionConditions {
  /** Fail with `CONFLICT` unless this is the current version. */
  readonly ifVersion?: Version;
  /** Fail with `CONFLICT` if the object exists: for one that was deleted. */
  readonly ifAbsent?: boolean;
}

/** How a version is made current again; of the conditions at most one is given. */
export type RestoreVersionOptions = CallOptions & AtMostOne<RestoreVersionConditions>;

export interface ListingOptions extends CallOptions {
  /** Goes on after this name, as the last one of a part of the listing; it need not be there any more. */
  readonly after?: string | undefined;
}

export interface ManyOptions extends CallOptions {
  /** How many are under way at once; default 16. */
  readonly concurrency?: number | undefined;
}

/** One object for {@link SecureStorage.storeMany}; of the conditions at most one is given. */
export type StoreManyItem<M extends object = Metadata> = StoredWith<M> &
  AtMostOne<StoreConditions> & {
    readonly key: string;
    readonly data: StoreData;
  };

/** The outcome of one item of `storeMany` or `retrieveMany`, in the order of the input. */
export type ItemResult<T> =
  | { readonly key: string; readonly ok: true; readonly value: T }
  | { readonly key: string; readonly ok: false; readonly error: SecureStoreError };

/**
 * An encrypted store as its users see it. Sessions and remote clients implement the same interface.
 *
 * Every call throws `INVALID_KEY` for a key that {@link StoreKey} does not allow, `INVALID_ARGUMENT` for unknown or
 * wrong options, `INTEGRITY` where what the backend holds is not what was stored, `UNAVAILABLE` where the backend
 * can't be reached or the head can't be confirmed, `ABORTED` and `TIMEOUT` as the options say.
 */
export interface SecureStorage {
  /**
   * Stores an object, durably, replacing what is there; older versions stay in the history.
   *
   * @throws `CONFLICT` with `currentVersion` on a failed `ifAbsent`, `ifVersion` or `ifDamaged`, and never without one of them; `INTEGRITY` where the
   *   record there is damaged, without `ifDamaged`.
   */
  store<M extends object = Metadata>(key: string, data: StoreData, options?: StoreOptions<M>): Promise<ObjectInfo<M>>;
  /** @throws `NOT_FOUND` where there is no such object or version, or it has expired. */
  retrieve<M extends object = Metadata>(key: string, options?: RetrieveOptions): Promise<Retrieved<M>>;
  /** As {@link SecureStorage.retrieve}, in constant memory, and of a range of bytes if one is given. */
  retrieveStream<M extends object = Metadata>(key: string, options?: RangeOptions): Promise<RetrievedStream<M>>;
  /** @throws `NOT_FOUND` as {@link SecureStorage.retrieve} does. */
  info<M extends object = Metadata>(key: string, options?: RetrieveOptions): Promise<ObjectInfo<M>>;
  has(key: string, options?: CallOptions): Promise<boolean>;
  /**
   * Whether the current object holds exactly `data`, decided by its keyed digest: no payload is read from the backend.
   *
   * @throws `NOT_FOUND` where there is no such object, as {@link SecureStorage.retrieve} does.
   */
  matches(key: string, data: StoreData, options?: CallOptions): Promise<boolean>;
  /** A new version with the same payload, which is not read or written again. */
  setMetadata<M extends object = Metadata>(
    key: string,
    metadata: M,
    options?: ChangeOptions,
  ): Promise<ChangedObject<M>>;
  /** Deletes the object, keeping its history; `true` if it existed. */
  delete(key: string, options?: ChangeOptions): Promise<boolean>;
  /** Deletes the object with its history and payloads, beyond recovery from this store; `true` if anything was there. */
  purge(key: string, options?: PurgeOptions): Promise<boolean>;
  /** Makes the newest version before the deletion current again. @throws `NOT_FOUND`; `CONFLICT` if it isn't deleted. */
  undelete<M extends object = Metadata>(key: string, options?: CallOptions): Promise<ChangedObject<M>>;
  /** Makes a retained version current again, as a new version. */
  restoreVersion<M extends object = Metadata>(
    key: string,
    version: Version,
    options?: RestoreVersionOptions,
  ): Promise<ChangedObject<M>>;
  /** The retained versions, newest first. @throws `NOT_FOUND` where there never was such an object. */
  history(key: string, options?: CallOptions): Promise<HistoryEntry[]>;
  /** The names that start with `prefix`, a raw string that need not be a key, in the order of their UTF-8 bytes. */
  list(prefix?: string, options?: CallOptions): Promise<string[]>;
  /** As {@link SecureStorage.list}, in the backend's order and in bounded memory. */
  keys(prefix?: string, options?: ListingOptions): AsyncIterable<StoreKey>;
  /** As {@link SecureStorage.keys} with one read each, prefetched. */
  entries<M extends object = Metadata>(prefix?: string, options?: ListingOptions): AsyncIterable<ObjectInfo<M>>;
  /** Stores each item; failures are in the results. */
  storeMany<M extends object = Metadata>(
    items: Iterable<StoreManyItem<M>> | AsyncIterable<StoreManyItem<M>>,
    options?: ManyOptions,
  ): Promise<ItemResult<ObjectInfo<M>>[]>;
  /** Retrieves each object; failures are in the results. */
  retrieveMany<M extends object = Metadata>(
    keys: Iterable<string> | AsyncIterable<string>,
    options?: ManyOptions,
  ): Promise<ItemResult<Retrieved<M>>[]>;
}

/** A `pino`-compatible logger. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
