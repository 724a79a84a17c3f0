import type { Point } from '@securestore/core-format';
import { AREAS, asBuffer, decodePoint, encodePoint, isDamage, SecureStoreError } from '@securestore/core-format';
import type { Alarm, BackupArea, BackupSeals, Consumer, KnownObject } from '@securestore/objects/internal';
import type { Copier } from '../repository/upload.ts';
import { copyOthers } from '../repository/upload-audit-log.ts';
import type { Destination } from '../repository/destination.ts';
import { bringHead } from '../repository/destination.ts';
import { FailedCopies } from '../repository/failed-copies.ts';
import type { IndexPages } from '../repository/index-pages.ts';
import { snapshotPoint } from '../repository/build-snapshot.ts';
import type { FoundPoint } from '../repository/snapshots.ts';
import { Points } from '../repository/snapshots.ts';
import type { Remembered } from '../trust/known-tip.ts';
import { knownAs, remember } from '../trust/trusted-tip.ts';
import { SnapshotIndex } from './snapshot-index.ts';
import type { SnapshotOptions, SnapshotReport } from './snapshot-types.ts';
import type { NextPoint } from '../trust/chain-tip.ts';
import type { FoundIndex } from '../trust/timeline.ts';
import { WorkFiles } from '../repository/run-state-files.ts';

const MAX_PASSES = 3;
const MAX_ROUNDS = 3;

/** What reads the store, and what becomes of it. */
interface Reading {
  readonly reader: Consumer;
  readonly settled: boolean;
  readonly visit: (change: Parameters<Copier['visit']>[0]) => Promise<void>;
  readonly alarms: Alarm[];
}

/** What there was before a snapshot. */
export type Before = Pick<FoundPoint, 'instance' | 'time' | 'removed' | 'others'>;

/** Which point is to be made. */
export interface Place extends NextPoint {
  /** What the store may know of the destination when it is made. */
  readonly known: readonly (Remembered | undefined)[];
}

/** One attempt to make a snapshot: others may come first. */
export class Attempt {
  readonly #area: BackupArea;
  readonly #destination: Destination;
  readonly #options: SnapshotOptions;
  readonly #seals: BackupSeals;
  readonly #pages: IndexPages;
  readonly #newest: Before | undefined;
  readonly #isOwn: boolean;
  readonly #failed: FailedCopies;
  readonly #run: WorkFiles;
  readonly #epoch: number;
  readonly #previous: Buffer;
  readonly #known: Place['known'];
  readonly #index: SnapshotIndex;
  /** Whether the whole store was read. */
  #passed = false;

  constructor(
    area: BackupArea,
    destination: Destination,
    options: SnapshotOptions,
    { number, previous, known }: Place,
    newest: Before | undefined,
    found: FoundIndex,
    pages: IndexPages,
  ) {
    this.#area = area;
    this.#destination = destination;
    this.#options = options;
    this.#seals = area.seals;
    this.#pages = pages;
    this.#newest = newest;
    this.#epoch = number;
    this.#previous = previous;
    this.#known = known;
    this.#failed = new FailedCopies(destination, this.#seals);
    this.#run = new WorkFiles(destination, this.#seals, 'run');
    this.#isOwn = newest === undefined || asBuffer(newest.instance).equals(area.head.instance);
    const { signal, onCopied = () => undefined } = options;
    const ports = { area, destination, epoch: this.#epoch, signal, onCopied, pages, before: newest?.time };
    const others = this.#isOwn ? undefined : found.index;
    this.#index = new SnapshotIndex({ ...ports, others }, this.#isOwn ? found : undefined);
  }

  /** Goes on with what an earlier run has done for the same number. */
  async recall(): Promise<void> {
    const found = await this.#run.read(this.#options.signal);
    // It saves work alone, and who has lost the right to back up may have left it.
    if (found === undefined || found.isOld) return;
    try {
      const run = decodePoint(found.plaintext);
      if (run.number !== this.#epoch || !this.#previous.equals(run.previous)) return;
      this.#index.goOnFrom(run.pages, run.totals, run.added);
    } catch (error) {
      // What can't be read is of no use.
      if (!isDamage(error)) throw error;
    }
  }

  async #remember(): Promise<void> {
    const { pages } = this.#index;
    const { generation } = this.#area.head;
    await this.#run.write(
      encodePoint(this.#pointOf({ time: 0, pages, others: [], gap: false, generation })),
      this.#options.signal,
    );
  }

  /** Tries again what could not be copied before. */
  async #retry(names: readonly string[]): Promise<void> {
    for (const name of names) {
      try {
        const change = await this.#area.changeAt(name, this.#options.signal);
        if (change !== undefined) await this.#index.copier.visit(change);
      } catch (error) {
        if (!isDamage(error)) throw error;
        this.#index.copier.failed.push({ name, code: error.code, message: error.message });
      }
    }
    await this.#index.copier.flush();
  }

