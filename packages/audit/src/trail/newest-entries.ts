import { BoundQueue } from './bound-queue.ts';
import type { KnownSegments } from '../store/known-segments.ts';
import { beginsBefore } from '../store/known-segments.ts';
import type { AuditArea } from '../store/place.ts';
import { MAX_CLOCK_DIFFERENCE } from '../store/place.ts';
import { boundOf, SegmentCursor } from './segment-cursor.ts';
import { AT_ONCE, sideBySide } from '../store/side-by-side.ts';
import type { SegmentEntry, TailOptions } from './tail-types.ts';
import { inTime } from './tail-types.ts';

/** What was found, the newest of it. */
class Newest {
  readonly #wanted: number;
  #found: SegmentEntry[] = [];
  #more: SegmentEntry[] = [];

  constructor(wanted: number) {
    this.#wanted = wanted;
  }

  add(entries: readonly SegmentEntry[]): void {
    for (const entry of entries) this.#more.push(entry);
    // Putting them in order each time would take long, where many are wanted.
    if (this.#more.length > this.#wanted >> 3) this.#settle();
  }

  #settle(): void {
    this.#found = inTime([...this.#found, ...this.#more]).slice(-this.#wanted);
    this.#more = [];
  }

  /** No older entry is among the newest; `undefined` as long as there are not enough. */
  get oldest(): number | undefined {
    return this.#found.length < this.#wanted ? undefined : this.#found[0]?.entry.time;
  }

  get entries(): SegmentEntry[] {
    this.#settle();
    return this.#found;
  }
}

/** @returns what may be left out, for want of room to know it */
function isCut({ missingUntil }: KnownSegments, oldest: number | undefined): boolean {
  return missingUntil !== undefined && (oldest === undefined || oldest <= missingUntil);
}

/**
 * The newest entries of the segments that are known, in the order of their times. The last parts are read first where the backend says
 * that they were written last, until nothing that is left can be newer than what was found.
 *
 * @param wanted from 1
 */
export async function newestOf(
  place: AuditArea,
  known: KnownSegments,
  wanted: number,
  options: TailOptions,
): Promise<{ readonly entries: SegmentEntry[]; readonly isCut: boolean }> {
  const { before } = options;
  const from = before === undefined ? '' : beginsBefore(before.time + MAX_CLOCK_DIFFERENCE + 1);
  // Most of them are never opened.
  const unread = [...known.all]
    .filter(({ prefix }) => prefix > from)
    .map((segment) => ({ segment, bound: boundOf(segment, options) }))
    .toSorted((a, b) => (a.bound < b.bound ? -1 : a.bound > b.bound ? 1 : 0));
  const queue = new BoundQueue<SegmentCursor>();
  const newest = new Newest(wanted);
  const next = (): SegmentCursor | undefined => {
    const { oldest = -Infinity } = newest;
    const bounds = [unread.at(-1)?.bound ?? -Infinity, queue.first?.bound ?? -Infinity] as const;
    if (Math.max(...bounds) < oldest) return undefined;
    if (unread.length === 0 || (queue.first !== undefined && bounds[1] >= bounds[0])) return queue.pop();
    const segment = unread.pop()?.segment;
    return segment && new SegmentCursor(place, segment, options);
  };
  for (;;) {
    const round: SegmentCursor[] = [];
    for (let cursor = next(); cursor !== undefined; cursor = next()) {
      round.push(cursor);
      if (round.length === AT_ONCE) break;
    }
    if (round.length === 0) break;
    const found = await sideBySide(round, (cursor) => cursor.step());
    for (const [at, entries] of found.entries()) {
      const cursor = round[at];
      if (entries === undefined || cursor === undefined) continue;
      newest.add(entries);
      queue.push(cursor);
    }
  }
  const { entries } = newest;
  return { entries, isCut: isCut(known, newest.oldest) };
}
