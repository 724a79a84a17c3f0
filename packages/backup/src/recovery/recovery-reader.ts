import type { StoreKey } from '@securestore/core-format';
import type { ObjectStore, RetrievedStream } from '@securestore/objects';
import type { BackupArea } from '@securestore/objects/internal';
import type { Receipts } from '../restore/receipts.ts';
import { receiptsOf } from '../restore/receipts.ts';
import type { RecoveryPointChoice } from '../repository/snapshot-info.ts';
import type { Destinations } from '../trust/destinations.ts';
import type { PageRequest } from './browse.ts';
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
  PageOptions,
  RecoveryPointLocator,
  RecoveryPointRetrieveOptions,
  ReplicationStatusSource,
  Sees,
  Timeline,
  TimelineOptions,
} from './types.ts';
import { DEFAULT_PAGE, MAX_PAGE } from './types.ts';

const MAX_TEXT = 1024;

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

/** The work of {@link RecoveryPoints}, loaded with its first call. */
export class RecoveryReader {
  readonly #area: BackupArea;
  readonly #store: ObjectStore;
  readonly #replication: ReplicationStatusSource;
  readonly #destinations: Destinations;
  readonly #pooled: OpenBackupPool;
  readonly #seal: PageSeal;
  readonly #names = new NameCache();

  constructor(area: BackupArea, store: ObjectStore, replication: ReplicationStatusSource, destinations: Destinations) {
    this.#area = area;
    this.#store = store;
    this.#replication = replication;
    this.#destinations = destinations;
    this.#pooled = new OpenBackupPool(area, destinations, () => this.#names.clear());
    this.#seal = new PageSeal(area.random);
  }

  timeline(destination: string, options: TimelineOptions): Promise<Timeline> {
    const { signal } = options;
    const name = this.#destinations.nameOf(checkDestination(destination));
    return this.#pooled.with(destination, async (pooled) => {
      // Read first, since points that come later reach further.
      const replication = await this.#replication.continuousStatus(name, { signal });
      return timelineOf(this.#area, pooled, name, replication, options);
    });
  }

  browse(options: BrowseOptions, sees: Sees): Promise<BrowsePage> {
    const request = this.#requestOf(options, sees);
    return this.#at(options, (source) => browse(source, request));
  }

  find(options: FindOptions, sees: Sees): Promise<FindPage> {
    const contains = checkText('contains', options.contains);
    const request = this.#requestOf(options, sees);
    return this.#at(options, (source) => find(source, contains, request));
  }

  compare({ destination, from, to, ...options }: CompareOptions, sees: Sees): Promise<ComparePage> {
    const request = this.#requestOf(options, sees);
    return this.#pooled.with(checkDestination(destination), async (pooled) => {
      const source = await this.#pointIn(pooled, from, options.signal);
      const target =
        to === undefined ? new LiveSource(this.#store, this.#names) : await this.#pointIn(pooled, to, options.signal);
      return compare(source, target, request);
    });
  }

  versions(name: StoreKey, destination: string | undefined, signal: AbortSignal | undefined): Promise<KeyTimeline> {
    if (destination === undefined) return keyTimeline(this.#store, undefined, name, signal);
    return this.#pooled.with(checkDestination(destination), (pooled) => keyTimeline(this.#store, pooled, name, signal));
  }

  async retrieveStream(name: StoreKey, options: RecoveryPointRetrieveOptions): Promise<RetrievedStream> {
    const { pooled, release } = await this.#pooled.take(checkDestination(options.destination));
    try {
      return autoReleaseStream(await this.#retrieve(pooled, name, options), release, options.signal);
    } catch (error) {
      release();
      throw error;
    }
  }

  async #retrieve(
    pooled: PooledBackup,
    key: StoreKey,
    { start, end, version, signal, ...choice }: RecoveryPointRetrieveOptions,
  ): Promise<RetrievedStream> {
    const { store } = await this.#pointIn(pooled, choice, signal);
    return store.retrieveStream(key, { start, end, version, signal });
  }

  receipts(destination: string): Promise<Receipts> {
    return this.#pooled.with(checkDestination(destination), ({ backup }) =>
      receiptsOf(this.#area, backup.destination.id),
    );
  }

  #requestOf({ after, limit, prefix, signal }: PageOptions & { prefix?: string | undefined }, sees: Sees): PageRequest {
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
    { destination, at, snapshot, signal }: RecoveryPointLocator & Pick<PageOptions, 'signal'>,
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
