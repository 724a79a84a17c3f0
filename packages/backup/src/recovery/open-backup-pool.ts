import { SecureStoreError } from '@securestore/core-format';
import type { ObjectStore } from '@securestore/objects';
import type { BackupArea } from '@securestore/objects/internal';
import { openCopy } from '@securestore/objects/internal';
import { requireDestination } from '../repository/destination.ts';
import type { Connected, Destinations } from '../trust/destinations.ts';
import { knownBackup } from '../trust/open-backup.ts';
import type { FoundMoment } from '../trust/moment.ts';
import { momentId } from '../trust/moment.ts';
import type { IndexView } from '../repository/moment-index.ts';
import type { OpenedBackup } from '../trust/opened-backup.ts';
import { DirectoryCache, keepRecent } from './name-caches.ts';

/** How long a backup that nobody looks at stays open, in milliseconds, and how many do at once. */
const POOLED_FOR = 60_000;
const MAX_POOLED = 4;
/** How many of its points, and of the stores as they were then, are kept. */
const CACHED_POINTS = 10_000;
const MAX_VIEWS = 4;
/** How many large folders of its points are kept in order: some 30 MB each at most. */
const MAX_FOLDERS = 2;

/** The store as it was at a point or a moment, opened. Moments with the same contents share it. */
export interface PointView {
  readonly index: IndexView;
  readonly store: ObjectStore;
}

/** A backup that is open for a while, and the points of it that were looked at. It knows nothing of who may see what. */
export class PooledBackup {
  readonly backup: OpenedBackup;
  readonly #connected: Connected;
  readonly #views = new Map<string, Promise<PointView>>();
  readonly #folders = new Map<string, DirectoryCache>();
  /** How many are looking at it. */
  users = 0;
  /** When the last one ceased to, in milliseconds since the machine started. */
  left = 0;
  /** Whether it is to be closed as soon as nobody looks at it any more. */
  isOver = false;

  constructor(backup: OpenedBackup, connected: Connected) {
    this.backup = backup;
    this.#connected = connected;
  }

