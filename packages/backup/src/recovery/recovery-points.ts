import type { StoreKey } from '@securestore/core-format';
import { parseStoreKey } from '@securestore/core-format';
import type { CallOptions, ObjectStore, RangeOptions, RetrievedStream } from '@securestore/objects';
import type { BackupArea } from '@securestore/objects/internal';
import { extensionsOf, inTime } from '@securestore/objects/internal';
import type { Receipts } from '../restore/receipts.ts';
import { receiptsOf } from '../restore/receipts.ts';
import type { CurrentReplicationStatus } from '../trust/replication-status.ts';
import type { RecoveryPointChoice } from '../repository/snapshot-info.ts';
import type { Connect } from '../trust/destinations.ts';
import { Destinations } from '../trust/destinations.ts';
import type { RegisteredDestination } from '../trust/registry.ts';
import { registryOf } from '../trust/registry.ts';
import type { PageRequest, Sees } from './browse.ts';
import { browse } from './browse.ts';
import { compare } from './compare.ts';
import { find } from './find.ts';
import type { PooledBackup } from './open-backup-pool.ts';
import { OpenBackupPool } from './open-backup-pool.ts';
import { NameCache } from './name-caches.ts';
import { keyTimeline } from './key-timeline.ts';
import { PageSeal } from './page-token.ts';
import { autoReleaseStream } from './auto-release-stream.ts';
import { refuseOption } from '../repository/errors.ts';
import { LiveSource, PointSource } from './sources.ts';
import { checkLimit, timelineOf } from './timeline.ts';
import type {
  BrowseOptions,
  BrowsePage,
  CompareOptions,
  ComparePage,
  FindOptions,
  FindPage,
  KeyTimeline,
  RecoveryPointLocator,
  PageOptions,
  Timeline,
  TimelineOptions,
} from './types.ts';
import { DEFAULT_PAGE, MAX_PAGE } from './types.ts';

const MAX_TEXT = 1024;
const EVERYTHING: Sees = () => true;

/** Which object of which moment is to be read. */
export interface RecoveryPointRetrieveOptions
  extends Pick<RangeOptions, 'start' | 'end' | 'signal' | 'timeout' | 'version'>, RecoveryPointChoice {
  readonly destination: string;
}

function checkText(name: string, text: unknown): string {
  if (text === undefined) return '';
  return typeof text === 'string' && text.length <= MAX_TEXT
    ? text
    : refuseOption(name, `must be a string of at most ${MAX_TEXT} characters`);
}

function checkDestination(destination: unknown): string {
  return typeof destination === 'string' && destination !== ''
    ? destination
    : refuseOption('destination', 'must be the URL of a destination');
}

/** Knows the continuous backups of all processes. */
export interface ReplicationStatusSource {
  /** `undefined` if there was none to a destination within the last seven days. */
  continuousStatus(destination: string, options?: CallOptions): Promise<CurrentReplicationStatus | undefined>;
}

/** The store as it was at any recovery point, and what has changed since. Nothing is changed. */
export class RecoveryPoints {
  readonly #area: BackupArea;
  readonly #store: ObjectStore;
  readonly #replication: ReplicationStatusSource;
  readonly #destinations: Destinations;
  readonly #pooled: OpenBackupPool;
  readonly #seal: PageSeal;
  readonly #names = new NameCache();

