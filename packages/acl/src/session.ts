import { createSecretKey, randomBytes } from 'node:crypto';
import { parseStoreKey, SecureStoreError } from '@securestore/core-format';
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
  SecureStorage,
  StoreData,
  StoreManyItem,
  StoreOptions,
} from '@securestore/objects';
import { withOneEnd } from '@securestore/objects';
import { parseRange } from '@securestore/objects/surface';
import { checkQuestion } from './actions.ts';
import type { Action, ObjectAction } from './actions.ts';
import { guardAdministration } from './administration.ts';
import { bindTo, ofRestored, undeleted } from './bound-calls.ts';
import type { StoreAdministration } from './administration.ts';
import { Checks } from './checks.ts';
import type { CheckContext } from './checks.ts';
import type { Identity } from './identity.ts';
import { guardedChunks, guardedStream } from './guarded-data.ts';
import { guardedList, guardedListing } from './guarded-listing.ts';
import type { SessionListingOptions } from './guarded-listing.ts';
import { ListingPositions } from './listing-position.ts';
import { guardedMany } from './guarded-many.ts';
import type { ParsedItem } from './guarded-many.ts';
import { changedOne, guardedOne } from './guarded-one.ts';
import type { Which } from './object-plan.ts';
import { ObjectPlans } from './object-plan.ts';
import type { CacheFigures } from './permission-cache.ts';
import { askedOnce, ofDeletion, ofThePast, storedOnce } from './refusals.ts';
import { sessionApprovals } from './session-approvals.ts';
import type { SessionApprovals } from './session-approvals.ts';
import { sessionAudit } from './session-audit.ts';
import type { SessionAudit } from './session-audit.ts';
import { callerOf, sessionGuard } from './session-guard.ts';
import { SURFACE } from './surface.ts';

/** What a session acts on, and as whom. */
export interface SessionContext extends CheckContext {
  readonly storage: SecureStorage;
  /** Its administration; where there is none, or none of a kind, those calls fail with `UNSUPPORTED`. */
  readonly administration?: Partial<StoreAdministration> | undefined;
  /** What seals where listings go on; without it that is good for this session alone. */
  readonly positions?: ListingPositions | undefined;
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
  readonly settings: StoreAdministration['settings'];
  /** Called, the names of objects that may be seen; its members administer keys. */
  readonly keys: ((prefix?: string, options?: SessionListingOptions) => AsyncGenerator<StoreKey>) &
    StoreAdministration['keys'];
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
  readonly #positions: ListingPositions;