  async run(
    reader: Consumer,
    settled: boolean,
  ): Promise<{ readonly point: FoundPoint; readonly report: SnapshotReport }> {
    const { signal, onPhase } = this.#options;
    const alarms: Alarm[] = [];
    const visit = async (change: Parameters<Copier['visit']>[0]): Promise<void> => {
      await this.#index.copier.visit(change);
      if (!this.#index.isLarge) return;
      await this.#index.spill(this.#area.clock.now());
      await this.#remember();
    };
    const failedBefore = await this.#failed.read(signal);
    await this.#retry(failedBefore);
    const read = { reader, settled, visit, alarms };
    let time = await this.#follow(read);
    onPhase?.('writing the index');
    await this.#index.spill(time, true);
    for (let rounds = 1; (await this.#isBehind()) && rounds < MAX_ROUNDS; rounds++) {
      time = await this.#follow(read);
      await this.#index.spill(time, true);
    }
    const place = { area: this.#area, destination: this.#destination, epoch: this.#epoch, signal };
    const before = this.#isOwn ? (this.#newest?.others ?? []) : [];
    // First the head, which says how far the audit log goes, and then the log: so it is not shorter than that.
    const { generation } = await bringHead(this.#area, this.#destination, signal);
    const others = await copyOthers(place, this.#pages, before);
    await this.#refuseNothing();
    const gap = this.#newest !== undefined && !this.#isSteady(time);
    const point = await this.#publish({ time, pages: this.#index.pages, others, gap, generation });
    await remember(this.#area, this.#destination, knownAs(point), this.#known, signal);
    const damaged = alarms.filter(({ type }) => type === 'damaged-record');
    await this.#failed.replace(
      failedBefore,
      [...this.#index.copier.failed, ...damaged].map(({ name }) => name),
      signal,
    );
    await reader.commit();
    await this.#run.clear(signal).catch(() => undefined);
    return { point, report: this.#reportOf(point, alarms) };
  }

  /** Whether the moments between the newest point and this one can be told. */
  #isSteady(time: number): boolean {
    if (this.#passed || !this.#isOwn) return false;
    const { steadyUntil = -Infinity } = this.#options;
    return this.#index.copied.versions === 0 || time <= steadyUntil;
  }

  /**
   * Whether something of what was written lies under a key that has been replaced, as far as that is known: who replaced it may have
   * looked for such things at the destination before they were there, and then nobody but this run brings them under the new one. What
   * is brought under it in the store is announced, so that the next look at the journal finds it.
   */
  async #isBehind(): Promise<boolean> {
    await this.#area.confirm(this.#options.signal);
    const isOld = (id: string): boolean => this.#area.isMember || !this.#area.isPrimary(Buffer.from(id, 'hex'));
    return this.#index.takeKeyIds().some(isOld);
  }

  /** Reads what has changed to the end. @returns the time of the cut */
  async #follow({ reader, settled, visit, alarms }: Reading): Promise<number> {
    const { signal, onPhase } = this.#options;
    for (let passes = 0; ; passes++) {
      if (reader.passDue) {
        if (passes === MAX_PASSES) throw unstable();
        this.#passed = true;
        onPhase?.('reading the whole store');
        // What was added since belongs to what is known.
        if (passes > 0) await this.#index.spill(this.#area.clock.now());
        const isFirst = (this.#newest === undefined || !this.#isOwn) && this.#index.pages.length === 0;
        const before = isFirst ? undefined : this.#index.known();
        const onGone = ({ token }: KnownObject): void => this.#index.leaveOut(token);
        alarms.push(...(await reader.pass(visit, { known: before, onGone, settled, signal })));
        await this.#index.copier.flush();
      }
      onPhase?.('reading changes');
      const cut = await reader.cut(visit, signal);
      alarms.push(...cut.alarms);
      if (!reader.passDue) return cut.time;
    }
  }

  /** Silent success over nothing would be found out on the day of the disaster. */
  async #refuseNothing(): Promise<void> {
    const { objects, deleted } = this.#index.totals;
    if (objects + deleted > 0) return;
    const { entries } = await this.#area.list(AREAS.objects, { limit: 1, signal: this.#options.signal });
    if (entries.length === 0) return;
    const [first] = this.#index.copier.failed;
    throw new SecureStoreError(
      'INTEGRITY',
      `nothing of the store could be backed up, though it is not empty${first === undefined ? '' : `: ${first.message}`}`,
    );
  }

  #pointOf(facts: Pick<Point, 'time' | 'pages' | 'others' | 'gap' | 'generation'>): Point {
    return snapshotPoint(this.#area, {
      ...facts,
      number: this.#epoch,
      previous: this.#previous,
      label: this.#options.label ?? '',
      removed: this.#newest?.removed ?? [],
      totals: this.#index.totals,
      added: this.#index.copied,
    });
  }

  /** What the point needs to be opened is there before the point is: "keys" is never older than what points say. */
  async #publish(facts: Pick<Point, 'time' | 'pages' | 'others' | 'gap' | 'generation'>): Promise<FoundPoint> {
    const { signal } = this.#options;
    await this.#area.confirm(signal);
    return new Points(this.#destination, this.#seals).publish(this.#pointOf(facts), signal);
  }

  #reportOf(point: FoundPoint, alarms: readonly Alarm[]): SnapshotReport {
    return {
      destination: this.#destination.location,
      number: point.number,
      time: new Date(point.time),
      ...point.totals,
      copied: point.added,
      rekeyed: this.#index.rekeyed,
      alarms: [...new Set(alarms.map(({ message }) => message))],
      failed: this.#index.copier.failed,
    };
  }
}

function unstable(): SecureStoreError {
  return new SecureStoreError(
    'UNAVAILABLE',
    'the journal of the store was damaged or cut again and again while it was read; run verify on the store',
  );
}
