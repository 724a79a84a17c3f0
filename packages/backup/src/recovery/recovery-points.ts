import { lazyPart, parseStoreKey } from '@securestore/core-format';
import type { CallOptions, ObjectStore, RetrievedStream } from '@securestore/objects';
import type { BackupArea } from '@securestore/objects/internal';
import { extensionsOf, inTime } from '@securestore/objects/internal';
import type { Receipts } from '../restore/receipts.ts';
import type { Connect } from '../trust/destinations.ts';
import { Destinations } from '../trust/destinations.ts';
import type { RegisteredDestination } from '../trust/registry.ts';
import { registryOf } from '../trust/registry.ts';
import type { RecoveryReader } from './recovery-reader.ts';
import type {
  BrowseOptions,
  BrowsePage,
  CompareOptions,
  ComparePage,
  FindOptions,
  FindPage,
  KeyTimeline,
  RecoveryPointLocator,
  RecoveryPointRetrieveOptions,
  ReplicationStatusSource,
  Sees,
  Timeline,
  TimelineOptions,
} from './types.ts';

const EVERYTHING: Sees = () => true;

/** The store as it was at any recovery point, and what has changed since. Nothing is changed. The first call loads the work of all calls. */
export class RecoveryPoints {
  readonly #area: BackupArea;
  readonly #load: () => Promise<RecoveryReader>;

  constructor(store: ObjectStore, replication: ReplicationStatusSource, connect: Connect) {
    const { backup: area } = extensionsOf(store);
    this.#area = area;
    this.#load = lazyPart('recovery points', async () => {
      const { RecoveryReader: Reader } = await import('./recovery-reader.ts');
      return new Reader(area, store, replication, new Destinations(area, connect));
    });
  }

  /** Where the store is backed up. */
  destinations(
    options?: CallOptions,
  ): Promise<readonly Pick<RegisteredDestination, 'url' | 'registered' | 'retention'>[]> {
    return inTime('recoveryPoints.destinations', options, async () => {
      this.#area.checkOpen();
      return registryOf(this.#area).destinations.map(({ url, registered, retention }) => ({
        url,
        registered,
        ...(retention && { retention }),
      }));
    });
  }

  /**
   * What can be restored from a destination: up to when, which spans of time, which snapshots.
   *
   * @throws SecureStoreError `NOT_FOUND` if there are no backups, `INTEGRITY`, `INVALID_ARGUMENT`; what the backend throws
   */
  timeline(destination: string, { signal: stop, timeout, ...options }: TimelineOptions = {}): Promise<Timeline> {
    return inTime('recoveryPoints.timeline', { signal: stop, timeout }, async (signal) =>
      (await this.#load()).timeline(destination, { ...options, signal }),
    );
  }

  /**
   * The contents of a folder at a recovery point, one page.
   *
   * @param sees whether the caller may see a name; by default all
   * @throws SecureStoreError as {@link timeline}, and `NOT_FOUND` if there is no such point
   */
  browse({ signal: stop, timeout, ...options }: BrowseOptions = {}, sees: Sees = EVERYTHING): Promise<BrowsePage> {
    return inTime('recoveryPoints.browse', { signal: stop, timeout }, async (signal) =>
      (await this.#load()).browse({ ...options, signal }, sees),
    );
  }

  /** Names that have a text in them, at a moment, a page of them. @throws SecureStoreError as {@link browse} */
  find({ signal: stop, timeout, ...options }: FindOptions, sees: Sees = EVERYTHING): Promise<FindPage> {
    return inTime('recoveryPoints.find', { signal: stop, timeout }, async (signal) =>
      (await this.#load()).find({ ...options, signal }, sees),
    );
  }

  /** What differs between two points, or between one and now, a page of it. @throws SecureStoreError as {@link browse} */
  compare({ signal: stop, timeout, ...options }: CompareOptions, sees: Sees = EVERYTHING): Promise<ComparePage> {
    return inTime('recoveryPoints.compare', { signal: stop, timeout }, async (signal) =>
      (await this.#load()).compare({ ...options, signal }, sees),
    );
  }

  /**
   * What a key was over time, by what the store keeps, and a destination.
   *
   * @throws SecureStoreError `NOT_FOUND` if neither has it; as {@link browse}
   */
  versions(
    key: string,
    { signal: stop, timeout, destination }: CallOptions & Pick<RecoveryPointLocator, 'destination'> = {},
  ): Promise<KeyTimeline> {
    return inTime('recoveryPoints.versions', { signal: stop, timeout }, async (signal) => {
      const name = parseStoreKey(key);
      return (await this.#load()).versions(name, destination, signal);
    });
  }

  /**
   * The data of an object as it was at a point: of its current version then, or of an older `version` that the point still keeps.
   *
   * @throws SecureStoreError `NOT_FOUND` if the point has no such object, or not that version; as {@link browse}
   */
  retrieveStream(
    key: string,
    { signal: stop, timeout, ...options }: RecoveryPointRetrieveOptions,
  ): Promise<RetrievedStream> {
    return inTime('recoveryPoints.retrieveStream', { signal: stop, timeout }, async (signal) => {
      const name = parseStoreKey(key);
      return (await this.#load()).retrieveStream(name, { ...options, signal });
    });
  }

  /** What the store remembers of drills and restores of a destination. @throws SecureStoreError as {@link timeline} */
  receipts(destination: string, { signal: stop, timeout }: CallOptions = {}): Promise<Receipts> {
    return inTime('recoveryPoints.receipts', { signal: stop, timeout }, async () =>
      (await this.#load()).receipts(destination),
    );
  }
}
