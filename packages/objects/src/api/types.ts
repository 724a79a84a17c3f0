import type { SecureStoreError } from '@securestore/core-format';

/** What {@link SecureStorage.store} takes: strings are stored as UTF-8; streams of any length in constant memory. */
export type StoreData = Uint8Array | string | Blob | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>;

/** Metadata of an object: JSON of at most 64 KiB encoded, sealed like the data. */
export type Metadata = Readonly<Record<string, unknown>>;

/**
 * The version of an object: opaque, never re-used, comparable within one key with {@link compareVersions}.
 * It changes with every new payload or metadata and never by a rotation.
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
  /** When the object was first stored, or stored again after a deletion. */
  readonly created: Date;
  /** When this version was stored. */
  readonly modified: Date;
  readonly expires?: Date;
  readonly metadata: M;
  /** The id of the key version that seals this object now. */
  readonly keyVersion: string;
}

/**
 * The result of a change that keeps the data or the metadata. A session that may not read the object gets its key, version and time alone;
 * without an access policy a caller gets all of it.
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
  /** The data as text. @throws `INVALID_ARGUMENT` if it is not valid UTF-8. */
  text(): string;
  /**
   * The data parsed as JSON. `T` says what the caller expects and is not checked: validate data that other programs store.
   *
   * @throws `INVALID_ARGUMENT` if it is not JSON.
   */
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
  /** Replaces the metadata, a JSON object of at most 64 KiB; absent means none. */
  readonly metadata?: M | undefined;
  /** From this time on the object is as if it did not exist; a past time is `INVALID_ARGUMENT`. */
  readonly expires?: Date | undefined;
}

interface StoreConditions {
  /** Fail with `CONFLICT` if the object exists. */
  readonly ifAbsent?: boolean;
  /** Fail with `CONFLICT` unless this is the current version. */
  readonly ifVersion?: Version;
  /**
   * Replace a damaged record, which is `INTEGRITY` otherwise, and fail with `CONFLICT` if it is not damaged. Its data is lost; the history
   * before it stays, and the new version follows the newest one that anything genuine names.
   */
  readonly ifDamaged?: boolean;
}

/** How an object is stored; of the conditions at most one is given. */
export type StoreOptions<M extends object = Metadata> = CallOptions & StoredWith<M> & AtMostOne<StoreConditions>;

export interface RetrieveOptions extends CallOptions {
  /** This retained version instead of the current one. */
  readonly version?: Version | undefined;
  /** The version that was current at this time. */
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
  /** Fail with `CONFLICT` unless this is the newest version, deletions included. */
  readonly ifVersion?: Version;
  /** Fail with `CONFLICT` unless the record is damaged. */
  readonly ifDamaged?: boolean;
}

/** How an object is purged; of the conditions at most one is given. */
export type PurgeOptions = CallOptions & AtMostOne<PurgeConditions>;

interface RestoreVersionConditions {
  /** Fail with `CONFLICT` unless this is the current version. */
  readonly ifVersion?: Version;
  /** Fail with `CONFLICT` if the object exists. */
  readonly ifAbsent?: boolean;
}

/** How a version is made current again; of the conditions at most one is given. */
export type RestoreVersionOptions = CallOptions & AtMostOne<RestoreVersionConditions>;

export interface ListingOptions extends CallOptions {
  /** Continue after this key, such as the last one of the page before; it need not exist any more. */
  readonly after?: string | undefined;
}

export interface ManyOptions extends CallOptions {
  /** Items at once, from 1 to 1,024. Default 16. */
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

/** A `pino`-compatible logger. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
