import type { StoreKey } from '@securestore/core-format';
import type {
  CallOptions,
  ChangedObject,
  ChangeOptions,
  HistoryEntry,
  ItemResult,
  ListingOptions,
  ManyOptions,
  Metadata,
  ObjectInfo,
  PurgeOptions,
  RangeOptions,
  RestoreVersionOptions,
  Retrieved,
  RetrievedStream,
  RetrieveOptions,
  StoreData,
  StoreManyItem,
  StoreOptions,
  Version,
} from './types.ts';

/**
 * The calls about objects. An open store, a session and a remote store have the same ones.
 *
 * Every call throws `INVALID_KEY` for a key that {@link StoreKey} does not allow and `INVALID_ARGUMENT` for unknown or wrong options. It
 * throws `INTEGRITY` if the backend holds something else than was stored, `UNAVAILABLE` if the backend cannot be reached or the head cannot
 * be confirmed, and `ABORTED` or `TIMEOUT` as its options say.
 *
 * The type parameter `M` says which metadata the caller expects. It is not checked: metadata come as they were stored.
 */
export interface SecureStorage {
  /**
   * Stores an object durably and replaces the current version; older versions stay in the history.
   *
   * @throws `CONFLICT` with `currentVersion` if `ifAbsent`, `ifVersion` or `ifDamaged` does not hold, and never without one of them;
   *   `INTEGRITY` if the record there is damaged, without `ifDamaged`.
   * @example
   * ```ts
   * await store.store('db/password', 's3cr3t', { metadata: { owner: 'ops' }, expires: new Date('2027-01-01') });
   * await store.store('backup.tar', createReadStream('backup.tar'));
   * ```
   */
  store<M extends object = Metadata>(key: string, data: StoreData, options?: StoreOptions<M>): Promise<ObjectInfo<M>>;
  /**
   * Retrieves an object with its data in memory: `{ data, metadata, info, text(), json() }`.
   *
   * @throws `NOT_FOUND` if the object or the version does not exist or has expired.
   * @example
   * ```ts
   * const password = (await store.retrieve('db/password')).text();
   * const { data, metadata } = await store.retrieve<{ owner: string }>('db/password');
   * ```
   */
  retrieve<M extends object = Metadata>(key: string, options?: RetrieveOptions): Promise<Retrieved<M>>;
  /**
   * As {@link SecureStorage.retrieve}, in constant memory: `{ stream, metadata, info }`, and only a range of bytes if one is given.
   *
   * @throws as {@link SecureStorage.retrieve} does; the stream fails with `INTEGRITY` before it releases bytes that are not authentic.
   * @example
   * ```ts
   * const { stream } = await store.retrieveStream('backup.tar', { start: 0, end: 1024 });
   * for await (const chunk of stream) process.stdout.write(chunk);
   * ```
   */
  retrieveStream<M extends object = Metadata>(key: string, options?: RangeOptions): Promise<RetrievedStream<M>>;
  /**
   * Everything known of an object except its data.
   *
   * @throws `NOT_FOUND` as {@link SecureStorage.retrieve} does.
   * @example
   * ```ts
   * const { size, version, expires } = await store.info('db/password');
   * ```
   */
  info<M extends object = Metadata>(key: string, options?: RetrieveOptions): Promise<ObjectInfo<M>>;
  /**
   * Whether an object exists and has not expired.
   *
   * @example
   * ```ts
   * if (!(await store.has('db/password'))) throw new Error('set the password first');
   * ```
   */
  has(key: string, options?: CallOptions): Promise<boolean>;
  /**
   * Whether the current object holds exactly `data`, decided by its keyed digest: no payload is read from the backend.
   *
   * @throws `NOT_FOUND` as {@link SecureStorage.retrieve} does.
   * @example
   * ```ts
   * if (!(await store.matches('config.json', text))) await store.store('config.json', text);
   * ```
   */
  matches(key: string, data: StoreData, options?: CallOptions): Promise<boolean>;
  /**
   * Replaces the metadata: a new version with the same payload, which is neither read nor written again.
   *
   * @throws `NOT_FOUND`; `CONFLICT` with `currentVersion` if `ifVersion` does not hold.
   * @example
   * ```ts
   * await store.setMetadata('db/password', { owner: 'billing' });
   * ```
   */
  setMetadata<M extends object = Metadata>(
    key: string,
    metadata: M,
    options?: ChangeOptions,
  ): Promise<ChangedObject<M>>;
  /**
   * Deletes an object and keeps its history.
   *
   * @returns whether it existed
   * @throws `CONFLICT` with `currentVersion` if `ifVersion` does not hold.
   * @example
   * ```ts
   * await store.delete('db/password');
   * ```
   */
  delete(key: string, options?: ChangeOptions): Promise<boolean>;
  /**
   * Deletes an object with its history and payloads. This store cannot undo it; backups may still hold the object.
   *
   * @returns whether anything was there
   * @throws `CONFLICT` if `ifVersion` or `ifDamaged` does not hold.
   * @example
   * ```ts
   * await store.purge('customers/4711');
   * ```
   */
  purge(key: string, options?: PurgeOptions): Promise<boolean>;
  /**
   * Makes the newest version before the deletion the current one again.
   *
   * @throws `NOT_FOUND`; `CONFLICT` if the object is not deleted; `INTEGRITY` if its newest version is missing, but was not deleted.
   * @example
   * ```ts
   * await store.undelete('db/password');
   * ```
   */
  undelete<M extends object = Metadata>(key: string, options?: CallOptions): Promise<ChangedObject<M>>;
  /**
   * Makes a retained version current again, as a new version.
   *
   * @throws `NOT_FOUND`; `CONFLICT` with `currentVersion` if `ifVersion` or `ifAbsent` does not hold.
   * @example
   * ```ts
   * const [, previous] = await store.history('db/password');
   * if (previous !== undefined) await store.restoreVersion('db/password', previous.version);
   * ```
   */
  restoreVersion<M extends object = Metadata>(
    key: string,
    version: Version,
    options?: RestoreVersionOptions,
  ): Promise<ChangedObject<M>>;
  /**
   * The retained versions, newest first.
   *
   * @throws `NOT_FOUND` if no version of the object was ever stored, or none is retained.
   * @example
   * ```ts
   * for (const { version, modified } of await store.history('db/password')) console.log(version, modified);
   * ```
   */
  history(key: string, options?: CallOptions): Promise<HistoryEntry[]>;
  /**
   * The keys that start with `prefix`, in the order of their UTF-8 bytes. The prefix is a plain string and need not be a key.
   *
   * @example
   * ```ts
   * const keys = await store.list('db/');
   * ```
   */
  list(prefix?: string, options?: CallOptions): Promise<string[]>;
  /**
   * As {@link SecureStorage.list}, in the order of the backend and in bounded memory.
   *
   * @example
   * ```ts
   * for await (const key of store.keys('logs/')) console.log(key);
   * ```
   */
  keys(prefix?: string, options?: ListingOptions): AsyncIterable<StoreKey>;
  /**
   * As {@link SecureStorage.keys}, with everything that {@link SecureStorage.info} returns: one read for each object, prefetched.
   *
   * @example
   * ```ts
   * for await (const { key, size } of store.entries('logs/')) console.log(key, size);
   * ```
   */
  entries<M extends object = Metadata>(prefix?: string, options?: ListingOptions): AsyncIterable<ObjectInfo<M>>;
  /**
   * Stores each item, with one result for each, in order. An item that fails does not stop the others: its error is in the results.
   *
   * @example
   * ```ts
   * const results = await store.storeMany([{ key: 'a', data: '1' }, { key: 'b', data: '2' }]);
   * const failed = results.filter(({ ok }) => !ok);
   * ```
   */
  storeMany<M extends object = Metadata>(
    items: Iterable<StoreManyItem<M>> | AsyncIterable<StoreManyItem<M>>,
    options?: ManyOptions,
  ): Promise<ItemResult<ObjectInfo<M>>[]>;
  /**
   * Retrieves each object, with one result for each, in order. One that fails does not stop the others: its error is in the results.
   *
   * @example
   * ```ts
   * for (const result of await store.retrieveMany(['a', 'b'])) {
   *   if (result.ok) console.log(result.key, result.value.text());
   * }
   * ```
   */
  retrieveMany<M extends object = Metadata>(
    keys: Iterable<string> | AsyncIterable<string>,
    options?: ManyOptions,
  ): Promise<ItemResult<Retrieved<M>>[]>;
}
