import type { AuditLink, StoreKey } from '@securestore/core-format';
import type {
  CheckpointOptions,
  GcOptions,
  JobAdministration,
  EncryptionKeyAdministration,
  UnlockSecret,
  RotateOptions,
  SlotAdministration,
  VerifyOptions,
} from './administration-types.ts';
import { Administration } from './administration.ts';
import type { StoreMembers } from './store-members.ts';
import type { GcReport } from '../maintenance/gc/report.ts';
import type { Engine } from '../engine/engine.ts';
import type { CheckpointReport } from '../checkpoint/make.ts';
import type { Job } from '@securestore/jobs';
import type { RotationReport } from '../maintenance/keys/rotate.ts';
import { entriesOf } from './entries.ts';
import type { StoreExtensions } from './extensions.ts';
import { makeExtensions } from './extensions.ts';
import { historyOf } from '../object/history.ts';
import { sortNames } from '../api/prefix.ts';
import type { MemberAdministration } from '../maintenance/keys/members.ts';
import type { SettingsAdministration } from '../api/settings-types.ts';
import { isGrantedName } from '../engine/check-granted.ts';
import { retrieveMany, storeMany } from '../api/bulk.ts';
import { deleteObject, restoreVersion, setMetadata } from '../object/change.ts';
import { storeObject } from '../object/store.ts';
import { matchesObject } from '../object/matches.ts';
import { CallGate } from './call-gate.ts';
import { purgeObject } from '../object/purge.ts';
import { describeObject, hasObject } from '../object/find-version.ts';
import type { Target } from '../record/open-record.ts';
import { retrieveObject, streamObject } from '../object/retrieve.ts';
import type {
  CallOptions,
  ChangeOptions,
  HistoryEntry,
  ItemResult,
  ListingOptions,
  Logger,
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
} from '../api/types.ts';
import type { SecureStorage } from '../api/secure-storage.ts';
import type { VerifyReport } from '../maintenance/verify/report.ts';

/** What an {@link ObjectStore} is made of. */
export interface ObjectStoreParts {
  readonly engine: Engine;
  readonly fingerprint: string;
  readonly url: string;
  /** Whether the head was compared with what is remembered outside the store. */
  readonly anchored?: boolean | undefined;
  readonly logger?: Logger | undefined;
  /** Whether the store looks after itself while it is open; default not. */
  readonly maintenance?: boolean | undefined;
  /** How far the segments of the audit log went by what is remembered outside the store. */
  readonly rememberedEnds?: (() => Promise<AuditLink[]>) | undefined;
  /** Called once when the store is closed, after its last call has ended. */
  readonly onClose: () => Promise<void>;
}

/** Where a store has its extensions: under a symbol, which what wraps the store passes on, and no user meets. */
const EXTENSIONS = Symbol('extensions');

/** An open store over one backend. Made by `createObjectStore` and `openObjectStore`. */
export class ObjectStore implements SecureStorage, StoreMembers {
  readonly fingerprint: string;
  readonly slots: SlotAdministration;
  readonly encryptionKeys: EncryptionKeyAdministration;
  readonly members: MemberAdministration;
  readonly settings: SettingsAdministration;
  readonly jobs: JobAdministration;
  readonly #engine: Engine;
  readonly #url: string;
  readonly #administration: Administration;
  readonly #extensions: StoreExtensions;
  readonly #anchored: boolean;
  readonly #onClose: () => Promise<void>;
  readonly #calls: CallGate;
  #closing: Promise<void> | undefined;

