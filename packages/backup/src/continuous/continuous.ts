import { SecureStoreError } from '@securestore/core-format';
import type { Instant } from '@securestore/jobs';
import { elapsedSince, instant } from '@securestore/jobs';
import type { BackupArea } from '@securestore/objects/internal';
import { AckWaiters } from './ack-waiters.ts';
import type { ContinuousOptions, ContinuousStatus } from './continuous-types.ts';
import { hasCode, withFallback } from '../repository/errors.ts';
import type { FailedCopy } from '../repository/upload.ts';
import type { ReplicationStatus, Reached } from '../trust/replication-status.ts';
import { beatOf, replicationStatusAt, publishReplicationStatus } from '../trust/replication-status.ts';
import type { ReconnectingDestination } from '../trust/reconnecting-destination.ts';
import { Outage, isPassing } from './outage.ts';
import { matchesTip, tipOf } from '../trust/trusted-tip.ts';
import type { OnAlarm, Position } from './ship-changes.ts';
import { positionAt, shipChanges, steadyUntil } from './ship-changes.ts';
import { makeSnapshot } from '../snapshot/snapshot.ts';
import type { SnapshotReport } from '../snapshot/snapshot-types.ts';

/** A whole index is written after so many points, or so many changed objects: what a restore has to read is bounded by it. */
const POINTS_PER_SNAPSHOT = 1000;
const CHANGES_PER_SNAPSHOT = 50_000;
const SNAPSHOT_EVERY: number = 60 * 60 * 1000;
/** A point is published at least so often, so that the destination shows that it is alive. */
const HEARTBEAT: number = 60 * 1000;
/** If the clock of the backend is finer than this, cuts may follow each other as fast as the shorter interval says. */
const FINE_RESOLUTION = 10;
const SHORT_INTERVAL = 250;
const LONG_INTERVAL = 1000;
/** How often others may come first before those who wait get an error. */
const MAX_OVERTAKEN = 5;

/** Ships changes of a store to a destination while the store is in use. Made by {@link Backups.follow}. */
export class Follower {
  readonly #area: BackupArea;
  readonly #connection: ReconnectingDestination;
  readonly #outage: Outage;
  readonly #options: ContinuousOptions;
  readonly #interval: number;
  #position: Position | undefined;
  #reached: Reached | undefined;
  /** When the newest point was made, by the clock of this process. */
  #newestMade = 0;
  /** When others were told how far it is. */
  #publishedAt: Instant | undefined;
  /** What they were told. */
  #published: string | undefined;
  #points = 0;
  #versions = 0;
  #bytes = 0;
  /** Of what the last step could not copy, the first. */
  #failed: FailedCopy | undefined;
  readonly #alarms = new Set<string>();
  readonly #onAlarm: OnAlarm = ({ message }) => void this.#alarms.add(message);
  readonly #waiters = new AckWaiters();

  constructor(area: BackupArea, connection: ReconnectingDestination, options: ContinuousOptions) {
    this.#area = area;
    this.#connection = connection;
    this.#outage = new Outage(area, connection.url);
    this.#options = options;
    const isFine = area.capabilities.modifiedResolution <= FINE_RESOLUTION;
    this.#interval = options.interval ?? (isFine ? SHORT_INTERVAL : LONG_INTERVAL);
  }

