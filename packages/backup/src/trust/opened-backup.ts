import { SecureStoreError } from '@securestore/core-format';
import type { ObjectStore } from '@securestore/objects';
import type { UnlockedCopy } from '@securestore/objects/internal';
import { openCopy } from '@securestore/objects/internal';
import type { Destination } from '../repository/destination.ts';
import type { TrustedTip } from './registry.ts';
import { fenceIn } from './registry.ts';
import type { Reached } from './replication-status.ts';
import { IndexPages } from '../repository/index-pages.ts';
import { auditLogIndex } from '../repository/index-set.ts';
import type { ChosenSnapshot, FoundMoment } from './moment.ts';
import { chosenOf, momentAfter, momentByDefault, wholePoint } from './moment.ts';
import type { IndexView } from '../repository/moment-index.ts';
import { PackReader } from '../repository/packs.ts';
import { PointBackend } from '../repository/point-backend.ts';
import type { OnDamagedSnapshot, RecoveryPointChoice, SnapshotInfo } from '../repository/snapshot-info.ts';
import { checkChoice, infoOf } from '../repository/snapshot-info.ts';
import type { DamagedPoint, FoundPoint } from '../repository/snapshots.ts';
import { Points } from '../repository/snapshots.ts';
import type { Evidence } from './trusted-tip.ts';
import { foreignPoint, isForeign, matchesTip, rolledBack } from './trusted-tip.ts';
import { includesNumber } from '../repository/number-ranges.ts';
import type { ChainTip } from './chain-tip.ts';
import { isAfter, readChainTip } from './chain-tip.ts';
import { indexOfMoment, pointAt } from './point-index.ts';
import type { RecoveryWindow } from './recovery-windows.ts';
import { windowsOf } from './recovery-windows.ts';
import { noSnapshot } from '../repository/errors.ts';

/** What the store knows of a destination. */
export interface KnownOfBackup {
  /** The newest point that the store remembers. */
  readonly trusted?: TrustedTip | undefined;
  /** Asked up to when it is known that nothing has changed since the newest point. */
  readonly reached?: ((signal: AbortSignal | undefined) => Promise<Reached | undefined>) | undefined;
  /** How many points that were read are not read again. */
  readonly cachedPoints?: number | undefined;
}

/** Files that have names of points and cannot be read. */
interface Unread {
  readonly damaged: readonly Pick<DamagedPoint, 'number'>[];
}