  constructor(store: ObjectStore, replication: ReplicationStatusSource, connect: Connect) {
    this.#area = extensionsOf(store).backup;
    this.#store = store;
    this.#replication = replication;
    this.#destinations = new Destinations(this.#area, connect);
    this.#pooled = new OpenBackupPool(this.#area, this.#destinations, () => this.#names.clear());
    this.#seal = new PageSeal(this.#area.random);
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
    return inTime('recoveryPoints.timeline', { signal: stop, timeout }, (signal) => {
      const name = this.#destinations.nameOf(checkDestination(destination));
      return this.#pooled.with(destination, async (pooled) => {
        // Read first, since points that come later reach further.
        const replication = await this.#replication.continuousStatus(name, { signal });
        return timelineOf(this.#area, pooled, name, replication, { ...options, signal });
      });
    });
  }

  /**
   * The contents of a folder at a recovery point, one page.
   *
   * @param sees whether the caller may see a name; by default all
   * @throws SecureStoreError as {@link timeline}, and `NOT_FOUND` if there is no such point
   */
  browse({ signal: stop, timeout, ...options }: BrowseOptions = {}, sees: Sees = EVERYTHING): Promise<BrowsePage> {
    return inTime('recoveryPoints.browse', { signal: stop, timeout }, (signal) => {
      const request = this.#requestOf(options, sees, signal);
      return this.#at(options, signal, (source) => browse(source, request));
    });
  }

  /** Names that have a text in them, at a moment, a page of them. @throws SecureStoreError as {@link browse} */
  find({ signal: stop, timeout, ...options }: FindOptions, sees: Sees = EVERYTHING): Promise<FindPage> {
    return inTime('recoveryPoints.find', { signal: stop, timeout }, (signal) => {
      const contains = checkText('contains', options.contains);
      const request = this.#requestOf(options, sees, signal);
      return this.#at(options, signal, (source) => find(source, contains, request));
    });
  }

  /** What differs between two points, or between one and now, a page of it. @throws SecureStoreError as {@link browse} */
  compare({ signal: stop, timeout, ...options }: CompareOptions, sees: Sees = EVERYTHING): Promise<ComparePage> {
    return inTime('recoveryPoints.compare', { signal: stop, timeout }, (signal) => {
      const request = this.#requestOf(options, sees, signal);
      const { destination, from, to } = options;
      return this.#pooled.with(checkDestination(destination), async (pooled) => {
        const source = await this.#pointIn(pooled, from, signal);
        const target =
          to === undefined ? new LiveSource(this.#store, this.#names) : await this.#pointIn(pooled, to, signal);
        return compare(source, target, request);
      });
    });
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
    return inTime('recoveryPoints.versions', { signal: stop, timeout }, (signal) => {
      const name = parseStoreKey(key);
      if (destination === undefined) return keyTimeline(this.#store, undefined, name, signal);
      return this.#pooled.with(checkDestination(destination), (pooled) =>
        keyTimeline(this.#store, pooled, name, signal),
      );
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
      const { pooled, release } = await this.#pooled.take(checkDestination(options.destination));
      try {
        return autoReleaseStream(await this.#retrieve(pooled, name, options, signal), release, signal);
      } catch (error) {
        release();
        throw error;
      }
    });
  }

  async #retrieve(
    pooled: PooledBackup,
    key: StoreKey,
    { start, end, version, ...choice }: Omit<RecoveryPointRetrieveOptions, 'signal' | 'timeout'>,
    signal: AbortSignal | undefined,
  ): Promise<RetrievedStream> {
    const { store } = await this.#pointIn(pooled, choice, signal);
    return store.retrieveStream(key, { start, end, version, signal });
  }

  /** What the store remembers of drills and restores of a destination. @throws SecureStoreError as {@link timeline} */
  receipts(destination: string, { signal: stop, timeout }: CallOptions = {}): Promise<Receipts> {
    return inTime('recoveryPoints.receipts', { signal: stop, timeout }, () =>
      this.#pooled.with(checkDestination(destination), ({ backup }) => receiptsOf(this.#area, backup.destination.id)),
    );
  }

  #requestOf(
    { after, limit, prefix }: PageOptions & { prefix?: string | undefined },
    sees: Sees,
    signal: AbortSignal | undefined,
  ): PageRequest {
    return {
      prefix: checkText('prefix', prefix),
      after,
      limit: checkLimit(limit, DEFAULT_PAGE, MAX_PAGE),
      sees,
      seal: this.#seal,
      signal,
    };
  }

  async #at<T>(
    { destination, at, snapshot }: RecoveryPointLocator,
    signal: AbortSignal | undefined,
    body: (source: PointSource | LiveSource) => Promise<T>,
  ): Promise<T> {
    if (destination === undefined) {
      if (at !== undefined) refuseOption('at', 'needs the option "destination"');
      if (snapshot !== undefined) refuseOption('snapshot', 'needs the option "destination"');
      this.#area.checkOpen();
      this.#pooled.sweep();
      return body(new LiveSource(this.#store, this.#names));
    }
    return this.#pooled.with(checkDestination(destination), async (pooled) =>
      body(await this.#pointIn(pooled, { at, snapshot }, signal)),
    );
  }

  async #pointIn(
    pooled: PooledBackup,
    { at, snapshot }: RecoveryPointChoice,
    signal: AbortSignal | undefined,
  ): Promise<PointSource> {
    const moment = await pooled.backup.choose({ at, snapshot }, signal);
    return new PointSource(pooled, moment, await pooled.view(moment, signal), this.#names);
  }
}
