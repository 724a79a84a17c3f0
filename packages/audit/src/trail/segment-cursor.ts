import { auditName, encodeBase32, isDamage, parseAuditName } from '@securestore/core-format';
import type { KnownSegment } from '../store/known-segments.ts';
import { firstFrom } from '../store/last-part.ts';
import type { AuditArea } from '../store/place.ts';
import { MAX_CLOCK_DIFFERENCE } from '../store/place.ts';
import { END_ACTION } from '../entry/own-actions.ts';
import type { EntryPosition, SegmentEntry, TailOptions } from './tail-types.ts';
import { compareEntries, entriesOfPart, placeOf } from './tail-types.ts';

/** So many numbers are listed at first to find the part before one; more where that has more entries. */
const FIRST_RANGE = 256;
/** Names that no store makes are passed over in so many pages at least of one range. */
const MAX_PAGES = 100;

/** No entry of a segment is newer, of those that are wanted. */
export function boundOf({ latest, modified }: KnownSegment, { before }: Pick<TailOptions, 'before'>): number {
  return Math.min(latest ?? modified + MAX_CLOCK_DIFFERENCE, before?.time ?? Infinity);
}

/** Goes backwards through a segment, a part at a time. Within one, entries are in the order of their numbers. */
export class SegmentCursor {
  /** No entry that is still to come is newer. */
  bound: number;
  readonly #place: AuditArea;
  readonly #segment: KnownSegment;
  readonly #last: number;
  readonly #options: TailOptions;
  /** The numbers of parts that are to be read, in rising order. */
  #parts: number[];
  /** What lies before this number is not listed yet. */
  #listedFrom: number;
  #isPositioned: boolean;

  constructor(place: AuditArea, segment: KnownSegment, options: TailOptions) {
    this.#place = place;
    this.#segment = segment;
    this.#last = segment.last;
    this.#options = options;
    this.#parts = [segment.last];
    this.#listedFrom = segment.last;
    this.#isPositioned = options.before === undefined;
    this.bound = boundOf(segment, options);
  }

  /** The entries of the part before; `undefined` if there are no more. */
  async step(): Promise<SegmentEntry[] | undefined> {
    const { before } = this.#options;
    if (!this.#isPositioned && before !== undefined) await this.#position(before);
    this.#isPositioned = true;
    if (this.#parts.length === 0) await this.#list();
    const sequence = this.#parts.pop();
    if (sequence === undefined) return undefined;
    const entries = await this.#read(sequence, this.#options);
    const [first] = entries;
    if (first !== undefined) this.bound = Math.min(this.bound, first.entry.time);
    return before === undefined ? entries : entries.filter((one) => compareEntries(placeOf(one), before) < 0);
  }

  async #read(sequence: number, options: Pick<TailOptions, 'signal' | 'onDamaged'>): Promise<SegmentEntry[]> {
    const segment = this.#segment;
    const entries = await entriesOfPart(this.#place, auditName(segment.prefix, sequence), options);
    const end = entries.at(-1)?.entry;
    // Somebody may have found more meanwhile.
    if (end !== undefined && sequence === segment.last) {
      segment.latest = entries.reduce((latest, { entry }) => Math.max(latest, entry.time), -Infinity);
      segment.hasEnded = end.action === END_ACTION;
    }
    return entries;
  }

  /** Lists parts before those that were listed: each has an entry at least, so there are no more of them than numbers. */
  async #list(): Promise<void> {
    const { prefix } = this.#segment;
    const { signal } = this.#options;
    for (let range = FIRST_RANGE; this.#listedFrom > 0 && this.#parts.length === 0; range *= 4) {
      const from = Math.max(this.#listedFrom - range, 0);
      let after: string | undefined = from > 0 ? auditName(prefix, from - 1) : prefix;
      const end = auditName(prefix, this.#listedFrom);
      // A page may have less than the range; the range is bounded as soon as it has any part.
      for (let junk = 0; after !== undefined && after < end && junk < MAX_PAGES;) {
        const { parts, next } = await this.#place.page({ prefix, after, signal });
        if (parts.length === 0) junk++;
        for (const { name } of parts) if (name < end) this.#parts.push(parseAuditName(name)?.sequence ?? 0);
        after = next;
      }
      this.#listedFrom = from;
    }
  }

  /** Goes to the last part that has entries before that one: found by halves, since a segment may have a million parts. */
  async #position(before: EntryPosition): Promise<void> {
    const { prefix } = this.#segment;
    const { signal } = this.#options;
    if (encodeBase32(parseAuditName(auditName(prefix, 0))?.segment ?? Buffer.of()) === before.segment) {
      this.#startBefore(before.sequence);
      return;
    }
    if (await this.#beginsBefore(this.#last, before)) return;
    let [low, high] = [-1, this.#last];
    while (high - low > 1) {
      const middle = low + Math.ceil((high - low) / 2);
      const found = await firstFrom(this.#place, prefix, middle, signal);
      if (found === undefined || found.sequence >= high) high = middle;
      else if (await this.#beginsBefore(found.sequence, before, found.modified)) low = found.sequence;
      else high = middle;
    }
    this.#startBefore(high);
  }

  #startBefore(sequence: number): void {
    if (sequence > this.#last) return;
    this.#parts = [];
    this.#listedFrom = sequence;
  }

  async #beginsBefore(sequence: number, before: EntryPosition, modified = Infinity): Promise<boolean> {
    try {
      const { signal } = this.#options;
      const [first] = await this.#read(sequence, { signal });
      return first === undefined ? modified < before.time : compareEntries(placeOf(first), before) < 0;
    } catch (error) {
      // It is told when it is read; until then its time has to do.
      if (!isDamage(error)) throw error;
      return modified < before.time;
    }
  }
}
