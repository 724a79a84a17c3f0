import { SecureStoreError } from '@securestore/core-format';
import { elapsedSince, instant } from '@securestore/jobs';
import type { BackupArea } from '@securestore/objects';
import type { ContinuousOptions, ContinuousStatus } from './continuous-types.ts';
import type { FailedCopy } from './copier.ts';
import type { Destination } from './destination.ts';
import { knownAs } from './remembered.ts';
import type { OnAlarm, Position } from './ship-changes.ts';
import { positionAt, shipChanges } from './ship-changes.ts';
import { makeSnapshot } from './snapshot.ts';
import type { SnapshotReport } from './snapshot-types.ts';

/** A whole index is written after so many points, or so many changed objects: what a restore has to read is bounded by it. */
const POINTS_PER_SNAPSHOT = 1000;
const CHANGES_PER_SNAPSHOT = 50_000;
const SNAPSHOT_EVERY: number = 60 * 60 * 1000;
/** A point is published at least so often, so that whoever looks at the destination sees that it is alive. */
const HEARTBEAT: number = 60 * 1000;
/** Where the clock of the backend is finer than this, cuts may follow each other as fast as the shorter interval says. */
const FINE_RESOLUTION = 10;
const SHORT_INTERVAL = 250;
const LONG_INTERVAL = 1000;
const FIRST_RETRY = 500;
const LAST_RETRY = 30_000;
/** So often others may come first until those who wait are told. */
const MAX_OVERTAKEN = 5;

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Ships changes of a store to a destination while the store is in use. Made by {@link Backups.follow}. */
export class Follower {
  readonly #area: BackupArea;
  readonly #place: Pick<Destination, 'backend' | 'location'>;
  readonly #options: ContinuousOptions;
  readonly #interval: number;
  #position: Position | undefined;
  #published: { readonly time: number; readonly at: number } | undefined;
  #points = 0;
  #versions = 0;
  #bytes = 0;
  #error: SecureStoreError | undefined;
  /** Of what the last step could not copy, the first. */
  #failed: FailedCopy | undefined;
  readonly #alarms = new Set<string>();
  readonly #onAlarm: OnAlarm = ({ message }) => void this.#alarms.add(message);
  /** Who waits for a cut that has not begun yet, and for the one under way. */
  #waiting: Waiting[] = [];
  #wanted: {
    readonly label: string;
    readonly resolve: (report: SnapshotReport) => void;
    readonly reject: (error: unknown) => void;
  }[] = [];
  #wake: (() => void) | undefined;

  constructor(area: BackupArea, place: Pick<Destination, 'backend' | 'location'>, options: ContinuousOptions) {
    this.#area = area;
    this.#place = place;
    this.#options = options;
    const isFine = area.capabilities.modifiedResolution <= FINE_RESOLUTION;
    this.#interval = options.interval ?? (isFine ? SHORT_INTERVAL : LONG_INTERVAL);
  }

  get status(): ContinuousStatus {
    const { clock, capabilities } = this.#area;
    const published = this.#published;
    return {
      ...(published && { recoverableTo: new Date(published.time), lag: Math.max(0, clock.now() - published.time) }),
      skew: capabilities.clockSkew,
      points: this.#points,
      versions: this.#versions,
      bytes: this.#bytes,
      ...(this.#error && { error: { code: this.#error.code, message: this.#error.message } }),
      alarms: [...this.#alarms],
    };
  }

  /** Why nothing can be shipped now. */
  get error(): SecureStoreError | undefined {
    return this.#error;
  }

  /** Makes a snapshot at the next step. */
  snapshot(label: string): Promise<SnapshotReport> {
    const { promise, resolve, reject } = Promise.withResolvers<SnapshotReport>();
    this.#wanted.push({ label, resolve, reject });
    this.#wake?.();
    return promise;
  }

  /** Resolves when everything that was acknowledged before the call can be restored. @throws SecureStoreError why it can't be shipped */
  shipped(): Promise<void> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ resolve, reject });
    this.#wake?.();
    return promise;
  }

  /** Looks where the destination stands, and makes the first snapshot. */
  async begin(signal: AbortSignal): Promise<void> {
    await this.#begin(signal);
  }

  /** Ships until the signal aborts. @throws SecureStoreError what no repetition helps against, such as `ACCESS_DENIED` */
  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const waiting = this.#waiting;
      this.#waiting = [];
      const begun = instant(this.#area.clock);
      try {
        this.#failed = undefined;
        await this.#step(signal);
        this.#error = undefined;
        failures = 0;
        const failed = this.#failed;
        for (const { resolve, reject } of waiting)
          if (failed === undefined) resolve();
          else reject(notCopied(failed));
      } catch (error) {
        // Whoever has published something in between keeps nothing from being shipped: it is next.
        const isOvertaken = SecureStoreError.is(error, 'CONFLICT') && failures < MAX_OVERTAKEN;
        if (isOvertaken && !signal.aborted) this.#waiting.unshift(...waiting);
        else for (const { reject } of waiting) reject(error);
        if (signal.aborted) break;
        if (!isPassing(error)) throw error;
        if (!isOvertaken) this.#error = error;
        // What another process has done meanwhile is looked at anew.
        this.#position = undefined;
        failures += 1;
      }
      this.#tell();
      // Steps begin once an interval, however long they take.
      const left = Math.max(0, this.#interval - elapsedSince(begun, this.#area.clock));
      await this.#pause(failures === 0 ? left : Math.min(FIRST_RETRY * 2 ** (failures - 1), LAST_RETRY), signal);
    }
    for (const { reject } of [...this.#waiting, ...this.#wanted])
      reject(new SecureStoreError('ABORTED', 'the continuous backup has ended'));
  }

  #tell(): void {
    try {
      this.#options.onStatus?.(this.status);
    } catch {
      // Whoever listens does not decide whether there is a backup.
    }
  }

  async #pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    if ((this.#waiting.length > 0 || this.#wanted.length > 0) && this.#error === undefined) return;
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    try {
      await this.#area.clock.sleep(milliseconds, AbortSignal.any([signal, woken.signal]));
    } catch (error) {
      if (!woken.signal.aborted && !signal.aborted) throw error;
    } finally {
      this.#wake = undefined;
    }
  }

  async #step(signal: AbortSignal): Promise<void> {
    const position = this.#position ?? (await this.#begin(signal));
    const { clock } = this.#area;
    const isLong =
      position.newest.number - position.newest.base >= POINTS_PER_SNAPSHOT ||
      position.changes.size >= CHANGES_PER_SNAPSHOT ||
      clock.now() - position.snapshotMade >= SNAPSHOT_EVERY;
    const wanted = this.#wanted.shift();
    if (wanted !== undefined) {
      try {
        this.#position = await this.#snapshot(signal, wanted.label, wanted.resolve);
      } catch (error) {
        wanted.reject(error);
        throw error;
      }
      return;
    }
    if (isLong || position.reader.passDue) {
      this.#position = await this.#snapshot(signal);
      return;
    }
    try {
      await this.#ship(position, signal);
    } catch (error) {
      // A snapshot looks at the whole store where the index of the newest is damaged; where it is something else, it fails as well.
      if (!SecureStoreError.is(error, 'INTEGRITY')) throw error;
      this.#position = await this.#snapshot(signal);
    }
  }

  async #snapshot(signal: AbortSignal, label?: string, onDone?: (report: SnapshotReport) => void): Promise<Position> {
    const report = await makeSnapshot(this.#area, this.#place, { signal, label });
    onDone?.(report);
    for (const alarm of report.alarms) this.#alarms.add(alarm);
    this.#note(report.failed);
    this.#versions += report.copied.versions;
    this.#bytes += report.copied.bytes;
    this.#points += 1;
    return this.#begin(signal);
  }

  #note(failed: readonly FailedCopy[]): void {
    for (const { message } of failed) this.#alarms.add(message);
    this.#failed ??= failed[0];
  }

  /** Looks where the destination stands, and makes a snapshot where nothing is that changes can follow. */
  async #begin(signal: AbortSignal): Promise<Position> {
    const position = await positionAt(this.#area, this.#place, this.#onAlarm, signal);
    if (position === undefined) return this.#snapshot(signal);
    this.#published = { time: position.newest.time, at: this.#area.clock.now() };
    this.#position = position;
    return position;
  }

  async #ship(position: Position, signal: AbortSignal): Promise<void> {
    const { clock } = this.#area;
    const isAlive = this.#published !== undefined && clock.now() - this.#published.at < HEARTBEAT;
    const shipped = await shipChanges(this.#area, position, { onAlarm: this.#onAlarm, isAlive, signal });
    // The journal alone does not tell everything any more, and somebody may wait for what it does not tell.
    if (shipped === undefined) {
      this.#position = await this.#snapshot(signal);
      return;
    }
    const { time, failed, point, copied } = shipped;
    this.#note(failed);
    if (point === undefined) {
      // Nothing has changed since, so the newest point is what the store was at this moment, too.
      this.#published = { time, at: this.#published?.at ?? clock.now() };
      return;
    }
    this.#published = { time, at: clock.now() };
    this.#points += 1;
    this.#versions += copied.versions;
    this.#bytes += copied.bytes;
    this.#position = { ...position, newest: point, known: knownAs(point), number: point.number + 1 };
  }
}

function notCopied({ name, message }: FailedCopy): SecureStoreError {
  return new SecureStoreError('INTEGRITY', `not everything could be backed up: ${name}: ${message}`);
}

const PASSING: ReadonlySet<string> = new Set(['CONFLICT', 'NO_SPACE', 'LOCKED']);

/** Whether trying again may help. */
function isPassing(error: unknown): error is SecureStoreError {
  return SecureStoreError.is(error) && (error.retryable || PASSING.has(error.code));
}
