import { auditName } from '@securestore/core-format';
import type { KnownSegment, KnownSegments } from '../store/known-segments.ts';
import { beginsBefore } from '../store/known-segments.ts';
import { END_ACTION } from '../entry/own-actions.ts';
import type { AuditPage, AuditArea } from '../store/place.ts';
import { MAX_CLOCK_DIFFERENCE } from '../store/place.ts';
import { AT_ONCE, sideBySide } from '../store/side-by-side.ts';
import type { SegmentEntry, TailOptions } from './tail-types.ts';
import { entriesOfPart, inTime } from './tail-types.ts';

/** How often it is looked for more, in milliseconds. */
const LOOK_EVERY = 1000;
/** Segments that were written to in this time are looked at each time: a minute, whatever the clocks. */
const RECENT: number = 60_000 + MAX_CLOCK_DIFFERENCE;
/** In so many looks all names come in their turn. */
const LOOKS_A_ROUND = 60;
/** So many pages of names that began lately, and of each segment, are read at each look; what is beyond comes in its turn. */
const FRONT_PAGES = 64;
/** So many parts are read before their entries are told. */
const TOLD_AFTER = 1000;

/** What comes to a log. */
class Following {
  readonly #place: AuditArea;
  readonly #known: KnownSegments;
  readonly #options: TailOptions;
  /** Where the round through all names is. */
  #at: string | undefined;
  #pagesOfRound = 0;

  constructor(place: AuditArea, known: KnownSegments, options: TailOptions) {
    this.#place = place;
    this.#known = known;
    this.#options = options;
  }

  /** What is new: at once what was begun or written to lately, and in turn what was silent for long. */
  async *look(): AsyncGenerator<SegmentEntry> {
    let parts: string[] = [];
    for await (const fresh of this.#newParts()) {
      for (const name of fresh) parts.push(name);
      if (parts.length < TOLD_AFTER) continue;
      yield* await this.#read(parts);
      parts = [];
    }
    yield* await this.#read(parts);
  }

  async *#newParts(): AsyncGenerator<string[]> {
    const now = this.#place.clock.now();
    const known = this.#known;
    yield* this.#pass(undefined, FRONT_PAGES, beginsBefore(now - MAX_CLOCK_DIFFERENCE));
    const recent = [...known.all].filter(({ hasEnded, modified }) => !hasEnded && modified > now - RECENT);
    const isWhole = recent.length >= known.pages;
    if (isWhole) this.#at = undefined;
    else for (let at = 0; at < recent.length; at += AT_ONCE) yield* this.#goOn(recent.slice(at, at + AT_ONCE));
    // What a backend lists at once is bounded, whatever it invents; the round goes on from there.
    const budget = isWhole ? known.pages + FRONT_PAGES : Math.ceil(known.pages / LOOKS_A_ROUND);
    if (this.#at === undefined) this.#pagesOfRound = 0;
    this.#at = yield* this.#pass(this.#at, budget, undefined, () => this.#pagesOfRound++);
    if (this.#at === undefined) known.passed(this.#pagesOfRound, false);
  }

  #fresh({ parts }: AuditPage): string[] {
    return parts.filter((part) => this.#known.note(part)).map(({ name }) => name);
  }

  /** @returns where it is to go on, if that was not all */
  async *#pass(
    from: string | undefined,
    pages: number,
    until?: string,
    onPage?: () => void,
  ): AsyncGenerator<string[], string | undefined> {
    let after = from;
    for (let left = pages; left > 0; left--) {
      const page = await this.#place.page({ after, signal: this.#options.signal });
      onPage?.();
      yield this.#fresh(page);
      after = this.#known.onward(page);
      if (after === undefined || (until !== undefined && after >= until)) break;
    }
    return after;
  }

  async *#goOn(segments: readonly KnownSegment[]): AsyncGenerator<string[]> {
    const { signal } = this.#options;
    let left = FRONT_PAGES;
    for (let open = segments; open.length > 0 && left > 0; left--) {
      const pages = await sideBySide(open, ({ prefix, last }) =>
        this.#place.page({ prefix, after: auditName(prefix, last), signal }),
      );
      for (const page of pages) yield this.#fresh(page);
      open = open.filter((_, at) => pages[at]?.next !== undefined && pages[at].parts.length > 0);
    }
  }

  async #read(names: readonly string[]): Promise<SegmentEntry[]> {
    const found = await sideBySide(names, async (name) => {
      const entries = await entriesOfPart(this.#place, name, this.#options);
      if (entries.at(-1)?.entry.action === END_ACTION) this.#known.end(name);
      return entries;
    });
    return inTime(found.flat());
  }
}

/** Yields new entries until `signal` aborts. @param known the segments to continue from; the caller gives them up */
export async function* following(
  place: AuditArea,
  known: KnownSegments,
  options: TailOptions,
): AsyncGenerator<SegmentEntry> {
  const follows = new Following(place, known, options);
  while (true) {
    try {
      await place.clock.sleep(LOOK_EVERY, options.signal);
    } catch {
      return;
    }
    yield* follows.look();
  }
}
