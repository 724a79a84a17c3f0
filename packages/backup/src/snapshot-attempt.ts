import type { IndexEntry, IndexPage, Point, PointTotals } from '@securestore/core-format';
import { AREAS, asBuffer, decodePoint, encodePoint, isDamage, SecureStoreError } from '@securestore/core-format';
import type { Alarm, BackupArea, BackupSeals, Consumer, KnownObject } from '@securestore/objects';
import { Copier } from './copier.ts';
import { copyOthers } from './copy-others.ts';
import type { Destination } from './destination.ts';
import { bringHead } from './destination.ts';
import { FailedCopies } from './failed-copies.ts';
import { IndexPages, IndexWriter } from './index-pages.ts';
import { IndexSet } from './index-set.ts';
import { snapshotPoint } from './next-point.ts';
import type { FoundPoint } from './points.ts';
import { Points } from './points.ts';
import { remember } from './remembered.ts';
import type { SnapshotOptions, SnapshotReport } from './snapshot-types.ts';
import type { FoundIndex } from './timeline.ts';
import { WorkFiles } from './work-files.ts';

/** Changed objects that are kept in memory; then they go into pages. */
const MAX_CHANGED = 20_000;
/** So much is copied before what was done is remembered. */
const REMEMBER_BYTES: number = 512 * 1024 * 1024;
const MAX_PASSES = 3;
const MAX_ROUNDS = 3;
const DAY = 24 * 60 * 60 * 1000;
/** Of nothing. */
export const NO_TOTALS: PointTotals = { objects: 0, deleted: 0, versions: 0, bytes: 0 };

async function* known(index: IndexSet, signal: AbortSignal | undefined): AsyncGenerator<KnownObject> {
  for await (const { token, entries } of index.objects('', signal)) {
    const [current] = entries;
    if (current === undefined) continue;
    yield { token, commitId: current.commitId, version: current.version, deleted: current.kind !== 'object' };
  }
}

/** What reads the store, and what becomes of it. */
interface Reading {
  readonly reader: Consumer;
  readonly settled: boolean;
  readonly visit: (change: Parameters<Copier['visit']>[0]) => Promise<void>;
  readonly alarms: Alarm[];
}

/** What a snapshot follows. */
export type Before = Pick<FoundPoint, 'number' | 'digest' | 'instance' | 'time' | 'removed' | 'others'>;

/** One attempt to make a snapshot: others may come first. */
export class Attempt {
  readonly #area: BackupArea;
  readonly #destination: Destination;
  readonly #options: SnapshotOptions;
  readonly #seals: BackupSeals;
  readonly #pages: IndexPages;
  readonly #newest: Before | undefined;
  /** What lies at the destination of a store that this one was made of: it may be newer than what this one has. */
  readonly #others: IndexSet | undefined;
  readonly #failed: FailedCopies;
  readonly #run: WorkFiles;
  readonly #epoch: number;
  /** Objects that are known and of which the store has forgotten everything. */
  readonly #gone = new Set<string>();
  #base: IndexSet;
  #totals: PointTotals;
  #copier: Copier;
  #copiedBefore = { versions: 0, bytes: 0 };
  #rekeyed = 0;
  /** Whether the whole store was read. */
  #passed = false;
  /** Of the key versions that what was written is under. */
  readonly #keyIds = new Set<string>();

  constructor(
    area: BackupArea,
    destination: Destination,
    options: SnapshotOptions,
    newest: Before | undefined,
    { index, totals }: FoundIndex,
    pages: IndexPages,
  ) {
    this.#area = area;
    this.#destination = destination;
    this.#options = options;
    this.#seals = area.seals;
    this.#pages = pages;
    this.#newest = newest;
    this.#epoch = (newest?.number ?? 0) + 1;
    this.#failed = new FailedCopies(destination, this.#seals);
    this.#run = new WorkFiles(destination, this.#seals, 'run');
    const isOwn = newest === undefined || asBuffer(newest.instance).equals(area.head.instance);
    this.#base = isOwn ? index : this.#indexOf([]);
    this.#others = isOwn ? undefined : index;
    this.#totals = isOwn ? totals : NO_TOTALS;
    this.#copier = this.#newCopier();
  }