/** The backups of a store, opened with one of its unlock secrets. Made by {@link openBackup}. */
export class OpenedBackup {
  readonly destination: Destination;
  readonly copy: UnlockedCopy;
  readonly recoveryPoints: Points;
  readonly pages: IndexPages;
  readonly packs: PackReader;
  /** Whether a point was made with a key that was retired before: the store remembers that, or the copy of its head says so. */
  readonly isForeign: (point: FoundPoint) => boolean = (point) => isForeign(this.#evidence, point);

  readonly #evidence: Evidence;
  readonly #reached: NonNullable<KnownOfBackup['reached']>;

  constructor(
    destination: Destination,
    copy: UnlockedCopy,
    { trusted, reached = async () => undefined, cachedPoints }: KnownOfBackup = {},
  ) {
    const fence = fenceIn(copy.state.destinations, destination);
    this.#evidence = { trusted, fence, keyOrder: copy.keyOrder };
    this.#reached = reached;
    this.destination = destination;
    this.copy = copy;
    this.recoveryPoints = new Points(destination, copy.seals, this.isForeign, cachedPoints);
    this.pages = new IndexPages(destination, copy.seals);
    this.packs = new PackReader(destination);
  }

  get fingerprint(): string {
    return this.copy.fingerprint;
  }

  /** The files from the newest name down to the newest point. @throws as {@link list} */
  chainTip(signal?: AbortSignal): Promise<ChainTip> {
    return readChainTip(this.recoveryPoints, this.#evidence, signal);
  }

  /**
   * All points, the newest first. Those that are marked as removed are among them as long as they exist.
   *
   * @param onDamaged called for each damaged point, and each file that has the name of a point and is none; without it the first damaged
   *   one ends the list
   * @throws SecureStoreError `INTEGRITY`, and what the backend throws
   */
  async *list(signal?: AbortSignal, onDamaged?: OnDamagedSnapshot): AsyncGenerator<SnapshotInfo> {
    for await (const point of this.found(signal, onDamaged)) {
      // One that collects says the same of the store as the one before.
      if (!point.collects) yield infoOf(point);
    }
  }

  /** As {@link list}, with all fields of points, and with points that only record a removal. */
  async *found(signal?: AbortSignal, onDamaged?: OnDamagedSnapshot): AsyncGenerator<FoundPoint> {
    const tip = await this.chainTip(signal);
    const later = new Set(tip.junk.map(({ number }) => number));
    for (const { number, error } of tip.junk) onDamaged?.(number, error);
    // The next undamaged one shows whether they were points.
    let unread: DamagedPoint[] = [];
    let after: FoundPoint | undefined;
    for (const number of await this.recoveryPoints.numbers(signal)) {
      if (later.has(number)) continue;
      const point = await this.recoveryPoints.readOrDamaged(number, signal);
      if ('error' in point) {
        unread.push(point);
        continue;
      }
      const isNone = after !== undefined && isAfter(after, point);
      await this.#reportDamaged(unread, onDamaged, isNone, signal);
      unread = [];
      if (!this.isForeign(point)) after = point;
      yield point;
    }
    await this.#reportDamaged(unread, onDamaged, false, signal);
  }

  /** @param isNone whether none of them ever was a point */
  async #reportDamaged(
    unread: readonly DamagedPoint[],
    onDamaged: OnDamagedSnapshot | undefined,
    isNone: boolean,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (unread.length === 0) return;
    const removed = await this.recoveryPoints.removedNumbers(signal);
    for (const { number, error } of unread) {
      if (includesNumber(removed, number)) continue;
      if (onDamaged !== undefined) onDamaged(number, error);
      else if (!isNone) throw error;
    }
  }

  /** What is meant. @throws SecureStoreError `NOT_FOUND` if there is none; `INTEGRITY`; what the backend throws */
  async choose(choice: RecoveryPointChoice = {}, signal?: AbortSignal): Promise<FoundMoment> {
    const { point, numbers } = await this.#choose(choice, signal);
    if (choice.snapshot !== undefined) return wholePoint(point);
    if (choice.at === undefined) {
      return momentByDefault(this.destination, point, async (after) => {
        const earlier = numbers.filter((number) => number < after.number);
        const before = await pointAt(this.recoveryPoints, earlier, Infinity, this.isForeign, signal);
        return before && this.#repeatedPoint(before, earlier, signal);
      });
    }
    return momentAfter(point, choice.at.getTime(), {
      points: this.recoveryPoints,
      numbers,
      isForeign: this.isForeign,
      reached: () => this.#reached(signal),
      signal,
    });
  }

  /** The newest point, also one that was made before a restore. @throws as {@link choose} */
  async newest(signal?: AbortSignal): Promise<FoundMoment> {
    return wholePoint((await this.#choose({}, signal)).point);
  }

  /** @throws SecureStoreError `INTEGRITY` for a foreign point */
  #requireOwn(point: FoundPoint): FoundPoint {
    if (!this.isForeign(point)) return point;
    const { trusted, fence } = this.#evidence;
    throw new SecureStoreError(
      'INTEGRITY',
      `${foreignPoint(point.number).message} (${this.destination.url}). The newest authentic snapshot is ${trusted?.number ?? fence?.number ?? 0}.`,
      { advice: [{ id: 'choose-snapshot', destination: this.destination.url }] },
    );
  }

  /** Describes the snapshot or moment that a choice stands for. @throws as {@link choose} */
  async describe(choice: RecoveryPointChoice = {}, signal?: AbortSignal): Promise<ChosenSnapshot> {
    return chosenOf(await this.choose(choice, signal));
  }

  /** A message if the newest point is older than the one that existed at the last rotation; `undefined` if it isn't. */
  missesNewest(newest: number): string | undefined {
    const { fence } = this.#evidence;
    if (fence === undefined || newest >= fence.number) return undefined;
    return (
      `the newest snapshot at ${this.destination.url} is ${newest}, and ${fence.number} existed at the last rotation: ` +
      'newer snapshots were removed'
    );
  }

  /**
   * A message if the store remembers a newer point than the newest that is there; `undefined` if it does not, or a file that cannot be read
   * has its name.
   *
   * @param newest of the store's own
   */
  missesKnown({ newest, damaged }: Pick<ChainTip, 'newest'> & Unread): string | undefined {
    const { trusted } = this.#evidence;
    if (damaged.some(({ number }) => number >= (trusted?.number ?? 0))) return undefined;
    return rolledBack(this.destination, trusted, newest)?.message;
  }

  /** {@link missesKnown}, of the points that are there now; nothing if a snapshot was named. @throws as {@link list} */
  async rollback(
    { snapshot }: { readonly snapshot?: number | undefined },
    signal?: AbortSignal,
  ): Promise<string | undefined> {
    if (snapshot !== undefined || this.#evidence.trusted === undefined) return undefined;
    return this.missesKnown(await this.chainTip(signal));
  }

  /** Whether no holder of a retired key can have made a point: it has the current key, or the store remembers it, or its head names it. */
  isCertain(point: FoundPoint): boolean {
    const { trusted, fence } = this.#evidence;
    return !point.isOld || [trusted, fence, fence?.last].some((one) => matchesTip(one, point));
  }

  /** @returns the last point that is not after what is meant, and the numbers of all, the newest first */
  async #choose(
    { snapshot, at }: RecoveryPointChoice,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly point: FoundPoint; readonly numbers: readonly number[] }> {
    checkChoice(snapshot, at);
    const { url } = this.destination;
    const numbers = await this.recoveryPoints.numbers(signal);
    if (numbers.length === 0) throw noSnapshot(this.destination);
    if (snapshot !== undefined) {
      if (numbers.includes(snapshot))
        return { point: this.#requireOwn(await this.recoveryPoints.read(snapshot, signal)), numbers };
      throw new SecureStoreError('NOT_FOUND', `snapshot ${snapshot} does not exist at ${url}`, {
        advice: [{ id: 'choose-snapshot', destination: url }],
      });
    }
    const { junk, foreign, newest } = await this.chainTip(signal);
    const never = new Set(junk.map((one) => one.number));
    const named = numbers.filter((number) => !never.has(number));
    const time = at?.getTime() ?? Infinity;
    const own = await pointAt(this.recoveryPoints, named, time, this.isForeign, signal);
    // After the last point of the store itself there may be a foreign one.
    const found = own?.number === newest?.number ? (foreign.find((one) => one.time <= time) ?? own) : own;
    const gone = found !== undefined && found.number === named[0] ? this.missesNewest(found.number) : undefined;
    if (gone !== undefined) {
      throw new SecureStoreError('ROLLBACK', gone, {
        advice: [
          { id: 'check-writers', url },
          { id: 'choose-snapshot', destination: url },
        ],
      });
    }
    if (found !== undefined)
      return { point: this.#requireOwn(await this.#repeatedPoint(found, named, signal)), numbers: named };
    if (at === undefined) throw new SecureStoreError('INTERNAL', 'a snapshot exists, and none was found');
    const oldest = await this.recoveryPoints.read(named.at(-1) ?? 0, signal);
    throw new SecureStoreError(
      'NOT_FOUND',
      `the first snapshot at ${url} is of ${new Date(oldest.time).toISOString()}, after ${at.toISOString()}`,
      { advice: [{ id: 'choose-snapshot', destination: url }] },
    );
  }

  /** The point that another one only repeats. */
  async #repeatedPoint(
    point: FoundPoint,
    numbers: readonly number[],
    signal: AbortSignal | undefined,
  ): Promise<FoundPoint> {
    if (!point.collects) return point;
    let isNext = true;
    for (const number of numbers.slice(numbers.indexOf(point.number) + 1)) {
      const before = await this.recoveryPoints.readOrDamaged(number, signal);
      if (!('error' in before)) {
        return isNext || isAfter(point, before) ? this.#repeatedPoint(before, numbers, signal) : point;
      }
      // It may be the one that is repeated.
      isNext = false;
    }
    return point;
  }

  /**
   * The spans of time that can be restored, the newest first.
   *
   * @param reached up to when it is known that nothing has changed since the newest point
   * @throws as {@link list}
   */
  async windows(signal?: AbortSignal, reached?: Reached): Promise<RecoveryWindow[]> {
    // Damaged points are gaps between the others.
    const points = await Array.fromAsync(this.found(signal, () => undefined));
    const own = points.filter((point) => !this.isForeign(point));
    return windowsOf(own, reached);
  }

  /** The index of what was chosen. @throws SecureStoreError `INTEGRITY`; what the backend throws */
  async index(moment: FoundMoment, signal?: AbortSignal): Promise<IndexView> {
    return (await indexOfMoment(this.recoveryPoints, this.pages, moment, signal)).index;
  }

  /** The store at a chosen moment, as a backend that is only read. @param known its index, if that was read already */
  async view(moment: FoundMoment, signal?: AbortSignal, known?: IndexView): Promise<PointBackend> {
    const { destination, packs, copy } = this;
    const index = known ?? (await this.index(moment, signal));
    const others = auditLogIndex(this.pages, moment.point.others);
    return new PointBackend({ destination, keys: copy.keys, index, others, packs, time: moment.time });
  }

  /**
   * Opens the store with the content that it had at a point or a moment. Reads work as on any store: `retrieve`,
   * `list`, `history`, `verify`. Calls that would change it fail with `READ_ONLY`. Close it before this backup.
   */
  async open(choice: RecoveryPointChoice | FoundMoment = {}, signal?: AbortSignal): Promise<ObjectStore> {
    const moment = 'point' in choice ? choice : await this.choose(choice, signal);
    return openCopy(this.copy, await this.view(moment, signal));
  }

  /** Runs `body` with the store as {@link open} gives it, and its description. @throws what `body` throws; as {@link open} */
  async read<T>(
    choice: RecoveryPointChoice,
    body: (store: ObjectStore, chosen: ChosenSnapshot) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const moment = await this.choose(choice, signal);
    await using store = await this.open(moment, signal);
    return await body(store, chosenOf(moment));
  }

  /** Wipes the keys. */
  close(): void {
    this.copy.wipe();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
