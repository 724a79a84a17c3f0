import { parseStoreKey } from '@securestore/core-format';
import type {
  CallOptions,
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
import { changesNothing, checkQuestion } from './actions.ts';
import type { Action, ObjectAction } from './actions.ts';
import { guardAdministration } from './administration.ts';
import type { StoreAdministration } from './administration.ts';
import { Checks } from './checks.ts';
import type { CheckContext, SessionCall } from './checks.ts';
import type { Identity } from './identity.ts';
import { guardedChunks, guardedStream } from './guarded-data.ts';
import { guardedMany } from './guarded-many.ts';
import type { CacheFigures } from './permission-cache.ts';
import { askedOnce, ofThePast, refusalIn } from './refusals.ts';
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

/** How many steps of a listing that shows nothing are taken before others get their turn. */
const UNSEEN_STEPS = 256;

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
      this.#seen(
        'keys',
        (ended) => this.#storage.keys(prefix, ended),
        (key) => key,
        options,
      );
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
    await this.#checks.ready('access.explain', options?.signal);
    this.#checks.open();
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

  /** Between two steps of a call there may be hours. @throws SecureStoreError `UNAUTHENTICATED`, `UNAVAILABLE`, `TIMEOUT`, `ABORTED` */
  async #confirmOpen(call: SessionCall, options: CallOptions | undefined): Promise<void> {
    await this.#checks.ready(call, options?.signal);
    this.#checks.open();
  }

  /** Asks before anything is done, and again before it is told: what was taken away meanwhile counts. */
  async #run<O extends CallOptions, T>(
    call: keyof SecureStorage,
    key: string,
    given: O | undefined,
    body: (options: O | undefined) => Promise<T>,
    also: readonly ObjectAction[] = [],
  ): Promise<T> {
    const actions = [SURFACE[call], ...also];
    const options = withOneEnd(given);
    await this.#confirmOpen(call, options);
    await this.#checks.begin(call, parseStoreKey(key), actions, options?.signal);
    try {
      return await body(options);
    } catch (error) {
      throw refusalIn(error);
    } finally {
      // That there is nothing is told to nobody else either.
      if (changesNothing(SURFACE[call])) this.#checks.still(call, key, actions);
    }
  }

  /** The data of a store, of which no more is taken once it is not allowed any more. */
  #guarded(key: string, data: StoreData, options: CallOptions | undefined): StoreData {
    return guardedChunks(data, async () => {
      await this.#confirmOpen('store', options);
      this.#checks.still('store', key, [SURFACE.store]);
    });
  }

  store<M extends object = Metadata>(key: string, data: StoreData, given?: StoreOptions<M>): Promise<ObjectInfo<M>> {
    return this.#run('store', key, given, (options) =>
      this.#storage.store(key, this.#guarded(key, data, options), options),
    );
  }

  retrieve<M extends object = Metadata>(key: string, given?: RetrieveOptions): Promise<Retrieved<M>> {
    const asked = askedOnce(given);
    const body = (options?: RetrieveOptions): Promise<Retrieved<M>> => this.#storage.retrieve<M>(key, options);
    return this.#run('retrieve', key, asked, body, ofThePast(asked));
  }

  retrieveStream<M extends object = Metadata>(key: string, given?: RangeOptions): Promise<RetrievedStream<M>> {
    const asked = askedOnce(given);
    const also = ofThePast(asked);
    const body = async (options?: RangeOptions): Promise<RetrievedStream<M>> => {
      const still = async (): Promise<void> => {
        await this.#confirmOpen('retrieveStream', options);
        this.#checks.still('retrieveStream', key, [SURFACE.retrieveStream, ...also]);
      };
      const found = await this.#storage.retrieveStream<M>(key, options);
      return { ...found, stream: guardedStream(found.stream, still) };
    };
    return this.#run('retrieveStream', key, asked, body, also);
  }

  info<M extends object = Metadata>(key: string, given?: RetrieveOptions): Promise<ObjectInfo<M>> {
    const asked = askedOnce(given);
    const body = (options?: RetrieveOptions): Promise<ObjectInfo<M>> => this.#storage.info<M>(key, options);
    return this.#run('info', key, asked, body, ofThePast(asked));
  }

  has(key: string, given?: CallOptions): Promise<boolean> {
    return this.#run('has', key, given, (options) => this.#storage.has(key, options));
  }

  matches(key: string, data: StoreData, given?: CallOptions): Promise<boolean> {
    return this.#run('matches', key, given, (options) => this.#storage.matches(key, data, options));
  }

  setMetadata<M extends object = Metadata>(key: string, metadata: M, given?: ChangeOptions): Promise<ObjectInfo<M>> {
    return this.#run('setMetadata', key, given, (options) => this.#storage.setMetadata(key, metadata, options));
  }

  delete(key: string, given?: ChangeOptions): Promise<boolean> {
    return this.#run('delete', key, given, (options) => this.#storage.delete(key, options));
  }

  purge(key: string, given?: CallOptions): Promise<boolean> {
    return this.#run('purge', key, given, (options) => this.#storage.purge(key, options));
  }

  undelete<M extends object = Metadata>(key: string, given?: CallOptions): Promise<ObjectInfo<M>> {
    return this.#run('undelete', key, given, (options) => this.#storage.undelete<M>(key, options));
  }

  restoreVersion<M extends object = Metadata>(
    key: string,
    version: string,
    given?: ChangeOptions,
  ): Promise<ObjectInfo<M>> {
    return this.#run('restoreVersion', key, given, (options) => this.#storage.restoreVersion<M>(key, version, options));
  }

  history(key: string, given?: CallOptions): Promise<HistoryEntry[]> {
    return this.#run('history', key, given, (options) => this.#storage.history(key, options));
  }

  async list(prefix = '', given?: CallOptions): Promise<string[]> {
    const options = withOneEnd(given);
    await this.#confirmOpen('list', options);
    const names = await this.#storage.list(prefix, options);
    await this.#confirmOpen('list', options);
    return names.filter((name) => this.#shown(name));
  }

  entries<M extends object = Metadata>(prefix?: string, options?: ListingOptions): AsyncIterable<ObjectInfo<M>> {
    return this.#seen(
      'entries',
      (ended) => this.#storage.entries<M>(prefix, ended),
      ({ key }) => key,
      options,
    );
  }

  #shown(key: string, action?: ObjectAction): boolean {
    return isShown(this.#checks, key, action);
  }

  /** What of a listing may be seen; whether anything else is there does not show. */
  async *#seen<T>(
    call: 'keys' | 'entries',
    list: (options: ListingOptions | undefined) => AsyncIterable<T>,
    nameOf: (item: T) => string,
    given: ListingOptions | undefined,
  ): AsyncGenerator<T> {
    const action = SURFACE[call];
    const options = withOneEnd(given);
    await this.#confirmOpen(call, options);
    let unseen = 0;
    for await (const item of list(options)) {
      await this.#confirmOpen(call, options);
      const key = nameOf(item);
      if (this.#shown(key) && (action === 'list' || this.#shown(key, action))) yield item;
      else if (++unseen % UNSEEN_STEPS === 0) await new Promise(setImmediate);
    }
  }

  storeMany<M extends object = Metadata>(
    items: Iterable<StoreManyItem<M>> | AsyncIterable<StoreManyItem<M>>,
    given?: ManyOptions,
  ): Promise<ItemResult<ObjectInfo<M>>[]> {
    const options = withOneEnd(given);
    // What is asked about is what is stored, whatever an item says when it is asked twice.
    const parse = (item: StoreManyItem<M>): { key: string; item: StoreManyItem<M> } => {
      const copy = { ...item };
      return { key: copy.key, item: { ...copy, data: this.#guarded(copy.key, copy.data, options) } };
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
