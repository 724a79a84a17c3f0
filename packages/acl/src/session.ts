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
  RangeOptions,
  Retrieved,
  RetrievedStream,
  RetrieveOptions,
  SecureStorage,
  StoreData,
  StoreManyItem,
  StoreOptions,
} from '@securestore/objects';
import { withOneEnd } from '@securestore/objects';
import { checkQuestion } from './actions.ts';
import type { Action } from './actions.ts';
import { guardAdministration } from './administration.ts';
import type { StoreAdministration } from './administration.ts';
import { Checks } from './checks.ts';
import type { CheckContext } from './checks.ts';
import type { Identity } from './identity.ts';
import { guardedChunks, guardedStream } from './guarded-data.ts';
import { guardedListing } from './guarded-listing.ts';
import { guardedMany } from './guarded-many.ts';
import type { ParsedItem } from './guarded-many.ts';
import { changedOne, guardedOne } from './guarded-one.ts';
import type { CacheFigures } from './permission-cache.ts';
import { askedOnce, ofDeletion, ofThePast, storedOnce } from './refusals.ts';
import { sessionApprovals } from './session-approvals.ts';
import type { SessionApprovals } from './session-approvals.ts';
import { sessionAudit } from './session-audit.ts';
import type { SessionAudit } from './session-audit.ts';
import { callerOf, isShown, sessionGuard } from './session-guard.ts';
import { SURFACE } from './surface.ts';

/** What a session acts on, and as whom. */
export interface SessionContext extends CheckContext {
  readonly storage: SecureStorage;
  /** Its administration; where there is none, or none of a kind, those calls fail with `UNSUPPORTED`. */
  readonly administration?: Partial<StoreAdministration> | undefined;
  /** How often what was decided for it was remembered; without it nothing is said to be. */
  readonly tally?: CacheFigures | undefined;
}

/** Whether something may be done: by oneself, with the approval of a second person, or not. */
export type Permission = 'allowed' | 'approval' | 'denied';

/** The store as one principal may use it: what is not allowed fails with `ACCESS_DENIED`, whether it is there or not. */
export class Session implements SecureStorage, Omit<StoreAdministration, 'keys'>, AsyncDisposable {
  readonly rotateEncryptionKey: StoreAdministration['rotateEncryptionKey'];
  readonly checkpoint: StoreAdministration['checkpoint'];
  readonly collect: StoreAdministration['collect'];
  readonly verify: StoreAdministration['verify'];
  readonly health: StoreAdministration['health'];
  readonly scrub: StoreAdministration['scrub'];
  readonly slots: StoreAdministration['slots'];
  /** Called, the names of objects that may be seen; its members administer keys. */
  readonly keys: SecureStorage['keys'] & StoreAdministration['keys'];
  readonly jobs: StoreAdministration['jobs'];
  readonly access: StoreAdministration['access'];
  readonly members: StoreAdministration['members'];
  readonly audit: SessionAudit;
  readonly backup: StoreAdministration['backup'];
  readonly restore: StoreAdministration['restore'];
  readonly backups: StoreAdministration['backups'];
  /** What the store was, at any point that can be restored. */
  readonly points: StoreAdministration['points'];
  readonly schedules: StoreAdministration['schedules'];
  /** What takes a second person: asking for it, and deciding about what others ask for. */
  readonly approvals: SessionApprovals;
  readonly #storage: SecureStorage;
  readonly #checks: Checks;
  readonly #tally: CacheFigures;

