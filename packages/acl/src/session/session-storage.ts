import { parseStoreKey, SecureStoreError } from '@securestore/core-format';
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
  SecureStorage,
} from '@securestore/objects';
import { withOneEnd } from '@securestore/objects/internal';
import { parseRange } from '@securestore/objects/surface';
import type { ObjectAction } from '../rules/actions.ts';
import { bindTo, ofRestored, undeleted } from '../guard/bound-calls.ts';
import type { Checks } from '../guard/checks.ts';
import { guardedChunks, guardedStream } from '../guard/guarded-data.ts';
import { guardedList, guardedListing } from './guarded-listing.ts';
import type { SessionListingOptions } from './guarded-listing.ts';
import { guardedMany } from './guarded-many.ts';
import type { ParsedItem } from './guarded-many.ts';
import { changedOne, guardedOne } from './guarded-one.ts';
import type { ListingPositions } from './listing-position.ts';
import type { Which } from '../approval/object-plan.ts';
import { ObjectPlans } from '../approval/object-plan.ts';
import { askedOnce, ofDeletion, ofThePast, storedOnce } from '../rules/refusals.ts';
import { SURFACE } from '../guard/surface.ts';

/** The objects of a store as one principal may use them. Each call is decided before it begins, and again before it tells what it found. */
export class SessionStorage implements Omit<SecureStorage, 'keys'> {
  readonly #storage: SecureStorage;
  readonly #checks: Checks;
  readonly #positions: ListingPositions;

  /** @param positions what seals where listings go on */
  constructor(checks: Checks, storage: SecureStorage, positions: ListingPositions) {
    this.#checks = checks;
    this.#storage = storage;
    this.#positions = positions;
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