  get status(): ContinuousStatus {
    const { clock, capabilities } = this.#area;
    const reached = this.#reached;
    const { error } = this.#outage;
    return {
      ...(reached && { recoverableTo: new Date(reached.time), lag: Math.max(0, clock.now() - reached.time) }),
      skew: capabilities.clockSkew,
      recoveryPoints: this.#points,
      versions: this.#versions,
      bytes: this.#bytes,
      ...(error && { error: { code: error.code, message: error.message } }),
      findings: [...this.#alarms],
    };
  }

  /** Why nothing can be shipped now. */
  get error(): SecureStoreError | undefined {
    return this.#outage.error;
  }

  /** What it says of itself to others. */
  get replicationStatus(): ReplicationStatus {
    return { reached: this.#reached, error: this.status.error, isOver: false };
  }

  /** Makes a snapshot at the next step. */
  snapshot(label: string): Promise<SnapshotReport> {
    return this.#waiters.snapshot(label);
  }

  /** Resolves when everything that was acknowledged before the call can be restored. @throws SecureStoreError why it can't be shipped */
  shipped(): Promise<void> {
    const { error } = this.#outage;
    return error === undefined ? this.#waiters.shipped() : Promise.reject(error);
  }

  /**
   * Ships until the signal aborts.
   *
   * @param lossOf what has ended it by then, unless the caller did
   * @throws SecureStoreError what no waiting mends, such as `ACCESS_DENIED`; what `lossOf` says
   */
  async run(signal: AbortSignal, lossOf: () => SecureStoreError | undefined): Promise<void> {
    try {
      await this.#run(signal);
      const loss = lossOf();
      if (loss !== undefined) throw loss;
    } catch (error) {
      this.#outage.end(error);
      await this.#publishEnd(false);
      throw error;
    }
    // One that is ended on purpose raises no alert.
    await this.#publishEnd(true);
  }

  async #run(signal: AbortSignal): Promise<void> {
    let overtaken = 0;
    while (!signal.aborted) {
      const waiting = this.#waiters.takeWaiting();
      const begun = instant(this.#area.clock);
      try {
        this.#failed = undefined;
        await this.#step(signal);
        this.#outage.over();
        overtaken = 0;
        const failed = this.#failed;
        for (const { resolve, reject } of waiting)
          if (failed === undefined) resolve();
          else reject(notCopied(failed));
      } catch (error) {
        // Another run has published in between: the changes are shipped after it.
        const isOvertaken = SecureStoreError.is(error, 'CONFLICT') && isPassing(error) && overtaken < MAX_OVERTAKEN;
        if (isOvertaken && !signal.aborted) this.#waiters.putBack(waiting);
        else for (const { reject } of waiting) reject(error);
        if (signal.aborted) break;
        // It resumes once it can read the new unlock secret.
        const isLockedOut = SecureStoreError.is(error) && this.#area.isLockedOut;
        if (!isPassing(error) && !isLockedOut) throw error;
        // What another process has done meanwhile is read again.
        this.#position = undefined;
        if (isOvertaken) overtaken += 1;
        else {
          this.#outage.failed(error);
          await this.#connection.disconnect();
        }
      }
      this.#notify();
      if (this.#isPublishDue()) await this.#publishStatus();
      // Steps begin once an interval, however long they take.
      const left = Math.max(0, this.#interval - elapsedSince(begun, this.#area.clock));
      await this.#pause(this.#outage.pause ?? left, signal);
    }
    this.#waiters.reject(
      new SecureStoreError('ABORTED', `the continuous backup to ${this.#connection.url} has ended`, {
        advice: [{ id: 'follow-destination', destination: this.#connection.url }],
      }),
    );
  }

  #notify(): void {
    try {
      this.#options.onStatus?.(this.status);
    } catch {
      // An error of the listener must not end the backup.
    }
  }

  /** Whether its position is to be published, or that it fails or has resumed. */
  #isPublishDue(): boolean {
    const { clock } = this.#area;
    const isNews = this.#outage.takeNews();
    return (
      isNews || this.#publishedAt === undefined || elapsedSince(this.#publishedAt, clock) >= beatOf(this.#interval)
    );
  }

  async #publishStatus(): Promise<void> {
    const { id } = this.#connection;
    if (id === undefined) return;
    this.#publishedAt = instant(this.#area.clock);
    this.#published = await publishReplicationStatus(this.#area, id, this.replicationStatus);
  }

  /** If another process has taken it over, that one publishes its own state. */
  async #publishEnd(isOver: boolean): Promise<void> {
    const { id } = this.#connection;
    if (id !== undefined)
      await publishReplicationStatus(this.#area, id, { ...this.replicationStatus, isOver }, this.#published);
  }

  async #pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (this.#waiters.any && this.#outage.error === undefined) return;
    await this.#waiters.untilAny((ended) => this.#area.clock.sleep(milliseconds, ended), signal);
  }

  async #step(signal: AbortSignal): Promise<void> {
    const position = this.#position ?? (await this.begin(signal));
    const { clock } = this.#area;
    const isLong =
      position.newest.number - position.newest.base >= POINTS_PER_SNAPSHOT ||
      position.changes.size >= CHANGES_PER_SNAPSHOT ||
      clock.now() - position.snapshotMade >= SNAPSHOT_EVERY;
    const wanted = this.#waiters.takeSnapshot();
    if (wanted !== undefined) {
      try {
        this.#position = await this.#snapshot(signal, wanted.label, wanted.resolve);
      } catch (error) {
        wanted.reject(error);
        throw error;
      }
      return;
    }
    const ship = async (): Promise<boolean> => {
      await this.#ship(position, signal);
      // After that a snapshot loses no recovery point in between.
      return isLong;
    };
    // A snapshot reads the whole store if the index of the newest one is damaged; if something else is, it fails as well.
    const isDue = position.reader.passDue || (await withFallback(hasCode('INTEGRITY'), true, ship));
    if (isDue) this.#position = await this.#snapshot(signal);
  }

