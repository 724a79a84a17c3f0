import { MAX_KEY_BYTES, parseStoreKey, parseVersion } from '@securestore/core-format';
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
import type { Operation } from '@securestore/objects/surface';
import {
  checkOptions,
  checkPrefix,
  encodeMetadata,
  OPERATIONS,
  parseCondition,
  retrieveMany,
  sortNames,
  storeMany,
} from '@securestore/objects/surface';
import { encodeKey, encodeQuery, entityTagOf, RAW_TYPE } from '@securestore/protocol';
import { Calls } from '../transport/calls.ts';
import { outgoingData, outgoingJson, outgoingObject } from '../transport/outgoing.ts';
import { chosen, openAnswer, rangeIn, retrievedFrom } from '../transport/incoming.ts';

/** A condition as HTTP has it. @throws SecureStoreError `INVALID_ARGUMENT` */
function conditionHeaders(options: StoreOptions | undefined): Record<string, string> {
  const condition = parseCondition(options);
  if (condition.type === 'absent') return { 'if-none-match': '*' };
  return condition.type === 'version' ? { 'if-match': entityTagOf(options?.ifVersion ?? '') } : {};
}

/** Where a listing goes on: after a name, or where the server says. */
interface Position {
  readonly after?: string | undefined;
  readonly next?: string | undefined;
}

/** How much of a text there is before its first lone surrogate. */
function wellFormedLength(text: string): number {
  const at = text.isWellFormed() ? -1 : text.search(/\p{Surrogate}/u);
  return at === -1 ? text.length : at;
}

/** Objects of a store that is served elsewhere: the interface of one that is here. */
export class RemoteObjects implements SecureStorage {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  store<M extends object = Metadata>(key: string, data: StoreData, options?: StoreOptions<M>): Promise<ObjectInfo<M>> {
    return this.#store(key, data, options);
  }

