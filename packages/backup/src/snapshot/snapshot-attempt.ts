import type { Point } from '@securestore/core-format';
import { AREAS, asBuffer, decodePoint, encodePoint, isDamage, SecureStoreError } from '@securestore/core-format';
import type { JournalFinding, BackupArea, Change, Consumer, KnownObject } from '@securestore/objects/internal';
import { copyAuditLog } from '../repository/upload.ts';
import type { Destination } from '../repository/destination.ts';
import { publishHead } from '../repository/destination.ts';
import { withFallback } from '../repository/errors.ts';
import { FailedCopies, RunStateFiles } from '../repository/run-state-files.ts';
import type { IndexPages } from '../repository/index-pages.ts';
import type { FoundPoint } from '../repository/snapshots.ts';
import { Points, snapshotPoint } from '../repository/snapshots.ts';
import type { TrustedTip } from '../trust/registry.ts';
import { tipOf, trustTip } from '../trust/trusted-tip.ts';
import { ChangesInOrder } from './changes-in-order.ts';
import { isListed, missingFrom, namedIn, ObjectNotes, rememberMissing, withKey } from './missing-objects.ts';
import { SnapshotIndex } from './snapshot-index.ts';
import type { SnapshotOptions, SnapshotReport } from './snapshot-types.ts';
import type { NextPoint } from '../trust/chain-tip.ts';
import type { FoundIndex } from '../trust/point-index.ts';

const MAX_PASSES = 3;
const MAX_ROUNDS = 3;

/** How the store is read, and the alarms of that. */
interface Reading {
  readonly reader: Consumer;
  readonly settled: boolean;
  readonly visit: (change: Change) => Promise<void>;
  readonly alarms: JournalFinding[];
}

/** What there was before a snapshot. */
export type Before = Pick<FoundPoint, 'instance' | 'time' | 'removed' | 'others'>;

/** Which point is to be made. */
export interface PlannedPoint extends NextPoint {
  /** The newest points that the store may remember when it is made. */
  readonly expectedTips: readonly (TrustedTip | undefined)[];
}

/** What a snapshot is made with. */
interface AttemptPorts {
  readonly area: BackupArea;
  readonly destination: Destination;
  readonly options: SnapshotOptions;
  readonly pages: IndexPages;
}

/** One attempt to make a snapshot, which another run may overtake. */
export class SnapshotAttempt {
  readonly #ports: AttemptPorts;
  readonly #planned: PlannedPoint;
  readonly #signal: AbortSignal | undefined;
  readonly #newest: Before | undefined;
  readonly #isOwn: boolean;
  readonly #failed: FailedCopies;
  readonly #run: RunStateFiles;
  readonly #index: SnapshotIndex;
  /** Objects that the snapshot before has, and the store has forgotten. */
  readonly #forgotten = new ObjectNotes();
  /** Whether the whole store was read. */
  #isWholeRead = false;

  constructor(ports: AttemptPorts, planned: PlannedPoint, newest: Before | undefined, found: FoundIndex) {
    const { area, destination, options, pages } = ports;
    const { signal, onCopied = () => undefined } = options;
    this.#ports = ports;
    this.#planned = planned;
    this.#signal = signal;
    this.#newest = newest;
    this.#failed = new FailedCopies(destination, area.seals);
    this.#run = new RunStateFiles(destination, area.seals, 'run');
    this.#isOwn = newest === undefined || asBuffer(newest.instance).equals(area.head.instance);
    const copying = { area, destination, epoch: planned.number, signal, onCopied, pages, before: newest?.time };
    const others = this.#isOwn ? undefined : found.index;
    this.#index = new SnapshotIndex({ ...copying, others }, this.#isOwn ? found : undefined);
  }

