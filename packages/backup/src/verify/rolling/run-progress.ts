import type { Clock, Instant } from '@securestore/jobs';
import { elapsedSince, instant } from '@securestore/jobs';
import type { ScrubProgress, Cursor } from './scrub-progress.ts';
import { MAX_FAILED, rangeOf, unitOf, withRun } from './scrub-progress.ts';
import type { ScrubState } from './scrub-state.ts';

export interface ProgressOptions {
  readonly memory: ScrubState;
  readonly clock: Clock;
  /** When the run began, in milliseconds since 1970. */
  readonly began: number;
  /** After how many bytes, and how many milliseconds, what was done is remembered. */
  readonly rememberBytes: number;
  readonly rememberAfter: number;
}

/** What a run has checked, remembered as it goes on: one that is killed is gone on with from there. */
export class RunProgress {
  readonly #options: ProgressOptions;
  readonly #before: ScrubProgress;
  readonly #times = new Map<number, number>();
  /** What is wrong, and since when. */
  readonly #failed: Map<string, number>;
  /** What was found wrong by this run. */
  readonly #found = new Set<string>();
  /** What was wrong before, and isn't. */
  readonly #right = new Set<string>();
  /** Ranges in which more is wrong than can be remembered: they count as not read. */
  readonly #blocked = new Set<number>();
  #cursor: Cursor | undefined;
  #isMoved = false;
  #bytes = 0;
  #saved: Instant;

  constructor(before: ScrubProgress, options: ProgressOptions) {
    this.#options = options;
    this.#before = before;
    this.#failed = new Map(before.failed.map(({ name, since }) => [name, since]));
    this.#cursor = before.cursor;
    this.#saved = instant(options.clock);
  }

  /** Where an earlier run has stopped in a range. */
  cursorIn(range: number): Cursor | undefined {
    const { cursor } = this.#before;
    return cursor?.range === range ? cursor : undefined;
  }

  /** Notes that a file is wrong. */
  fail(name: string, range: number): void {
    this.#found.add(name);
    if (this.#failed.has(name)) return;
    if (this.#failed.size < MAX_FAILED) this.#failed.set(name, this.#options.began);
    else this.#blocked.add(range);
  }

  /** Notes that a file that was wrong before was looked at again, or is needed no more. */
  rechecked(name: string): void {
    if (this.#found.has(name) || !this.#failed.delete(name)) return;
    this.#right.add(name);
  }

  /** Notes how far a range has been read. @param bytes how many more that is */
  async advance({ range, unit, steps }: Omit<Cursor, 'since'>, bytes: number): Promise<void> {
    if (!this.#blocked.has(range)) {
      this.#cursor = { range, since: this.#sinceOf(range), unit, steps };
      this.#isMoved = true;
    }
    this.#bytes += bytes;
    const { rememberBytes, rememberAfter, clock } = this.#options;
    const isTime = elapsedSince(this.#saved, clock) >= rememberAfter;
    if (this.#bytes >= rememberBytes || isTime) await this.save();
  }

  /** Notes that a range has been read to its end. */
  end(range: number): void {
    if (this.#blocked.has(range)) return;
    this.#times.set(range, this.#sinceOf(range));
    if (this.#cursor?.range !== range) return;
    this.#cursor = undefined;
    this.#isMoved = true;
  }

  /** What came while a pass was interrupted is newer than when that began. */
  #sinceOf(range: number): number {
    return this.cursorIn(range)?.since ?? this.#options.began;
  }

  #merged(found: ScrubProgress): ScrubProgress {
    const times = found.times.map((time, range) => Math.max(time, this.#times.get(range) ?? 0));
    const own = [...this.#failed].map(([name, since]) => ({ name, since }));
    const others = found.failed.filter(({ name }) => !this.#right.has(name) && !this.#failed.has(name));
    const failed = [...own, ...others];
    // What nobody remembers to be wrong is to be found again.
    for (const { name } of failed.splice(MAX_FAILED)) times[rangeOf(unitOf(name) ?? '')] = 0;
    const cursor = this.#isMoved ? this.#cursor : found.cursor;
    const started = Math.min(found.started, this.#before.started);
    return { times, started, runs: found.runs, cursor, failed };
  }

  /** @throws SecureStoreError if it can't be remembered */
  async save(): Promise<void> {
    this.#bytes = 0;
    await this.#options.memory.change((found) => this.#merged(found));
    this.#saved = instant(this.#options.clock);
  }

  /** Remembers that the run has come to its end. @returns what is remembered */
  async finish(): Promise<ScrubProgress> {
    let checked = this.#before;
    await this.#options.memory.change((found) => {
      const merged = this.#merged(found);
      checked = { ...merged, runs: withRun(merged.runs, this.#options.clock.now()) };
      return checked;
    });
    return checked;
  }
}