  #newCopier(): Copier {
    const { signal, onCopied = () => undefined } = this.#options;
    const place = { area: this.#area, destination: this.#destination, epoch: this.#epoch };
    return new Copier({ ...place, signal, onCopied }, this.#base, this.#others);
  }

  /** Goes on with what an earlier run has done for the same number. */
  async recall(): Promise<void> {
    const found = await this.#run.read(this.#options.signal);
    // It saves work alone, and who has lost the right to back up may have left it.
    if (found === undefined || found.isOld) return;
    try {
      const run = decodePoint(found.plaintext);
      const previous = this.#newest?.digest ?? Buffer.alloc(32);
      if (run.number !== this.#epoch || !previous.equals(run.previous)) return;
      this.#base = this.#indexOf(run.pages);
      this.#totals = run.totals;
      this.#copiedBefore = run.added;
      this.#copier = this.#newCopier();
    } catch (error) {
      // What can't be read is of no use.
      if (!isDamage(error)) throw error;
    }
  }

  #indexOf(pages: readonly IndexPage[]): IndexSet {
    const { history, versionFloor: floor } = this.#area.head;
    return new IndexSet(this.#pages, pages, new Map(), { history, now: this.#area.clock.now(), floor });
  }

  async #remember(): Promise<void> {
    const { pages } = this.#base;
    const { generation } = this.#area.head;
    await this.#run.write(
      encodePoint(this.#pointOf({ time: 0, pages, others: [], gap: false, generation })),
      this.#options.signal,
    );
  }

  /** Brings what was added into pages, so that memory is bounded and an interruption loses little. */
  async #spill(time: number, isLast = false): Promise<void> {
    const { signal } = this.#options;
    await this.#copier.flush();
    this.#rekeyed += await this.#copier.added.finish(this.#area.keyOrder, signal);
    const { history, versionFloor: floor } = this.#area.head;
    const changes = new Map<string, readonly IndexEntry[]>(this.#base.changes);
    for (const token of this.#gone) changes.delete(token);
    for (const [token, entries] of this.#copier.added.entries) {
      changes.set(token, [...(changes.get(token) ?? []), ...entries]);
    }
    const rule = { history, now: time, floor };
    if (isLast && this.#isFirstOfDay(time)) {
      const before = new IndexSet(this.#pages, this.#base.pages, this.#base.changes, rule);
      for (const token of await before.outdated(MAX_CHANGED, signal)) changes.set(token, changes.get(token) ?? []);
    }
    const set = new IndexSet(this.#pages, this.#base.pages, changes, rule, this.#gone);
    const writer = new IndexWriter(this.#destination, this.#seals, this.#epoch, signal);
    const difference = await set.write(writer, signal);
    const pages = await writer.finish();
    this.#totals = this.#plus(difference);
    const { versions, bytes } = this.#copiedBefore;
    this.#copiedBefore = { versions: versions + this.#copier.versions, bytes: bytes + this.#copier.bytes };
    const { failed, added } = this.#copier;
    for (const id of added.keyIds) this.#keyIds.add(id);
    this.#base = this.#indexOf(pages);
    this.#gone.clear();
    this.#copier = this.#newCopier();
    this.#copier.failed.push(...failed);
  }

  /** What the store forgets as time passes nobody announces: once a day all that is known is looked at for it. */
  #isFirstOfDay(time: number): boolean {
    return this.#newest !== undefined && Math.floor(this.#newest.time / DAY) !== Math.floor(time / DAY);
  }

  /** Tries again what could not be copied before. */
  async #retry(names: readonly string[]): Promise<void> {
    for (const name of names) {
      try {
        const change = await this.#area.changeAt(name, this.#options.signal);
        if (change !== undefined) await this.#copier.visit(change);
      } catch (error) {
        if (!isDamage(error)) throw error;
        this.#copier.failed.push({ name, code: error.code, message: error.message });
      }
    }
    await this.#copier.flush();
  }

  #plus(by: PointTotals): PointTotals {
    const { objects, deleted, versions, bytes } = this.#totals;
    return {
      objects: objects + by.objects,
      deleted: deleted + by.deleted,
      versions: versions + by.versions,
      bytes: bytes + by.bytes,
    };
  }

  async run(
    reader: Consumer,
    settled: boolean,
  ): Promise<{ readonly point: FoundPoint; readonly report: SnapshotReport }> {
    const { signal, onPhase } = this.#options;
    const alarms: Alarm[] = [];
    const visit = async (change: Parameters<Copier['visit']>[0]): Promise<void> => {
      await this.#copier.visit(change);
      if (this.#copier.added.entries.size < MAX_CHANGED && this.#copier.bytes <= REMEMBER_BYTES) return;
      await this.#spill(this.#area.clock.now());
      await this.#remember();
    };
    const failedBefore = await this.#failed.read(signal);
    await this.#retry(failedBefore);
    const read = { reader, settled, visit, alarms };
    let time = await this.#follow(read);
    onPhase?.('writing the index');
    await this.#spill(time, true);
    for (let rounds = 1; (await this.#isBehind()) && rounds < MAX_ROUNDS; rounds++) {
      time = await this.#follow(read);
      await this.#spill(time, true);
    }
    const place = { area: this.#area, destination: this.#destination, epoch: this.#epoch, signal };
    const before = this.#others === undefined ? (this.#newest?.others ?? []) : [];
    // First the head, which says how far the audit log goes, and then the log: so it is not shorter than that.
    const { generation } = await bringHead(this.#area, this.#destination, signal);
    const others = await copyOthers(place, this.#pages, before);
    await this.#refuseNothing();
    const gap = this.#passed && this.#newest !== undefined;
    const point = await this.#publish({ time, pages: this.#base.pages, others, gap, generation });
    await remember(this.#area, this.#destination, point, signal);
    const damaged = alarms.filter(({ type }) => type === 'damaged-record');
    await this.#failed.replace(
      failedBefore,
      [...this.#copier.failed, ...damaged].map(({ name }) => name),
      signal,
    );
    await reader.commit();
    await this.#run.clear(signal).catch(() => undefined);
    return { point, report: this.#reportOf(point, alarms) };
  }

  /**
   * Whether something of what was written lies under a key that has been replaced, as far as that is known: who replaced it may have
   * looked for such things at the destination before they were there, and then nobody but this run brings them under the new one. What
   * is brought under it in the store is announced, so that the next look at the journal finds it.
   */
  async #isBehind(): Promise<boolean> {
    await this.#area.confirm(this.#options.signal);
    const isOld = (id: string): boolean => this.#area.isMember || !this.#area.isPrimary(Buffer.from(id, 'hex'));
    const isBehind = [...this.#keyIds].some(isOld);
    this.#keyIds.clear();
    return isBehind;
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
        if (passes > 0) await this.#spill(this.#area.clock.now());
        const isFirst = (this.#newest === undefined || this.#others !== undefined) && this.#base.pages.length === 0;
        const before = isFirst ? undefined : known(this.#base, signal);
        const onGone = ({ token }: KnownObject): void => void this.#gone.add(token);
        alarms.push(...(await reader.pass(visit, { known: before, onGone, settled, signal })));
        await this.#copier.flush();
      }
      onPhase?.('reading changes');
      const cut = await reader.cut(visit, signal);
      alarms.push(...cut.alarms);
      if (!reader.passDue) return cut.time;
    }
  }

  /** Silent success over nothing would be found out on the day of the disaster. */
  async #refuseNothing(): Promise<void> {
    if (this.#totals.objects + this.#totals.deleted > 0) return;
    const { entries } = await this.#area.list(AREAS.objects, { limit: 1, signal: this.#options.signal });
    if (entries.length === 0) return;
    const [first] = this.#copier.failed;
    throw new SecureStoreError(
      'INTEGRITY',
      `nothing of the store could be backed up, though it is not empty${first === undefined ? '' : `: ${first.message}`}`,
    );
  }

  #pointOf(facts: Pick<Point, 'time' | 'pages' | 'others' | 'gap' | 'generation'>): Point {
    return snapshotPoint(this.#area, {
      ...facts,
      number: this.#epoch,
      previous: this.#newest?.digest ?? Buffer.alloc(32),
      label: this.#options.label ?? '',
      removed: this.#newest?.removed ?? [],
      totals: this.#totals,
      added: this.#copiedBefore,
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
      rekeyed: this.#rekeyed,
      alarms: [...new Set(alarms.map(({ message }) => message))],
      failed: this.#copier.failed,
    };
  }
}

function unstable(): SecureStoreError {
  return new SecureStoreError(
    'UNAVAILABLE',
    'the journal of the store was damaged or cut again and again while it was read; run verify on the store',
  );
}
