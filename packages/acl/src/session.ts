import { parseStoreKey, SecureStoreError } from '@securestore/core-format';
import type {
  CallOptions,
  ChangeOptions,
  HistoryEntry,
  ItemResult,
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
import type { ObjectAction } from './actions.ts';
import { unauthenticated } from './authenticator.ts';
import type { Decision, Subject } from './decide.ts';
import type { Identity } from './identity.ts';
import { guardedChunks, guardedStream } from './guarded-data.ts';
import { denied, ofThePast, refusalIn, unwrapped } from './refusals.ts';
import { SURFACE } from './surface.ts';

/** What a session acts on, and as whom. */
export interface SessionContext {
  readonly storage: SecureStorage;
  /** Who acts, under the newest policy that is known; asked at every step, so that a change takes effect. */
  readonly subject: () => Subject;
  /**
   * Makes sure that the policy is recent enough to be relied on. `undefined` where it is; else a promise to await first.
   * Without it the policy never changes but in this process.
   *
   * @throws SecureStoreError `UNAVAILABLE` where that can't be found out
   */
  readonly confirm?: (signal?: AbortSignal) => Promise<void> | undefined;
  /** The time in milliseconds since 1970. */
  readonly now: () => number;
  /** Until when the session lasts, in milliseconds since 1970; without it until it is closed. */
  readonly until?: number | undefined;
  /** Whether the session lasts still, asked at every step; absent where nothing but its end can end it. */
  readonly holds?: (() => boolean) | undefined;
  /** Told of each decision about a call, for the audit; not of those by which a listing is filtered. */
  readonly onDecision?: (call: keyof SecureStorage, key: string, decision: Decision) => void;
}

/** What can't be taken back once it is done. */
const CHANGES: ReadonlySet<ObjectAction> = new Set(['write', 'delete', 'recover', 'purge']);

/** How many steps of a listing that shows nothing are taken before others get their turn. */
const UNSEEN_STEPS = 256;

/** The store as one principal may use it: what is not allowed fails with `ACCESS_DENIED`, whether it is there or not. */
export class Session implements SecureStorage, AsyncDisposable {
  readonly #context: SessionContext;
  #closed = false;

  constructor(context: SessionContext) {
    this.#context = context;
  }

  /** Who acts. */
  get principal(): Identity {
    return this.#context.subject().principal;
  }

  /** From now on every call fails with `UNAUTHENTICATED`. The store stays open. */
  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @throws SecureStoreError `UNAUTHENTICATED` where the session has ended */
  #checkOpen(): void {
    const { until = Infinity, holds, now } = this.#context;
    if (this.#closed || until <= now() || holds?.() === false) throw unauthenticated();
  }

  #may(action: ObjectAction, key: string): Decision {
    return this.#context.subject().decide({ action, key }, this.#context.now());
  }

  #decide(call: keyof SecureStorage, key: string, also: readonly ObjectAction[]): Decision {
    const decision = this.#may(SURFACE[call], key);
    return also.reduce((before, action) => (before.allowed ? this.#may(action, key) : before), decision);
  }

  /** @throws SecureStoreError `ACCESS_DENIED`, `UNAUTHENTICATED`, `INVALID_KEY` */
  #check(call: keyof SecureStorage, key: string, also: readonly ObjectAction[] = []): void {
    this.#checkOpen();
    parseStoreKey(key);
    const decision = this.#decide(call, key, also);
    this.#context.onDecision?.(call, key, decision);
    if (!decision.allowed) throw denied(call, key);
  }

  /** Whether it is allowed still, while it is under way; the audit has heard of it. @throws as {@link #check} */
  #checkStill(call: keyof SecureStorage, key: string, also: readonly ObjectAction[] = []): void {
    this.#checkOpen();
    if (!this.#decide(call, key, also).allowed) throw denied(call, key);
  }

  /** Asks before anything is done, and again before it is told: what was taken away meanwhile counts. */
  async #run<T>(
    call: keyof SecureStorage,
    key: string,
    options: CallOptions | undefined,
    body: () => Promise<T>,
    also?: readonly ObjectAction[],
  ): Promise<T> {
    await this.#context.confirm?.(options?.signal);
    this.#check(call, key, also);
    const result = await body().catch((error: unknown) => {
      throw refusalIn(error);
    });
    if (!CHANGES.has(SURFACE[call])) this.#checkStill(call, key, also);
    return result;
  }

  /** The data of a store, of which no more is taken once it is not allowed any more. */
  #guarded(key: string, data: StoreData): StoreData {
    return guardedChunks(data, () => this.#checkStill('store', key));
  }

  store<M extends object = Metadata>(key: string, data: StoreData, options?: StoreOptions<M>): Promise<ObjectInfo<M>> {
    return this.#run('store', key, options, () => this.#context.storage.store(key, this.#guarded(key, data), options));
  }

  retrieve<M extends object = Metadata>(key: string, options?: RetrieveOptions): Promise<Retrieved<M>> {
    const body = (): Promise<Retrieved<M>> => this.#context.storage.retrieve<M>(key, options);
    return this.#run('retrieve', key, options, body, ofThePast(options));
  }

  retrieveStream<M extends object = Metadata>(key: string, options?: RangeOptions): Promise<RetrievedStream<M>> {
    const body = async (): Promise<RetrievedStream<M>> => {
      const found = await this.#context.storage.retrieveStream<M>(key, options);
      const stream = guardedStream(found.stream, () => this.#checkStill('retrieveStream', key, ofThePast(options)));
      return { ...found, stream };
    };
    return this.#run('retrieveStream', key, options, body, ofThePast(options));
  }

  info<M extends object = Metadata>(key: string, options?: RetrieveOptions): Promise<ObjectInfo<M>> {
    const body = (): Promise<ObjectInfo<M>> => this.#context.storage.info<M>(key, options);
    return this.#run('info', key, options, body, ofThePast(options));
  }

  has(key: string, options?: CallOptions): Promise<boolean> {
    return this.#run('has', key, options, () => this.#context.storage.has(key, options));
  }

  matches(key: string, data: StoreData, options?: CallOptions): Promise<boolean> {
    return this.#run('matches', key, options, () => this.#context.storage.matches(key, data, options));
  }

  setMetadata<M extends object = Metadata>(key: string, metadata: M, options?: ChangeOptions): Promise<ObjectInfo<M>> {
    return this.#run('setMetadata', key, options, () => this.#context.storage.setMetadata(key, metadata, options));
  }

  delete(key: string, options?: ChangeOptions): Promise<boolean> {
    return this.#run('delete', key, options, () => this.#context.storage.delete(key, options));
  }

  purge(key: string, options?: CallOptions): Promise<boolean> {
    return this.#run('purge', key, options, () => this.#context.storage.purge(key, options));
  }

  undelete<M extends object = Metadata>(key: string, options?: CallOptions): Promise<ObjectInfo<M>> {
    return this.#run('undelete', key, options, () => this.#context.storage.undelete<M>(key, options));
  }

  restoreVersion<M extends object = Metadata>(
    key: string,
    version: string,
    options?: ChangeOptions,
  ): Promise<ObjectInfo<M>> {
    const body = (): Promise<ObjectInfo<M>> => this.#context.storage.restoreVersion<M>(key, version, options);
    return this.#run('restoreVersion', key, options, body);
  }

  history(key: string, options?: CallOptions): Promise<HistoryEntry[]> {
    return this.#run('history', key, options, () => this.#context.storage.history(key, options));
  }

  async list(prefix = '', options?: CallOptions): Promise<string[]> {
    await this.#context.confirm?.(options?.signal);
    this.#checkOpen();
    const names = await this.#context.storage.list(prefix, options);
    this.#checkOpen();
    return names.filter((name) => this.#may('list', name).allowed);
  }

  keys(prefix?: string, options?: CallOptions): ReturnType<SecureStorage['keys']> {
    return this.#seen(
      () => this.#context.storage.keys(prefix, options),
      'list',
      (key) => key,
      options,
    );
  }

  entries<M extends object = Metadata>(prefix?: string, options?: CallOptions): AsyncIterable<ObjectInfo<M>> {
    return this.#seen(
      () => this.#context.storage.entries<M>(prefix, options),
      'read',
      ({ key }) => key,
      options,
    );
  }

  /** What of a listing may be seen; whether anything else is there does not show. */
  async *#seen<T>(
    list: () => AsyncIterable<T>,
    action: ObjectAction,
    nameOf: (item: T) => string,
    options: CallOptions | undefined,
  ): AsyncGenerator<T> {
    await this.#context.confirm?.(options?.signal);
    this.#checkOpen();
    let unseen = 0;
    for await (const item of list()) {
      this.#checkOpen();
      const key = nameOf(item);
      if (this.#may('list', key).allowed && (action === 'list' || this.#may(action, key).allowed)) yield item;
      else if (++unseen % UNSEEN_STEPS === 0) await new Promise(setImmediate);
    }
  }

  storeMany<M extends object = Metadata>(
    items: Iterable<StoreManyItem<M>> | AsyncIterable<StoreManyItem<M>>,
    options?: ManyOptions,
  ): Promise<ItemResult<ObjectInfo<M>>[]> {
    const { storage } = this.#context;
    // What is asked about is what is stored, whatever an item says when it is asked twice.
    const parse = (item: StoreManyItem<M>): { key: string; item: StoreManyItem<M> } => {
      const copy = { ...item };
      return { key: copy.key, item: { ...copy, data: this.#guarded(copy.key, copy.data) } };
    };
    return this.#many('storeMany', items, options, parse, (allowed) => storage.storeMany(allowed, options));
  }

  retrieveMany<M extends object = Metadata>(
    keys: Iterable<string> | AsyncIterable<string>,
    options?: ManyOptions,
  ): Promise<ItemResult<Retrieved<M>>[]> {
    const { storage } = this.#context;
    return this.#many(
      'retrieveMany',
      keys,
      options,
      (key) => ({ key, item: key }),
      (allowed) => storage.retrieveMany<M>(allowed, options),
    );
  }

  /** What may be done is done; of the rest each item says that it is denied, in its place. */
  async #many<I, T>(
    call: 'storeMany' | 'retrieveMany',
    items: Iterable<I> | AsyncIterable<I>,
    options: ManyOptions | undefined,
    parse: (item: I) => { readonly key: string; readonly item: I },
    run: (allowed: AsyncIterable<I>) => Promise<ItemResult<T>[]>,
  ): Promise<ItemResult<T>[]> {
    await this.#context.confirm?.(options?.signal);
    this.#checkOpen();
    const refusals: (ItemResult<T> | undefined)[] = [];
    const refusalOf = (key: string): ItemResult<T> | undefined => {
      try {
        this.#check(call, key);
        return undefined;
      } catch (error) {
        if (SecureStoreError.is(error, 'ACCESS_DENIED')) return { key, ok: false, error };
        // What is no key is for the store to refuse, in the item's place.
        if (SecureStoreError.is(error, 'INVALID_KEY')) return undefined;
        throw error;
      }
    };
    async function* allowed(): AsyncGenerator<I> {
      for await (const given of items) {
        const { key, item } = parse(given);
        const refusal = refusalOf(key);
        refusals.push(refusal);
        if (refusal === undefined) yield item;
      }
    }
    const results = (await run(allowed())).values();
    return refusals.flatMap((refusal) => refusal ?? results.next().value ?? []).map(unwrapped);
  }
}