  constructor({ storage, administration, positions, tally = { hits: 0, misses: 0 }, ...context }: SessionContext) {
    const own = createSecretKey(randomBytes(32));
    this.#positions = positions ?? new ListingPositions(() => own);
    this.#storage = storage;
    this.#tally = tally;
    this.#checks = new Checks(context);
    const guarded = guardAdministration(
      administration,
      sessionGuard(this.#checks, storage, administration),
      callerOf(this.#checks),
    );
    this.rotateEncryptionKey = guarded.rotateEncryptionKey;
    this.checkpoint = guarded.checkpoint;
    this.collect = guarded.collect;
    this.verify = guarded.verify;
    this.health = guarded.health;
    this.scrub = guarded.scrub;
    this.slots = guarded.slots;
    this.settings = guarded.settings;
    this.jobs = guarded.jobs;
    this.access = guarded.access;
    this.members = guarded.members;
    this.audit = sessionAudit(guarded.audit, administration?.audit, this.#checks);
    this.backup = guarded.backup;
    this.restore = guarded.restore;
    this.backups = guarded.backups;
    this.points = guarded.points;
    this.schedules = guarded.schedules;
    this.approvals = sessionApprovals(this.#checks, context.approvals, { storage, administration });
    const names = (prefix = '', options?: SessionListingOptions): AsyncGenerator<StoreKey> =>
      guardedListing<StoreKey>(this.#checks, 'keys', { prefix, options, storage, positions: this.#positions });
    this.keys = Object.assign(names, guarded.keys);
  }

  /** Who acts. */
  get principal(): Identity {
    return this.#checks.principal;
  }

  /** Until when the session lasts, as its token does, in milliseconds since 1970; `Infinity` if its token has no end. */
  get until(): number {
    return this.#checks.until;
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

  #plans(key: string, which?: Which): ObjectPlans {
    return new ObjectPlans(this.#storage, key, which);
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
    const plans = this.#plans(key);
    const run = async (options?: StoreOptions<M>): Promise<ObjectInfo<M>> => {
      const bound = bindTo(options, plans.conditions('store', options));
      return this.#storage.store(key, this.#guarded(key, data, options), bound);
    };
    return guardedOne(this.#checks, 'store', key, asked, { plans, run, also: ofDeletion(asked, this.#checks.now()) });
  }

  retrieve<M extends object = Metadata>(key: string, given?: RetrieveOptions): Promise<Retrieved<M>> {
    const asked = askedOnce(given);
    const plans = this.#plans(key, asked);
    const run = async (options?: RetrieveOptions): Promise<Retrieved<M>> => {
      const found = await this.#storage.retrieve<M>(key, options);
      plans.checkRead('retrieve', found.info.version);
      return found;
    };
    return guardedOne(this.#checks, 'retrieve', key, asked, { plans, run, also: ofThePast(asked) });
  }

  retrieveStream<M extends object = Metadata>(key: string, given?: RangeOptions): Promise<RetrievedStream<M>> {
    const asked = askedOnce(given);
    const also = ofThePast(asked);
    const plans = this.#plans(key, asked);
    const run = async (options?: RangeOptions): Promise<RetrievedStream<M>> => {
      const still = async (): Promise<void> => {
        await this.#checks.confirmOpen('retrieveStream', options?.signal);
        this.#checks.still('retrieveStream', key, [SURFACE.retrieveStream, ...also]);
      };
      const found = await this.#storage.retrieveStream<M>(key, options);
      try {
        plans.checkRead('retrieveStream', found.info.version);
      } catch (error) {
        await found.stream.cancel().catch(() => undefined);
        throw error;
      }
      return { ...found, stream: guardedStream(found.stream, still) };
    };
    return this.#withinRange(key, asked).then(() =>
      guardedOne(this.#checks, 'retrieveStream', key, asked, { plans, run, also }),
    );
  }

  /** An approval is not used up by a range that the object does not have: looking at it first keeps the approval. */
  async #withinRange(key: string, asked: RangeOptions | undefined): Promise<void> {
    const { start, end, ...which } = asked ?? {};
    if (start === undefined && end === undefined) return;
    await this.#checks.confirmOpen('retrieveStream', which.signal);
    if (!this.#checks.may('read', parseStoreKey(key)).needsApproval) return;
    parseRange({ start, end }, (await this.info(key, which)).size);
  }

  info<M extends object = Metadata>(key: string, given?: RetrieveOptions): Promise<ObjectInfo<M>> {
    const asked = askedOnce(given);
    const plans = this.#plans(key, asked);
    const run = async (options?: RetrieveOptions): Promise<ObjectInfo<M>> => {
      const info = await this.#storage.info<M>(key, options);
      plans.checkRead('info', info.version);
      return info;
    };
    return guardedOne(this.#checks, 'info', key, asked, { plans, run, also: ofThePast(asked) });
  }

  has(key: string, given?: CallOptions): Promise<boolean> {
    const run = (options?: CallOptions): Promise<boolean> => this.#storage.has(key, options);
    return guardedOne(this.#checks, 'has', key, given, { plans: this.#plans(key), run });
  }

  matches(key: string, data: StoreData, given?: CallOptions): Promise<boolean> {
    const plans = this.#plans(key);
    const run = async (options?: CallOptions): Promise<boolean> => {
      const isSame = await this.#storage.matches(key, data, options);
      // Versions only grow: if it is the one that was approved afterwards, it was so before.
      if (plans.isBound) plans.checkRead('matches', (await this.#storage.info(key, options)).version);
      return isSame;
    };
    return guardedOne(this.#checks, 'matches', key, given, { plans, run });
  }

  setMetadata<M extends object = Metadata>(key: string, metadata: M, given?: ChangeOptions): Promise<ChangedObject<M>> {
    const plans = this.#plans(key);
    const run = async (options?: ChangeOptions): Promise<ChangedObject<M>> =>
      this.#storage.setMetadata(key, metadata, bindTo(options, plans.conditions('setMetadata', options)));
    return changedOne(this.#checks, 'setMetadata', key, given, { plans, run });
  }

  delete(key: string, given?: ChangeOptions): Promise<boolean> {
    const plans = this.#plans(key);
    const run = async (options?: ChangeOptions): Promise<boolean> => {
      if (plans.isNothing) return false;
      return this.#storage.delete(key, bindTo(options, plans.conditions('delete', options)));
    };
    return guardedOne(this.#checks, 'delete', key, given, { plans, run });
  }

  purge(key: string, given?: PurgeOptions): Promise<boolean> {
    const plans = this.#plans(key);
    const run = async (options?: PurgeOptions): Promise<boolean> => {
      if (plans.isNothing) return false;
      return this.#storage.purge(key, bindTo(options, plans.conditions('purge', options)));
    };
    return guardedOne(this.#checks, 'purge', key, given, { plans, run });
  }

  undelete<M extends object = Metadata>(key: string, given?: CallOptions): Promise<ChangedObject<M>> {
    const plans = this.#plans(key);
    const run = (options?: CallOptions): Promise<ChangedObject<M>> => undeleted<M>(this.#storage, key, plans, options);
    return changedOne(this.#checks, 'undelete', key, given, { plans, run });
  }

  restoreVersion<M extends object = Metadata>(
    key: string,
    version: string,
    given?: RestoreVersionOptions,
  ): Promise<ChangedObject<M>> {
    const asked = given && { ...given };
    const plans = this.#plans(key, { version });
    const run = async (options?: RestoreVersionOptions): Promise<ChangedObject<M>> =>
      this.#storage.restoreVersion<M>(key, version, bindTo(options, plans.conditions('restoreVersion', options)));
    const { ifAbsent } = asked ?? {};
    const also = (signal?: AbortSignal): Promise<readonly ObjectAction[]> =>
      ofRestored(this.#storage, key, { version, ifAbsent, signal }, this.#checks.now());
    return changedOne(this.#checks, 'restoreVersion', key, asked, { plans, run, also });
  }

  history(key: string, given?: CallOptions): Promise<HistoryEntry[]> {
    const run = (options?: CallOptions): Promise<HistoryEntry[]> => this.#storage.history(key, options);
    return guardedOne(this.#checks, 'history', key, given, { plans: this.#plans(key), run });
  }

  list(prefix = '', options?: CallOptions): Promise<string[]> {
    return guardedList(this.#checks, this.#storage, prefix, options);
  }

  entries<M extends object = Metadata>(prefix = '', options?: SessionListingOptions): AsyncGenerator<ObjectInfo<M>> {
    const [storage, positions] = [this.#storage, this.#positions];
    const read = async (key: string, ended: ListingOptions | undefined): Promise<ObjectInfo<M> | undefined> => {
      try {
        return await storage.info<M>(key, ended);
      } catch (error) {
        // It went away, or expired, between the listing and the reading.
        if (SecureStoreError.is(error, 'NOT_FOUND')) return undefined;
        throw error;
      }
    };
    return guardedListing(this.#checks, 'entries', { prefix, options, storage, positions, read });
  }

  storeMany<M extends object = Metadata>(
    items: Iterable<StoreManyItem<M>> | AsyncIterable<StoreManyItem<M>>,
    many?: ManyOptions,
  ): Promise<ItemResult<ObjectInfo<M>>[]> {
    const options = withOneEnd(many);
    // What is asked about is what is stored, whatever an item says when it is asked twice.
    const parse = (given: StoreManyItem<M>): ParsedItem<StoreManyItem<M>> => {
      const copy = storedOnce(given);
      const { key, data } = copy;
      const plans = this.#plans(key);
      const item = { ...copy, data: this.#guarded(key, data, options) };
      const bound = (): StoreManyItem<M> => bindTo(item, plans.conditions('store', item));
      return { key, item, also: ofDeletion(copy, this.#checks.now()), plans, bound };
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
      parse: (key) => ({ key, item: key, plans: this.#plans(key) }),
      run,
      check: ({ info }, plans) => plans.checkRead('retrieveMany', info.version),
    });
  }
}
