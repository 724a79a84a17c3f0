import { auditName, auditPrefix, ID_LENGTH, parseAuditName } from '@securestore/core-format';
import { lastPart } from './last-part.ts';
import type { AuditPage, AuditPart, AuditArea } from './place.ts';
import { MAX_CLOCK_DIFFERENCE } from './place.ts';
import { sideBySide } from './side-by-side.ts';

/** So many segments are kept in mind, those that were written last: some 40 MB. */
export const MAX_SEGMENTS = 200_000;
/** So many pages of names are read in one pass: some twenty million parts. */
const MAX_PAGES = 20_000;
/** In milliseconds: whatever is known, all names are read again after so long. */
const PASS_EVERY: number = MAX_CLOCK_DIFFERENCE;

/** Sorts after every name. */
const ALL = '~';

/** A segment as far as it is known. */
export interface KnownSegment {
  readonly prefix: string;
  /** The number of its last part, and when that was written. */
  last: number;
  modified: number;
  /** The time of the newest entry in its last part, if that was read. */
  latest: number | undefined;
  /** Whether its last entry says that it ended: nothing comes after it. */
  hasEnded: boolean;
}

/** All segments that began at `time` or later are called less than this. */
export function beginsBefore(time: number): string {
  const started = Math.min(Math.max(Math.floor(time), 0), Number.MAX_SAFE_INTEGER);
  return auditPrefix(started, Buffer.alloc(ID_LENGTH, 0xff));
}

/** The segments of a log, and how far each goes. Its memory is bounded, whatever the backend lists. */
export class KnownSegments {
  readonly #segments: Map<string, KnownSegment>;
  /** What was written last of what was forgotten. Whatever is as old is not known again. */
  #forgotten = -Infinity;
  /** Whether there are more names than a pass reads. */
  #isCut = false;
  /** How many calls the last whole pass took, and when it and the last look began. */
  #pages = 1;
  #passed: number | undefined;
  #looked: number | undefined;

  constructor(segments: Map<string, KnownSegment> = new Map()) {
    this.#segments = segments;
  }

  /** What is known now, for somebody who goes on from there. */
  fork(): KnownSegments {
    const fork = new KnownSegments(new Map([...this.#segments].map(([prefix, one]) => [prefix, { ...one }])));
    fork.#forgotten = this.#forgotten;
    fork.#isCut = this.#isCut;
    fork.#pages = this.#pages;
    return fork;
  }

  /** Which segments have ended, as far as no more is known of them. */
  learnEnds(from: KnownSegments): void {
    for (const { prefix, last, hasEnded } of from.all) if (hasEnded) this.end(auditName(prefix, last));
  }

  get all(): IterableIterator<KnownSegment> {
    return this.#segments.values();
  }

  get pages(): number {
    return this.#pages;
  }

  /** Entries up to this time may be missing among what is known; `undefined` where none are. */
  get missingUntil(): number | undefined {
    if (this.#isCut) return Infinity;
    return this.#forgotten === -Infinity ? undefined : this.#forgotten + MAX_CLOCK_DIFFERENCE;
  }

  /** @returns whether that was not known, and is no more than what belongs to a segment that has not ended */
  note({ name, modified: given }: AuditPart): boolean {
    const parsed = parseAuditName(name);
    if (parsed === undefined) return false;
    const modified = Number.isNaN(given) ? Infinity : given;
    const { prefix, sequence: last } = parsed;
    const known = this.#segments.get(prefix);
    if (known === undefined) {
      if (modified <= this.#forgotten) return false;
      this.#segments.set(prefix, { prefix, last, modified, latest: undefined, hasEnded: false });
      if (this.#segments.size > MAX_SEGMENTS * 1.25) this.#forget();
      return true;
    }
    if (known.hasEnded || last <= known.last) return false;
    Object.assign(known, { last, modified, latest: undefined });
    return true;
  }

  /** That part has the end of its segment: nothing that comes to that counts. */
  end(name: string): void {
    const parsed = parseAuditName(name);
    const known = parsed && this.#segments.get(parsed.prefix);
    if (known !== undefined && known.last === parsed?.sequence) known.hasEnded = true;
  }

  #forget(): void {
    const newest = [...this.#segments.values()].toSorted((a, b) => b.modified - a.modified);
    for (const { prefix, modified } of newest.slice(MAX_SEGMENTS)) {
      this.#segments.delete(prefix);
      this.#forgotten = Math.max(this.#forgotten, modified);
    }
  }

  /** After which name a pass goes on after a page: what is known of its last segment is skipped. */
  onward({ parts, next }: AuditPage): string | undefined {
    if (next === undefined) return undefined;
    const parsed = parseAuditName(parts.at(-1)?.name ?? '');
    const segment = parsed && this.#segments.get(parsed.prefix);
    if (segment === undefined) return next;
    const end = auditName(segment.prefix, segment.last);
    return end > next ? end : next;
  }

  /** A whole pass took so many calls, or was ended after them. */
  passed(pages: number, isCut: boolean): void {
    this.#pages = pages;
    this.#isCut = isCut;
  }

  /**
   * Looks for segments and parts that are new. It takes the shorter way: all names, a thousand by each call, or what was begun lately and
   * what comes after the end of each segment that has not ended.
   *
   * @throws SecureStoreError what the backend throws
   */
  async look(place: AuditArea, signal: AbortSignal | undefined): Promise<void> {
    const now = place.clock.now();
    const open = [...this.#segments.values()].filter(({ hasEnded }) => !hasEnded);
    const isOld = this.#passed === undefined || Math.abs(now - this.#passed) > PASS_EVERY;
    if (isOld || this.#looked === undefined || open.length + 1 >= this.#pages) {
      await this.#pass(place, ALL, signal);
      this.#passed = now;
    } else {
      await this.#pass(place, beginsBefore(this.#looked - MAX_CLOCK_DIFFERENCE), signal);
      await sideBySide(open, (segment) => this.#goOn(place, segment, signal));
    }
    this.#looked = now;
  }

  /** @param until the name that ends it; {@link ALL} for a whole pass */
  async #pass(place: AuditArea, until: string, signal: AbortSignal | undefined): Promise<void> {
    let after: string | undefined;
    let pages = 0;
    do {
      const page = await place.page({ after, signal });
      pages++;
      for (const part of page.parts) this.note(part);
      const prefixes = [page.parts[0], page.parts.at(-1)].map((part) => parseAuditName(part?.name ?? '')?.prefix);
      const long = prefixes[0] === prefixes[1] ? this.#segments.get(prefixes[0] ?? '') : undefined;
      if (page.next !== undefined && long !== undefined) {
        // Its names are not all read; that takes some calls, which count for few.
        await this.#toEnd(place, long, signal);
        pages++;
      }
      after = this.onward(page);
    } while (after !== undefined && pages < MAX_PAGES && after < until);
    if (until === ALL) this.passed(pages, after !== undefined);
  }

  async #goOn(place: AuditArea, segment: KnownSegment, signal: AbortSignal | undefined): Promise<void> {
    const page = await place.page({ prefix: segment.prefix, after: auditName(segment.prefix, segment.last), signal });
    for (const part of page.parts) this.note(part);
    if (page.next !== undefined) await this.#toEnd(place, segment, signal);
  }

  async #toEnd(place: AuditArea, segment: KnownSegment, signal: AbortSignal | undefined): Promise<void> {
    const { last, modified = segment.modified } = await lastPart(place, segment.prefix, segment, signal);
    this.note({ name: auditName(segment.prefix, last), modified });
  }
}