  #about<T>(
    operation: Operation,
    key: string,
    options: CallOptions | undefined,
    body: (name: StoreKey, signal: AbortSignal | undefined) => Promise<T>,
    inner = false,
  ): Promise<T> {
    return this.#calls.aboutObject(operation, key, options, OPERATIONS[operation].options, body, inner);
  }

  #store<M extends object>(
    key: string,
    data: StoreData,
    options: StoreOptions<M> | undefined,
    inner = false,
  ): Promise<ObjectInfo<M>> {
    return this.#about(
      'store',
      key,
      options,
      async (name, signal) => {
        const headers = conditionHeaders(options as StoreOptions | undefined);
        const query = encodeQuery({ ifDamaged: options?.ifDamaged === true ? true : undefined });
        const path = `/v1/objects/${encodeKey(name)}${query}`;
        const object = await outgoingObject(data, options, signal);
        return this.#calls.send<ObjectInfo<M>>({ method: 'PUT', path, headers, signal }, object);
      },
      inner,
    );
  }

  retrieve<M extends object = Metadata>(key: string, options?: RetrieveOptions): Promise<Retrieved<M>> {
    return this.#retrieve(key, options);
  }

  #retrieve<M extends object>(key: string, options: RetrieveOptions | undefined, inner = false): Promise<Retrieved<M>> {
    return this.#about(
      'retrieve',
      key,
      options,
      async (name, signal) => {
        const path = `/v1/objects/${encodeKey(name)}${encodeQuery(chosen(options))}`;
        return retrievedFrom<M>(await openAnswer<M>(this.#calls, path, signal));
      },
      inner,
    );
  }

  retrieveStream<M extends object = Metadata>(key: string, options?: RangeOptions): Promise<RetrievedStream<M>> {
    return this.#about('retrieveStream', key, options, async (name, signal) => {
      const path = `/v1/objects/${encodeKey(name)}${encodeQuery({ ...chosen(options), ...rangeIn(options) })}`;
      const { info, stream } = await openAnswer<M>(this.#calls, path, signal);
      return { stream: this.#calls.during(stream, 'retrieveStream', name, signal), metadata: info.metadata, info };
    });
  }

  info<M extends object = Metadata>(key: string, options?: RetrieveOptions): Promise<ObjectInfo<M>> {
    return this.#about('info', key, options, (name, signal) =>
      this.#calls.get<ObjectInfo<M>>(`/v1/info/${encodeKey(name)}${encodeQuery(chosen(options))}`, signal),
    );
  }

  has(key: string, options?: CallOptions): Promise<boolean> {
    return this.#about('has', key, options, async (name, signal) => {
      const { exists } = await this.#calls.get<{ exists: boolean }>(`/v1/exists/${encodeKey(name)}`, signal);
      return exists;
    });
  }

  matches(key: string, data: StoreData, options?: CallOptions): Promise<boolean> {
    return this.#about('matches', key, options, async (name, signal) => {
      const path = `/v1/matches/${encodeKey(name)}`;
      const outgoing = await outgoingData(data, signal);
      const ask = { method: 'POST', path, headers: { 'content-type': RAW_TYPE }, signal, readOnly: true } as const;
      return (await this.#calls.send<{ matches: boolean }>(ask, outgoing)).matches;
    });
  }

  setMetadata<M extends object = Metadata>(
    key: string,
    metadata: M,
    options?: ChangeOptions,
  ): Promise<ChangedObject<M>> {
    return this.#about('setMetadata', key, options, async (name, signal) => {
      // Says what is wrong with it as a store does; `undefined` is none at all.
      encodeMetadata(metadata ?? null);
      return this.#change<M>('PUT', `/v1/metadata/${encodeKey(name)}`, { metadata }, options, signal);
    });
  }

  delete(key: string, options?: ChangeOptions): Promise<boolean> {
    return this.#about('delete', key, options, async (name, signal) => {
      const headers = conditionHeaders(options);
      const path = `/v1/objects/${encodeKey(name)}`;
      return (await this.#calls.send<{ existed: boolean }>({ method: 'DELETE', path, headers, signal })).existed;
    });
  }

  purge(key: string, options?: PurgeOptions): Promise<boolean> {
    return this.#about('purge', key, options, async (name, signal) => {
      const headers = conditionHeaders(options);
      const query = encodeQuery({ ifDamaged: options?.ifDamaged === true ? true : undefined });
      const path = `/v1/purge/${encodeKey(name)}${query}`;
      return (await this.#calls.send<{ existed: boolean }>({ method: 'POST', path, headers, signal })).existed;
    });
  }

  undelete<M extends object = Metadata>(key: string, options?: CallOptions): Promise<ChangedObject<M>> {
    return this.#about('undelete', key, options, (name, signal) =>
      this.#calls.send<ChangedObject<M>>({ method: 'POST', path: `/v1/undelete/${encodeKey(name)}`, signal }),
    );
  }

  restoreVersion<M extends object = Metadata>(
    key: string,
    version: string,
    options?: RestoreVersionOptions,
  ): Promise<ChangedObject<M>> {
    return this.#about('restoreVersion', key, options, async (name, signal) => {
      parseVersion(version);
      return this.#change<M>('POST', `/v1/restore-version/${encodeKey(name)}`, { version }, options, signal);
    });
  }

  #change<M extends object>(
    method: 'PUT' | 'POST',
    path: string,
    body: object,
    options: ChangeOptions | undefined,
    signal: AbortSignal | undefined,
  ): Promise<ChangedObject<M>> {
    const headers = conditionHeaders(options);
    return this.#calls.send<ChangedObject<M>>({ method, path, headers, signal }, outgoingJson(body));
  }

  history(key: string, options?: CallOptions): Promise<HistoryEntry[]> {
    return this.#about('history', key, options, async (name, signal) => {
      const path = `/v1/history/${encodeKey(name)}`;
      return (await this.#calls.get<{ history: HistoryEntry[] }>(path, signal)).history;
    });
  }

  async list(prefix = '', options?: CallOptions): Promise<string[]> {
    const pages = this.#pages<string>('list', 'keys', prefix, options);
    return sortNames(await this.#calls.ofManySteps(() => Array.fromAsync(pages)));
  }

  keys(prefix = '', options?: ListingOptions): AsyncGenerator<StoreKey> {
    return this.#pages<StoreKey>('keys', 'keys', prefix, options);
  }

  entries<M extends object = Metadata>(prefix = '', options?: ListingOptions): AsyncGenerator<ObjectInfo<M>> {
    return this.#pages<ObjectInfo<M>>('entries', 'entries', prefix, options);
  }

  /** A listing, page by page. */
  async *#pages<T>(
    operation: Operation,
    kind: 'keys' | 'entries',
    prefix: string,
    options: ListingOptions | undefined,
  ): AsyncGenerator<T> {
    const signal = await this.#calls.listing(operation, options, () => {
      checkOptions(options, OPERATIONS[operation].options);
      checkPrefix(prefix);
      if (options?.after !== undefined) parseStoreKey(options.after);
    });
    // A lone surrogate would become another character on the way: what begins with it is looked for here.
    const sent = prefix.slice(0, wellFormedLength(prefix));
    // No key is longer, so nothing starts with what is.
    if (Buffer.byteLength(sent) > MAX_KEY_BYTES) return;
    for (let position: Position = { after: options?.after }; ;) {
      const path = `/v1/${kind}${encodeQuery({ prefix: sent === '' ? undefined : sent, ...position })}`;
      const page = await this.#calls.step<Readonly<Record<string, T[]>> & Position>(
        operation,
        path,
        signal,
        operation === 'list',
      );
      for (const item of page[kind] ?? []) {
        if (!(typeof item === 'string' ? item : (item as ObjectInfo).key).startsWith(prefix)) continue;
        if (operation !== 'list') this.#calls.checkOpen();
        yield item;
      }
      // A page may be empty and not be the last one.
      const { after, next } = page;
      if (after === undefined && next === undefined) return;
      position = after === undefined ? { next } : { after };
    }
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
}