  /** Resumes the work of an earlier run for the same number. */
  async resume(): Promise<void> {
    const found = await this.#run.read(this.#signal);
    // It only saves work, and a former member without the right to back up may have left it.
    if (found === undefined || found.isOld) return;
    // A damaged state is ignored.
    const run = await withFallback(isDamage, undefined, async () => decodePoint(found.plaintext));
    if (run?.number !== this.#planned.number || !this.#planned.previous.equals(run.previous)) return;
    this.#index.resumeFrom(run.pages, run.totals, run.added);
  }

  async #remember(): Promise<void> {
    const { pages } = this.#index;
    const { generation } = this.#ports.area.head;
    const point = this.#pointOf({ time: 0, pages, others: [], gap: false, generation });
    await this.#run.write(encodePoint(point), this.#signal);
  }

  async run(
    reader: Consumer,
    settled: boolean,
  ): Promise<{ readonly point: FoundPoint; readonly report: SnapshotReport }> {
    const { area, destination, options, pages } = this.#ports;
    const signal = this.#signal;
    const alarms: JournalFinding[] = [];
    const visit = async (change: Change): Promise<void> => {
      await this.#index.copier.visit(change);
      if (!this.#index.isLarge) return;
      await this.#index.spill(area.clock.now());
      await this.#remember();
    };
    const failedBefore = await this.#failed.read(signal);
    for (const name of failedBefore) await this.#index.copier.retry(name);
    const read = { reader, settled, visit, alarms };
    let time = await this.#follow(read);
    options.onPhase?.('writing the index');
    await this.#index.spill(time, true);
    for (let rounds = 1; (await this.#hasOldKeys()) && rounds < MAX_ROUNDS; rounds++) {
      time = await this.#follow(read);
      await this.#index.spill(time, true);
    }
    const before = this.#isOwn ? (this.#newest?.others ?? []) : [];
    // First the head, which has the length of the audit log, then the log: so that the log is not shorter than that.
    const { generation } = await publishHead(area, destination, signal);
    const others = await copyAuditLog({ area, destination, epoch: this.#planned.number, signal }, pages, before);
    await this.#refuseEmpty();
    const missing = await this.#findMissing(time);
    const gap = this.#newest !== undefined && !this.#isSteady(time);
    // The object "keys" is written before the point that needs it, so that it is never older than its points.
    await area.confirm(signal);
    const facts = this.#pointOf({ time, pages: this.#index.pages, others, gap, generation });
    const point = await new Points(destination, area.seals).publish(facts, signal);
    await trustTip(area, destination, tipOf(point), this.#planned.expectedTips, signal);
    const damaged = alarms.filter(({ type }) => type === 'damaged-record');
    const failed = [...this.#index.copier.failed, ...damaged].map(({ name }) => name);
    await this.#failed.replace(failedBefore, failed, signal);
    await reader.commit();
    await this.#run.clear(signal).catch(() => undefined);
    if (missing !== undefined) await this.#rememberMissing(missing, reader.mark);
    return { point, report: this.#reportOf(point, alarms, missing ?? new ObjectNotes()) };
  }

  /** Whether every time between the newest point and this one can be restored. */
  #isSteady(time: number): boolean {
    if (this.#isWholeRead || !this.#isOwn) return false;
    const { steadyUntil = -Infinity } = this.#ports.options;
    return this.#index.copied.versions === 0 || time <= steadyUntil;
  }

  /**
   * Whether something that was written has a key that has been replaced since, as far as that is known: the rotation may have read the
   * destination before that was there, and then only this run can rewrap it. The journal announces what is rewrapped in the store, so
   * that the next read finds it.
   */
  async #hasOldKeys(): Promise<boolean> {
    const { area } = this.#ports;
    await area.confirm(this.#signal);
    const isOld = (id: string): boolean => area.isMember || !area.isPrimary(Buffer.from(id, 'hex'));
    return this.#index.takeKeyIds().some(isOld);
  }

  /** Reads what has changed to the end. @returns the time of the cut */
  async #follow({ reader, settled, visit, alarms }: Reading): Promise<number> {
    const { onPhase } = this.#ports.options;
    const signal = this.#signal;
    for (let passes = 0; ; passes++) {
      if (reader.passDue) {
        if (passes === MAX_PASSES) throw unstable();
        this.#isWholeRead = true;
        onPhase?.(`${settled ? '' : 'waiting for other programs, then '}reading the whole store`);
        // Entries that were added since are part of the known index.
        if (passes > 0) await this.#index.spill(this.#ports.area.clock.now());
        const isFirst = (this.#newest === undefined || !this.#isOwn) && this.#index.pages.length === 0;
        const before = isFirst ? undefined : this.#index.known();
        const onGone = ({ token }: KnownObject): void => {
          this.#forgotten.add(token);
          this.#index.forget(token);
        };
        const announced = new ChangesInOrder(visit);
        const visitAnnounced = (change: Change): Promise<void> => announced.add(change);
        alarms.push(...(await reader.pass(visit, { known: before, onGone, visitAnnounced, settled, signal })));
        await announced.finish();
      }
      onPhase?.('reading changes');
      const changes = new ChangesInOrder(visit);
      const cut = await reader.cut((change) => changes.add(change), signal);
      await changes.finish();
      alarms.push(...cut.alarms);
      if (!reader.passDue) return cut.time;
    }
  }

  /** Objects that the index has and the store has lost; `undefined` if this run does not look for them. */
  async #findMissing(time: number): Promise<ObjectNotes | undefined> {
    const { objects, deleted } = this.#index.totals;
    const isFollowing = this.#isOwn && this.#newest !== undefined;
    if (!isFollowing || !isListed(objects + deleted, this.#index.isFirstOfDay(time))) return undefined;
    this.#ports.options.onPhase?.('looking for missing objects');
    return missingFrom(this.#ports.area, this.#index.known(), this.#signal);
  }

  #rememberMissing({ count, tokens }: ObjectNotes, mark: string): Promise<void> {
    const { area, destination } = this.#ports;
    return rememberMissing(area, destination, { count, tokens, mark }, this.#signal);
  }

  /** A silent success without any object would be noticed on the day of the disaster. */
  async #refuseEmpty(): Promise<void> {
    const { objects, deleted } = this.#index.totals;
    if (objects + deleted > 0) return;
    const { entries } = await this.#ports.area.list(AREAS.objects, { limit: 1, signal: this.#signal });
    if (entries.length === 0) return;
    const [first] = this.#index.copier.failed;
    const why = first === undefined ? '' : `: ${first.message}`;
    throw new SecureStoreError('INTEGRITY', `no object of the store could be backed up${why}`, {
      advice: [{ id: 'verify-store' }],
    });
  }

  #pointOf(facts: Pick<Point, 'time' | 'pages' | 'others' | 'gap' | 'generation'>): Point {
    const { number, previous } = this.#planned;
    return snapshotPoint(this.#ports.area, {
      ...facts,
      number,
      previous,
      label: this.#ports.options.label ?? '',
      removed: this.#newest?.removed ?? [],
      totals: this.#index.totals,
      added: this.#index.copied,
    });
  }

  #reportOf(point: FoundPoint, alarms: readonly JournalFinding[], missing: ObjectNotes): SnapshotReport {
    const { area } = this.#ports;
    const { count } = missing;
    const [are, were] = count === 1 ? ['object is', 'it was'] : ['objects are', 'they were'];
    const lost = `${count} ${are} missing from the store, though ${were} neither deleted nor purged`;
    return {
      destination: this.#ports.destination.url,
      number: point.number,
      time: new Date(point.time),
      ...point.totals,
      copied: point.added,
      rewrapped: this.#index.rekeyed,
      findings: [...(count === 0 ? [] : [lost]), ...new Set(alarms.map(({ message }) => message))],
      destinationFindings: [],
      missing: namedIn(area, missing),
      forgotten: namedIn(area, this.#forgotten),
      failed: this.#index.copier.failed.map((one) => withKey(area, one)),
    };
  }
}

function unstable(): SecureStoreError {
  return new SecureStoreError(
    'UNAVAILABLE',
    `the journal of the store was damaged or cut ${MAX_PASSES} times while it was read`,
    { advice: [{ id: 'try-again' }, { id: 'verify-store' }] },
  );
}
