import type { ListEntry } from '@securestore/backend-api';
import type { IndexEntry } from '@securestore/core-format';
import { AREAS, formatVersion, objectName } from '@securestore/core-format';
import type { ObjectStore } from '@securestore/objects';
import type { BackupArea, TokenNames } from '@securestore/objects/internal';
import { extensionsOf, isPurged, isTombstoneSize, tokenIn } from '@securestore/objects/internal';
import type { IndexPages } from '../repository/index-pages.ts';
import { firstFrom } from '../repository/index-set.ts';
import type { FoundMoment } from '../trust/moment.ts';
import type { IndexView } from '../repository/moment-index.ts';
import { timeOfVersion } from '../repository/retained.ts';
import type { OpenedBackup } from '../trust/opened-backup.ts';
import type { DirectoryCache, NameCache } from './name-caches.ts';
import type { PooledBackup, PointView } from './open-backup-pool.ts';
import { momentId } from '../trust/moment.ts';
import type { Current, Item, Source } from './source.ts';
import type { RecoveryPointInfo } from './types.ts';

/** What an entry of an index says of an object. */
function currentIn({ kind, version, commitId }: IndexEntry): Current {
  return {
    state: kind === 'purged' ? 'purged' : kind === 'tombstone' ? 'deleted' : 'there',
    version: formatVersion(version, commitId),
    modified: new Date(timeOfVersion(version)),
  };
}

/** Times of backends may be whole seconds. */
const CLOCK_STEP = 1000;

/** What an entry of an index is about. */
function pointItem(entry: IndexEntry, { copy, packs }: OpenedBackup, known: NameCache): Item {
  const { token } = entry;
  return {
    token,
    isThere: entry.kind === 'object',
    current: async () => currentIn(entry),
    name: (signal) =>
      known.of(
        token,
        () => copy.nameIn(token) ?? packs.read(entry, signal).then((record) => copy.nameOf(token, record)),
      ),
  };
}

/** The names in a backup, at a point. */
export class PointSource implements Source {
  readonly store: ObjectStore;
  readonly index: IndexView;
  readonly info: RecoveryPointInfo & { readonly snapshot: number };
  readonly id: string;
  readonly #moment: FoundMoment;
  readonly #pooled: PooledBackup;
  readonly #backup: OpenedBackup;
  readonly #known: NameCache;

  constructor(pooled: PooledBackup, moment: FoundMoment, { index, store }: PointView, known: NameCache) {
    const { backup } = pooled;
    this.#pooled = pooled;
    this.#backup = backup;
    this.#known = known;
    this.index = index;
    this.store = store;
    this.#moment = moment;
    this.id = momentId(moment);
    const { number: snapshot, time, gap } = moment;
    this.info = { snapshot, time: new Date(time), ...(gap && { gap }) };
  }

  get names(): TokenNames {
    return this.#backup.copy.names;
  }

  /** What was there before this, by the clock of the backend in milliseconds since 1970, is as it was. */
  get unchanged(): number {
    const { point, until, settled } = this.#moment;
    return until === undefined ? point.time : (settled?.time ?? -Infinity);
  }

  /** What reads the pages of the index. */
  get pages(): IndexPages {
    return this.#backup.pages;
  }

  /** All names of the folder that a prefix is in, as far as they are read. They are kept while the backup is looked at. */
  largeFolder(prefix: string): DirectoryCache {
    return this.#pooled.folder(this.#moment, this.names.folderOf(prefix));
  }

  /** What an entry of the index is about. */
  itemOf(entry: IndexEntry): Item {
    return pointItem(entry, this.#backup, this.#known);
  }

  async *items(after: string, signal: AbortSignal | undefined): AsyncGenerator<Item> {
    for await (const { token, entries } of this.index.objects(after, signal)) {
      const [current] = entries;
      if (current !== undefined && token > after) yield this.itemOf(current);
    }
  }

  shareBefore(token: string): number {
    const { length } = this.index.pages;
    return length === 0 ? 1 : firstFrom(this.index.pages, token) / length;
  }
}

/** Something in the store as it is now. */
export interface LiveItem extends Item {
  /** When it was written, by the clock of the backend, in milliseconds since 1970. */
  readonly written: number;
}

function liveItem(area: BackupArea, known: NameCache, { key, size, modified: written }: ListEntry): LiveItem {
  const token = tokenIn(key);
  const isThere = !isTombstoneSize(size);
  return {
    token,
    isThere,
    written,
    async current(signal) {
      const found = await area.changeAt(key, signal);
      if (found === undefined) return undefined;
      const { header } = found;
      return {
        state: header.kind !== 'tombstone' ? 'there' : isPurged(header) ? 'purged' : 'deleted',
        version: formatVersion(header.version, header.commitId),
        modified: new Date(timeOfVersion(header.version)),
      };
    },
    name: (signal) =>
      known.of(token, () => area.names.nameIn(token) ?? (isThere ? area.nameAt(token, signal) : undefined)),
  };
}

/** The names in the store as it is now. */
export class LiveSource implements Source {
  readonly store: ObjectStore;
  readonly info: RecoveryPointInfo;
  readonly id = 'now';
  readonly #area: BackupArea;
  readonly #known: NameCache;

  constructor(store: ObjectStore, known: NameCache) {
    this.store = store;
    this.#known = known;
    this.#area = extensionsOf(store).backup;
    this.info = { time: new Date(this.#area.clock.now()) };
  }

  get names(): TokenNames {
    return this.#area.names;
  }

  /** How much earlier than it says something may have been written, in milliseconds. */
  get skew(): number {
    return this.#area.capabilities.clockSkew + CLOCK_STEP;
  }

  async *items(begin: string, signal: AbortSignal | undefined): AsyncGenerator<LiveItem> {
    for (let after = begin === '' ? undefined : objectName(begin); ;) {
      const { entries, more } = await this.#area.list(AREAS.objects, { ...(after !== undefined && { after }), signal });
      for (const entry of entries) yield liveItem(this.#area, this.#known, entry);
      after = entries.at(-1)?.key;
      if (!more || after === undefined) return;
    }
  }

  shareBefore(): undefined {
    return undefined;
  }
}