  async #snapshot(signal: AbortSignal, label?: string, onDone?: (report: SnapshotReport) => void): Promise<Position> {
    const steady = this.#reached && steadyUntil(this.#reached.time, this.#interval);
    const target = await this.#connection.connect(signal);
    const report = await makeSnapshot(this.#area, target, { signal, label, steadyUntil: steady });
    onDone?.(report);
    for (const alarm of report.findings) this.#alarms.add(alarm);
    this.#noteFailures(report.failed);
    this.#count(1, report.copied);
    return this.begin(signal);
  }

  #count(points: number, copied: { readonly versions: number; readonly bytes: number }): void {
    this.#points += points;
    this.#versions += copied.versions;
    this.#bytes += copied.bytes;
  }

  #noteFailures(failed: readonly FailedCopy[]): void {
    for (const { message } of failed) this.#alarms.add(message);
    this.#failed ??= failed[0];
  }

  /** Reads the newest point of the destination, and makes a snapshot if changes can't follow that point. */
  async begin(signal: AbortSignal): Promise<Position> {
    const position = await positionAt(this.#area, await this.#connection.connect(signal), this.#onAlarm, signal);
    if (position === undefined) return this.#snapshot(signal);
    const { destination, newest } = position;
    this.#connection.pin(destination.id);
    const known = this.#reached ?? (await replicationStatusAt(this.#area, destination.id, signal))?.reached;
    const isSame = known !== undefined && matchesTip(known.point, newest);
    this.#advance(isSame ? Math.max(known.time, newest.time) : newest.time, position);
    this.#newestMade = newest.made;
    return position;
  }

  #advance(time: number, position: Position): void {
    this.#reached = { point: tipOf(position.newest), time };
    this.#position = position;
  }

  async #ship(position: Position, signal: AbortSignal): Promise<void> {
    const { clock } = this.#area;
    const isAlive = Math.abs(clock.now() - this.#newestMade) < HEARTBEAT;
    const since = this.#reached?.time ?? position.newest.time;
    const how = { onAlarm: this.#onAlarm, isAlive, since, interval: this.#interval, signal };
    const shipped = await shipChanges(this.#area, position, how);
    // The journal is not complete any more, and a caller may wait for a change that it lacks.
    if (shipped === undefined) {
      this.#position = await this.#snapshot(signal);
      return;
    }
    const { time, failed, points, copied } = shipped;
    this.#noteFailures(failed);
    // Nothing has changed after the newest point, so it shows the store at this time, too.
    this.#advance(time, shipped.position);
    if (points === 0) return;
    this.#newestMade = clock.now();
    this.#count(points, copied);
  }
}

function notCopied({ name, message }: FailedCopy): SecureStoreError {
  return new SecureStoreError('INTEGRITY', `${name} could not be backed up: ${message}`, {
    advice: [{ id: 'verify-store' }],
  });
}
