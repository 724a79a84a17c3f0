import type { IndexEntry, IndexPage, PointTotals } from '@securestore/core-format';
import type { KnownObject } from '@securestore/objects/internal';
import type { CopyPorts } from '../repository/upload.ts';
import { Copier } from '../repository/upload.ts';
import type { IndexPages } from '../repository/index-pages.ts';
import { IndexWriter } from '../repository/index-pages.ts';
import { IndexSet } from '../repository/index-set.ts';
import type { FoundIndex } from '../trust/point-index.ts';

const DAY = 24 * 60 * 60 * 1000;
/** Changes that are kept in memory: objects, and envelopes. Then they go into pages and packs. */
const MAX_CHANGED = 20_000;
/** So much is copied before what was done is remembered. */
const SPILL_BYTES: number = 512 * 1024 * 1024;
/** Of nothing. */
export const NO_TOTALS: PointTotals = { objects: 0, deleted: 0, versions: 0, bytes: 0 };

/** What an index is made of beside what it follows. */
interface SnapshotIndexPorts extends CopyPorts {
  readonly pages: IndexPages;
  /** The time of the point before; `undefined` if there is none. */
  readonly before: number | undefined;
  /** What lies at the destination of a store that this one was made of: it may be newer than what this one has. */
  readonly others: IndexSet | undefined;
}

/** The index of a snapshot that is being made: what is known from before, and what is copied now. */
export class SnapshotIndex {
  readonly #ports: SnapshotIndexPorts;
  /** Objects that are known and of which the store has forgotten everything. */
  readonly #gone = new Set<string>();
  /** Of the key versions that what was written is under. */
  readonly #keyIds = new Set<string>();
  #base: IndexSet;
  #totals: PointTotals;
  #copier: Copier;
  #copied = { versions: 0, bytes: 0 };
  #rekeyed = 0;

  /** @param found what it follows, `undefined` for nothing */
  constructor(ports: SnapshotIndexPorts, found: FoundIndex | undefined) {
    this.#ports = ports;
    this.#base = found?.index ?? this.#indexOf([]);
    this.#totals = found?.totals ?? NO_TOTALS;
    this.#copier = this.#newCopier();
  }

  /** What copies into it. */
  get copier(): Copier {
    return this.#copier;
  }

  get pages(): readonly IndexPage[] {
    return this.#base.pages;
  }

  get totals(): PointTotals {
    return this.#totals;
  }

  /** What was copied for it, as far as it is in pages. */
  get copied(): { readonly versions: number; readonly bytes: number } {
    return this.#copied;
  }

  /** Versions that were there already and are under newer keys now. */
  get rekeyed(): number {
    return this.#rekeyed;
  }

  /** Whether so much was copied that it is to be brought into pages and remembered. */
  get isLarge(): boolean {
    return this.#copier.pending.size >= MAX_CHANGED || this.#copier.bytes > SPILL_BYTES;
  }

  /** Goes on from what an earlier run has brought into pages. */
  resumeFrom(pages: readonly IndexPage[], totals: PointTotals, copied: SnapshotIndex['copied']): void {
    this.#base = this.#indexOf(pages);
    this.#totals = totals;
    this.#copied = { ...copied };
    this.#copier = this.#newCopier();
  }

  /** All objects that it has from before. */
  async *known(): AsyncGenerator<KnownObject> {
    for await (const { token, entries } of this.#base.objects('', this.#ports.signal)) {
      const [current] = entries;
      if (current === undefined) continue;
      yield { token, commitId: current.commitId, version: current.version, deleted: current.kind !== 'object' };
    }
  }

  /** Leaves out an object of which the store has forgotten everything. */
  forget(token: string): void {
    this.#gone.add(token);
  }

  /** The ids of the key versions that what was written since the last call is under. */
  takeKeyIds(): readonly string[] {
    const ids = [...this.#keyIds];
    this.#keyIds.clear();
    return ids;
  }

  #newCopier(): Copier {
    return new Copier(this.#ports, this.#base, this.#ports.others);
  }

  #indexOf(pages: readonly IndexPage[]): IndexSet {
    const { area } = this.#ports;
    const { history, versionFloor: floor } = area.head;
    return new IndexSet(this.#ports.pages, pages, new Map(), { history, now: area.clock.now(), floor });
  }

  /** Brings what was added into pages, so that memory is bounded and an interruption loses little. */
  async spill(time: number, isLast = false): Promise<void> {
    const { area, destination, epoch, signal, pages: reader } = this.#ports;
    this.#rekeyed += await this.#copier.pending.finish(area.keyOrder, signal);
    const { history, versionFloor: floor } = area.head;
    const changes = new Map<string, readonly IndexEntry[]>(this.#base.changes);
    for (const token of this.#gone) changes.delete(token);
    for (const [token, entries] of this.#copier.pending.entries) {
      changes.set(token, [...(changes.get(token) ?? []), ...entries]);
    }
    const rule = { history, now: time, floor };
    if (isLast && this.isFirstOfDay(time)) {
      const before = new IndexSet(reader, this.#base.pages, this.#base.changes, rule);
      for (const token of await before.outdated(MAX_CHANGED, signal)) changes.set(token, changes.get(token) ?? []);
    }
    const set = new IndexSet(reader, this.#base.pages, changes, rule, this.#gone);
    const writer = new IndexWriter(destination, area.seals, epoch, signal);
    const difference = await set.write(writer, signal);
    const pages = await writer.finish();
    this.#totals = sum(this.#totals, difference);
    const { versions, bytes, failed, pending } = this.#copier;
    this.#copied = { versions: this.#copied.versions + versions, bytes: this.#copied.bytes + bytes };
    for (const id of pending.keyIds) this.#keyIds.add(id);
    this.#base = this.#indexOf(pages);
    this.#gone.clear();
    this.#copier = this.#newCopier();
    this.#copier.failed.push(...failed);
  }

  /** What the store forgets as time passes nobody announces: once a day all that is known is looked at for it. */
  isFirstOfDay(time: number): boolean {
    const { before } = this.#ports;
    return before !== undefined && Math.floor(before / DAY) !== Math.floor(time / DAY);
  }
}

function sum(one: PointTotals, other: PointTotals): PointTotals {
  return {
    objects: one.objects + other.objects,
    deleted: one.deleted + other.deleted,
    versions: one.versions + other.versions,
    bytes: one.bytes + other.bytes,
  };
}