  constructor({ rememberedEnds = async () => [], ...parts }: ObjectStoreParts) {
    const { engine, fingerprint, url, anchored = false, logger, maintenance, onClose } = parts;
    this.#engine = engine;
    this.fingerprint = fingerprint;
    this.#url = url;
    this.#anchored = anchored;
    this.#onClose = onClose;
    this.#calls = new CallGate(engine);
    this.#administration = new Administration(engine, this.#calls);
    if (maintenance === true) this.#administration.keepUp(logger);
    this.#extensions = makeExtensions({
      engine,
      calls: this.#calls,
      administration: this.#administration,
      url,
      logger,
      rememberedEnds,
    });
    Object.defineProperty(this, EXTENSIONS, { value: this.#extensions });
    this.slots = this.#administration.slots;
    this.members = this.#administration.members;
    this.settings = this.#administration.settings;
    this.jobs = this.#administration.jobs;
    this.encryptionKeys = this.#administration.encryptionKeys;
  }

  get url(): string {
    return this.#engine.place?.url ?? this.#url;
  }

  rotateEncryptionKey(
    oldUnlockSecret: UnlockSecret,
    newUnlockSecret: UnlockSecret,
    options?: RotateOptions,
  ): Job<RotationReport> {
    return this.#administration.rotate(oldUnlockSecret, newUnlockSecret, options);
  }

  checkpoint(options?: CheckpointOptions): Job<CheckpointReport> {
    return this.#administration.checkpoint(options);
  }

  gc(options?: GcOptions): Job<GcReport> {
    return this.#administration.gc(options);
  }

  verify(options?: VerifyOptions): Promise<VerifyReport> {
    return this.#administration.verify(this.#anchored, options);
  }

  store<M extends object = Metadata>(key: string, data: StoreData, options?: StoreOptions<M>): Promise<ObjectInfo<M>> {
    return this.#store(key, data, options);
  }

  #store<M extends object>(
    key: string,
    data: StoreData,
    options: StoreOptions<M> | undefined,
    inner = false,
  ): Promise<ObjectInfo<M>> {
    const run = (target: Target, signal: AbortSignal | undefined): Promise<ObjectInfo<M>> =>
      storeObject(this.#engine, target, data, options, signal);
    return this.#calls.aboutObject('store', key, options, run, inner);
  }

  retrieve<M extends object = Metadata>(key: string, options?: RetrieveOptions): Promise<Retrieved<M>> {
    return this.#retrieve(key, options);
  }

  #retrieve<M extends object>(key: string, options: RetrieveOptions | undefined, inner = false): Promise<Retrieved<M>> {
    const run = (target: Target, signal: AbortSignal | undefined): Promise<Retrieved<M>> =>
      retrieveObject<M>(this.#engine, target, options, signal);
    return this.#calls.aboutObject('retrieve', key, options, run, inner);
  }

  retrieveStream<M extends object = Metadata>(key: string, options?: RangeOptions): Promise<RetrievedStream<M>> {
    return this.#calls.aboutObject('retrieveStream', key, options, (target, signal) =>
      streamObject<M>(this.#engine, target, key, options, signal),
    );
  }

  info<M extends object = Metadata>(key: string, options?: RetrieveOptions): Promise<ObjectInfo<M>> {
    return this.#info(key, options);
  }

  #info<M extends object>(key: string, options: RetrieveOptions | undefined): Promise<ObjectInfo<M>> {
    return this.#calls.aboutObject('info', key, options, (target, signal) =>
      describeObject<M>(this.#engine, target, options, signal),
    );
  }

  has(key: string, options?: CallOptions): Promise<boolean> {
    return this.#calls.aboutObject('has', key, options, (target, signal) => hasObject(this.#engine, target, signal));
  }

  matches(key: string, data: StoreData, options?: CallOptions): Promise<boolean> {
    return this.#calls.aboutObject('matches', key, options, (target, signal) =>
      matchesObject(this.#engine, target, data, signal),
    );
  }

  setMetadata<M extends object = Metadata>(key: string, metadata: M, options?: ChangeOptions): Promise<ObjectInfo<M>> {
    return this.#calls.aboutObject('setMetadata', key, options, (target, signal) =>
      setMetadata(this.#engine, target, metadata, options, signal),
    );
  }

  delete(key: string, options?: ChangeOptions): Promise<boolean> {
    return this.#calls.aboutObject('delete', key, options, (target, signal) =>
      deleteObject(this.#engine, target, options, signal),
    );
  }

  purge(key: string, options?: PurgeOptions): Promise<boolean> {
    return this.#calls.aboutObject('purge', key, options, (target, signal) =>
      purgeObject(this.#engine, target, options, signal),
    );
  }

  undelete<M extends object = Metadata>(key: string, options?: CallOptions): Promise<ObjectInfo<M>> {
    return this.#calls.aboutObject('undelete', key, options, (target, signal) =>
      restoreVersion(this.#engine, target, { beforeDeletion: true }, options, signal),
    );
  }

  restoreVersion<M extends object = Metadata>(
    key: string,
    version: string,
    options?: RestoreVersionOptions,
  ): Promise<ObjectInfo<M>> {
    return this.#calls.aboutObject('restoreVersion', key, options, (target, signal) =>
      restoreVersion(this.#engine, target, { version }, options, signal),
    );
  }

  history(key: string, options?: CallOptions): Promise<HistoryEntry[]> {
    return this.#calls.aboutObject('history', key, options, (target, signal) =>
      historyOf(this.#engine, target, signal),
    );
  }

  list(prefix = '', options?: CallOptions): Promise<string[]> {
    return this.#calls.ofManySteps(async () => {
      const names: string[] = [];
      for await (const name of this.#calls.names('list', prefix, options, true)) names.push(name);
      return sortNames(names);
    });
  }

  keys(prefix = '', options?: ListingOptions): AsyncGenerator<StoreKey> {
    return this.#calls.names('keys', prefix, options);
  }

  entries<M extends object = Metadata>(prefix = '', options?: ListingOptions): AsyncGenerator<ObjectInfo<M>> {
    // A member sees all names, and what is behind those that were granted.
    return entriesOf(this.#calls, prefix, options, async (key, signal) =>
      isGrantedName(this.#engine, key) ? this.#info<M>(key, { signal }) : undefined,
    );
  }

  storeMany<M extends object = Metadata>(
    items: Iterable<StoreManyItem<M>> | AsyncIterable<StoreManyItem<M>>,
    options?: ManyOptions,
  ): Promise<ItemResult<ObjectInfo<M>>[]> {
    return storeMany(this.#calls, items, options, (key, data, own) => this.#store<M>(key, data, own, true));
  }

  retrieveMany<M extends object = Metadata>(
    keys: Iterable<string> | AsyncIterable<string>,
    options?: ManyOptions,
  ): Promise<ItemResult<Retrieved<M>>[]> {
    return retrieveMany(this.#calls, keys, options, (key, own) => this.#retrieve<M>(key, own, true));
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  async #shutDown(): Promise<void> {
    this.#calls.refuse();
    await this.#administration.close();
    await this.#calls.ended();
    await this.#extensions.backup.close();
    await this.#extensions.audit.close();
    this.#engine.names.close();
    this.#engine.cache.clear();
    await this.#onClose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** What the packages of this repository do with an open store beside its calls; also with one that is wrapped. */
export function extensionsOf(store: ObjectStore): StoreExtensions {
  return Reflect.get(store, EXTENSIONS) as StoreExtensions;
}