  /** The store as it was at a point or a moment. */
  view(moment: FoundMoment, signal: AbortSignal | undefined): Promise<PointView> {
    const id = momentId(moment);
    const known = this.#views.get(id);
    const view = known ?? this.#open(moment, signal);
    if (known === undefined) view.catch(() => this.#views.delete(id));
    // Those that are not kept are not closed: others may be reading them, and they hold nothing but memory.
    return keepRecent(this.#views, id, view, MAX_VIEWS);
  }

  /** All names of a large folder at a moment, as far as they are read. @param within its token */
  folder(moment: FoundMoment, within: string): DirectoryCache {
    const id = `${momentId(moment)} ${within}`;
    return keepRecent(this.#folders, id, this.#folders.get(id) ?? new DirectoryCache(within), MAX_FOLDERS);
  }

  async #open(moment: FoundMoment, signal: AbortSignal | undefined): Promise<PointView> {
    const { backup } = this;
    const index = await backup.index(moment, signal);
    return { index, store: openCopy(backup.copy, await backup.view(moment, signal, index)) };
  }

  async close(): Promise<void> {
    this.#views.clear();
    this.#folders.clear();
    await this.#connected.close();
  }
}

/**
 * Backups that are looked at again and again are opened once: what they are made of is read once, and so quick. They are opened anew
 * when the head of the store has changed, with which their keys may have.
 */
export class OpenBackupPool {
  readonly #area: BackupArea;
  readonly #destinations: Destinations;
  readonly #pooled = new Map<string, { readonly generation: number; readonly opening: Promise<PooledBackup> }>();
  readonly #ended = new AbortController();
  readonly #onIdle: () => void;
  #sweeping = false;

  /** @param onIdle called when nobody has looked at anything for a while, and when the store is closed */
  constructor(area: BackupArea, destinations: Destinations, onIdle: () => void) {
    this.#onIdle = onIdle;
    this.#area = area;
    this.#destinations = destinations;
    area.onClose(() => this.#close());
  }

  /** Runs `body` with a backup. @throws SecureStoreError `NOT_FOUND` if there is none, `INTEGRITY`; what the backend throws */
  async with<T>(source: string, body: (pooled: PooledBackup) => Promise<T>): Promise<T> {
    const { pooled, release } = await this.take(source);
    try {
      return await body(pooled);
    } catch (error) {
      // What the place is reached by may be what fails: the next one begins anew.
      if (!SecureStoreError.is(error) || error.retryable) this.#drop(source);
      throw error;
    } finally {
      release();
    }
  }

  /** A backup for as long as somebody needs it. @returns it, and what says that this is over */
  async take(source: string): Promise<{ pooled: PooledBackup; release: () => void }> {
    this.#area.checkOpen();
    const pooled = await this.#opened(source);
    pooled.users += 1;
    let isReleased = false;
    const release = (): void => {
      if (isReleased) return;
      isReleased = true;
      pooled.users -= 1;
      pooled.left = this.#area.clock.uptime();
      if (pooled.isOver && pooled.users === 0) void pooled.close().catch(() => undefined);
      else this.sweep();
    };
    return { pooled, release };
  }

  #opened(source: string): Promise<PooledBackup> {
    const { generation } = this.#area.head;
    const known = this.#pooled.get(source);
    if (known?.generation === generation) return known.opening;
    if (known !== undefined) this.#drop(source);
    // Others may wait for it as well, so it ends with nobody's signal.
    const opening = this.#open(source);
    this.#pooled.set(source, { generation, opening });
    opening.catch(() => {
      if (this.#pooled.get(source)?.opening === opening) this.#pooled.delete(source);
    });
    const [oldest] = this.#pooled.keys();
    if (this.#pooled.size > MAX_POOLED && oldest !== undefined) this.#drop(oldest);
    return opening;
  }

  async #open(source: string): Promise<PooledBackup> {
    const connected = await this.#destinations.connect(source);
    try {
      const found = await requireDestination(connected.backend, connected.url, undefined);
      return new PooledBackup(await knownBackup(this.#area, found, undefined, CACHED_POINTS), connected);
    } catch (error) {
      await connected.close();
      throw error;
    }
  }

  #drop(source: string): void {
    const known = this.#pooled.get(source);
    this.#pooled.delete(source);
    if (known !== undefined) void over(known.opening);
  }

  /** Closes what nobody has looked at for a while, as long as there is something. */
  sweep(): void {
    if (this.#sweeping) return;
    this.#sweeping = true;
    const { clock } = this.#area;
    void (async () => {
      do {
        await clock.sleep(POOLED_FOR / 2, this.#ended.signal, { ref: false });
        for (const [source, { opening }] of this.#pooled) {
          const pooled = await opening.catch(() => undefined);
          const isIdle = pooled !== undefined && pooled.users === 0 && clock.uptime() - pooled.left >= POOLED_FOR / 2;
          if (isIdle) this.#drop(source);
        }
      } while (this.#pooled.size > 0);
      this.#onIdle();
    })()
      .catch(() => undefined)
      .finally(() => (this.#sweeping = false));
  }

  async #close(): Promise<void> {
    this.#ended.abort();
    const all = [...this.#pooled.values()];
    this.#pooled.clear();
    this.#onIdle();
    await Promise.all(all.map(({ opening }) => opening.then((pooled) => pooled.close()).catch(() => undefined)));
  }
}

/** Closes a backup as soon as nobody looks at it any more. */
async function over(opening: Promise<PooledBackup>): Promise<void> {
  const pooled = await opening.catch(() => undefined);
  if (pooled === undefined) return;
  pooled.isOver = true;
  if (pooled.users === 0) await pooled.close().catch(() => undefined);
}