  constructor({ storage, administration, tally = { hits: 0, misses: 0 }, ...context }: SessionContext) {
    this.#storage = storage;
    this.#tally = tally;
    this.#checks = new Checks(context);
    const guarded = guardAdministration(administration, sessionGuard(this.#checks), callerOf(this.#checks));
    this.rotateEncryptionKey = guarded.rotateEncryptionKey;
    this.checkpoint = guarded.checkpoint;
    this.collect = guarded.collect;
    this.verify = guarded.verify;
    this.health = guarded.health;
    this.scrub = guarded.scrub;
    this.slots = guarded.slots;
    this.jobs = guarded.jobs;
    this.access = guarded.access;
    this.members = guarded.members;
    this.audit = sessionAudit(guarded.audit, administration?.audit, this.#checks);
    this.backup = guarded.backup;
    this.restore = guarded.restore;
    this.backups = guarded.backups;
    this.points = guarded.points;
    this.schedules = guarded.schedules;
    this.approvals = sessionApprovals(this.#checks, context.approvals);
    const names: SecureStorage['keys'] = (prefix, options) =>
      guardedListing(this.#checks, 'keys', {
        options,
        list: (ended) => this.#storage.keys(prefix, ended),
        nameOf: (key) => key,
      });
    this.keys = Object.assign(names, guarded.keys);
  }

  /** Who acts. */
  get principal(): Identity {
    return this.#checks.principal;
  }

  /** How often what was decided for this session was remembered. */
  get figures(): CacheFigures {
    const { hits, misses } = this.#tally;
    return { hits, misses };
  }

  /**
   * Whether something may be done without asking anybody, as far as is known now: for what is no call of a session, and to show what there is.
   *
   * @param key absent for what concerns the whole store
   * @throws SecureStoreError `UNAUTHENTICATED`; `UNAVAILABLE`, `TIMEOUT`, `ABORTED` where that can't be found out; `INVALID_ARGUMENT`, `INVALID_KEY`
   */
  async allows(action: Action, key?: string, options?: CallOptions): Promise<boolean> {
    return (await this.permission(action, key, options)) === 'allowed';
  }

  /**
   * Whether something may be done: by oneself, with the approval of a second person, or not.
   *
   * @param key absent for what concerns the whole store
   * @throws SecureStoreError as {@link allows}
   */
  async permission(action: Action, key?: string, options?: CallOptions): Promise<Permission> {
    checkQuestion(action, key);
    await this.#checks.confirmOpen('access.explain', options?.signal);
    const { allowed, needsApproval } = this.#checks.may(action, key);
    return allowed ? (needsApproval ? 'approval' : 'allowed') : 'denied';
  }

  /**
   * Whether the session is still good for anything, for whoever keeps one for many requests: its token is not revoked, its time is not up, and who acts
   * is not disabled. It asks for no decision, and costs a reading only where the policy is due to be looked at.
   *
   * @throws SecureStoreError `UNAUTHENTICATED` where it has ended; `ACCESS_DENIED` where who acts is disabled; `UNAVAILABLE`, `TIMEOUT`, `ABORTED` where
   *   that can't be found out
   */
  async check(options?: CallOptions): Promise<void> {
    const end = withOneEnd(options);
    await this.#checks.ready('access.explain', end?.signal);
    this.#checks.good();
  }

  /** From now on every call fails with `UNAUTHENTICATED`. The store stays open, and jobs that were started go on. */
  close(): Promise<void> {
    this.#checks.close();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The data of a store, of which no more is taken once it is not allowed any more. */
  #guarded(key: string, data: StoreData, options: CallOptions | undefined): StoreData {
    return guardedChunks(data, async () => {
      await this.#checks.confirmOpen('store', options?.signal);
      this.#checks.still('store', key, [SURFACE.store]);
    });
  }

  store<M extends object = Metadata>(key: string, data: StoreData, given?: StoreOptions<M>): Promise<ObjectInfo<M>> {
    const asked = storedOnce(given);
    const body = (options?: StoreOptions<M>): Promise<ObjectInfo<M>> =>
      this.#storage.store(key, this.#guarded(key, data, options), options);
    return guardedOne(this.#checks, 'store', key, asked, body, ofDeletion(asked, this.#checks.now()));
  }

  retrieve<M extends object = Metadata>(key: string, given?: RetrieveOptions): Promise<Retrieved<M>> {
    const asked = askedOnce(given);
    const body = (options?: RetrieveOptions): Promise<Retrieved<M>> => this.#storage.retrieve<M>(key, options);
    return guardedOne(this.#checks, 'retrieve', key, asked, body, ofThePast(asked));
  }

  retrieveStream<M extends object = Metadata>(key: string, given?: RangeOptions): Promise<RetrievedStream<M>> {
    const asked = askedOnce(given);
    const also = ofThePast(asked);
    const body = async (options?: RangeOptions): Promise<RetrievedStream<M>> => {
      const still = async (): Promise<void> => {
        await this.#checks.confirmOpen('retrieveStream', options?.signal);
        this.#checks.still('retrieveStream', key, [SURFACE.retrieveStream, ...also]);
      };
      const found = await this.#storage.retrieveStream<M>(key, options);
      return { ...found, stream: guardedStream(found.stream, still) };
    };
    return guardedOne(this.#checks, 'retrieveStream', key, asked, body, also);
  }

  info<M extends object = Metadata>(key: string, given?: RetrieveOptions): Promise<ObjectInfo<M>> {
    const asked = askedOnce(given);
    const body = (options?: RetrieveOptions): Promise<ObjectInfo<M>> => this.#storage.info<M>(key, options);
    return guardedOne(this.#checks, 'info', key, asked, body, ofThePast(asked));
  }

  has(key: string, given?: CallOptions): Promise<boolean> {
    return guardedOne(this.#checks, 'has', key, given, (options) => this.#storage.has(key, options));
  }

  matches(key: string, data: StoreData, given?: CallOptions): Promise<boolean> {
    return guardedOne(this.#checks, 'matches', key, given, (options) => this.#storage.matches(key, data, options));
  }

  setMetadata<M extends object = Metadata>(key: string, metadata: M, given?: ChangeOptions): Promise<ChangedObject<M>> {
    return changedOne(this.#checks, 'setMetadata', key, given, (options) =>
      this.#storage.setMetadata(key, metadata, options),
    );
  }

  delete(key: string, given?: ChangeOptions): Promise<boolean> {
    return guardedOne(this.#checks, 'delete', key, given, (options) => this.#storage.delete(key, options));
  }

  purge(key: string, given?: CallOptions): Promise<boolean> {
    return guardedOne(this.#checks, 'purge', key, given, (options) => this.#storage.purge(key, options));
  }

  undelete<M extends object = Metadata>(key: string, given?: CallOptions): Promise<ChangedObject<M>> {
    return changedOne(this.#checks, 'undelete', key, given, (options) => this.#storage.undelete<M>(key, options));
  }

  restoreVersion<M extends object = Metadata>(
    key: string,
    version: string,
    given?: ChangeOptions,
  ): Promise<ChangedObject<M>> {
    return changedOne(this.#checks, 'restoreVersion', key, given, (options) =>
      this.#storage.restoreVersion<M>(key, version, options),
    );
  }

  history(key: string, given?: CallOptions): Promise<HistoryEntry[]> {
    return guardedOne(this.#checks, 'history', key, given, (options) => this.#storage.history(key, options));
  }

  async list(prefix = '', given?: CallOptions): Promise<string[]> {
    const options = withOneEnd(given);
    await this.#checks.confirmOpen('list', options?.signal);
    const names = await this.#storage.list(prefix, options);
    await this.#checks.confirmOpen('list', options?.signal);
    return names.filter((name) => isShown(this.#checks, name));
  }

  entries<M extends object = Metadata>(prefix?: string, options?: ListingOptions): AsyncIterable<ObjectInfo<M>> {
    return guardedListing(this.#checks, 'entries', {
      options,
      list: (ended) => this.#storage.entries<M>(prefix, ended),
      nameOf: ({ key }) => key,
    });
  }

  storeMany<M extends object = Metadata>(
    items: Iterable<StoreManyItem<M>> | AsyncIterable<StoreManyItem<M>>,
    given?: ManyOptions,
  ): Promise<ItemResult<ObjectInfo<M>>[]> {
    const options = withOneEnd(given);
    // What is asked about is what is stored, whatever an item says when it is asked twice.
    const parse = (item: StoreManyItem<M>): ParsedItem<StoreManyItem<M>> => {
      const copy = storedOnce(item);
      const { key, data } = copy;
      return {
        key,
        item: { ...copy, data: this.#guarded(key, data, options) },
        also: ofDeletion(copy, this.#checks.now()),
      };
    };
    const run = (allowed: AsyncIterable<StoreManyItem<M>>): Promise<ItemResult<ObjectInfo<M>>[]> =>
      this.#storage.storeMany(allowed, options);
    return guardedMany(this.#checks, 'storeMany', { items, options, parse, run });
  }

  retrieveMany<M extends object = Metadata>(
    keys: Iterable<string> | AsyncIterable<string>,
    given?: ManyOptions,
  ): Promise<ItemResult<Retrieved<M>>[]> {
    const options = withOneEnd(given);
    const run = (allowed: AsyncIterable<string>): Promise<ItemResult<Retrieved<M>>[]> =>
      this.#storage.retrieveMany<M>(allowed, options);
    return guardedMany(this.#checks, 'retrieveMany', {
      items: keys,
      options,
      parse: (key) => ({ key, item: key }),
      run,
    });
  }
}
