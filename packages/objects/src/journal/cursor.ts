import type { ConsumerState, PassOwed, StreamCursor } from '@securestore/core-format';
import { encodeBase32, workName } from '@securestore/core-format';
import type { Engine } from '../engine/engine.ts';
import type { JournalFinding } from './alarms.ts';
import { damaged, missingStream } from './alarms.ts';
import type { ExpectedEntry } from './resolve-hints.ts';
import type { Step } from './streams.ts';
import { mapConcurrently } from '../util/map-concurrently.ts';
import { isForged } from '../engine/sealed-objects.ts';
import { listWriters, readRegistration, readStream } from './streams.ts';

const STREAMS_AT_ONCE = 8;

/** How far hints are read at a time. */
export interface AdvanceOptions {
  /** No further hint is read once this many entries have been. */
  readonly limit: number;
  /** Only hints that were written before this time by the backend's clock, in milliseconds since 1970. */
  readonly before?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What reading on has shown, beside what is pending. */
export interface Advance {
  readonly alarms: JournalFinding[];
  /** Whether hints may be left. */
  readonly more: boolean;
}

function sorted<T>(map: ReadonlyMap<string, T>): T[] {
  return [...map].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
}

/** How far a consumer has read, confirmed or not: its place in each stream, and the hints without a commit so far. */
export class Position {
  pass: PassOwed;
  readonly pending: Map<string, ExpectedEntry>;
  readonly #cursors: Map<string, StreamCursor>;
  /** Objects that an alarm was given about, so that it isn't given at every look. */
  readonly #reported = new Set<string>();
  /** Which stream comes first the next time, so that a busy one doesn't keep the others waiting. */
  #turn = 0;

  constructor({ pass, pending, cursors }: Pick<ConsumerState, 'pass' | 'pending' | 'cursors'>) {
    this.pass = pass;
    this.pending = new Map(pending.map((entry) => [encodeBase32(entry.commitId), entry]));
    this.#cursors = new Map(cursors.map((cursor) => [encodeBase32(cursor.writer), cursor]));
  }

  /** As it is stored. Base32hex keeps the order of the bytes. */
  snapshot(): Pick<ConsumerState, 'pass' | 'pending' | 'cursors'> {
    return { pass: this.pass, pending: sorted(this.pending), cursors: sorted(this.#cursors) };
  }

  /** Reads on in every stream. What it finds is pending from then on. */
  async advance(engine: Engine, { limit, before, signal }: AdvanceOptions): Promise<Advance> {
    const alarms = await this.#findStreams(engine, signal);
    const open = [...this.#cursors].filter(([, { closed }]) => !closed);
    const first = this.#turn++ % Math.max(1, open.length);
    let count = 0;
    const read = async ([writer, cursor]: [string, StreamCursor]): Promise<{ writer: string; steps: Step[] }> => {
      const steps: Step[] = [];
      if (count >= limit) return { writer, steps };
      for await (const step of readStream(engine, cursor, { before, signal })) {
        steps.push(step);
        count += step.entries.length;
        if (count >= limit) break;
      }
      return { writer, steps };
    };
    const inTurn = [...open.slice(first), ...open.slice(0, first)];
    for await (const { writer, steps } of mapConcurrently(inTurn, STREAMS_AT_ONCE, read)) {
      const found = steps.map((step) => this.#take(writer, step));
      alarms.push(...found.filter((alarm) => alarm !== undefined));
    }
    return { alarms, more: count >= limit };
  }

  #take(writer: string, { next, closed, entries, alarm, gap }: Step): JournalFinding | undefined {
    const cursor = this.#cursors.get(writer);
    if (cursor !== undefined) this.#cursors.set(writer, { ...cursor, next, closed });
    for (const entry of entries) this.#expect(entry);
    const known = alarm !== undefined && this.#isReported(alarm);
    // Removed rightly, by somebody who didn't know of this consumer: then nothing can be held against what is found.
    if (gap && alarm === undefined) this.pass = 'afresh';
    else if (gap && !known && this.pass === 'none') this.pass = 'due';
    return known ? undefined : alarm;
  }

  /**
   * A commit may be announced twice, by a writer that slept so long that it registered anew: in streams that are not read in
   * the order of time. It may take effect as long after the newest announcement as after any, and was acknowledged after the first at the
   * earliest.
   */
  #expect(entry: ExpectedEntry): void {
    const commit = encodeBase32(entry.commitId);
    const known = this.pending.get(commit);
    const first = known?.announced ?? known?.written ?? Infinity;
    const isNewer = known === undefined || known.written < entry.written;
    // What is as it was stays the same object: that tells what was looked for before.
    if (!isNewer && first <= entry.written) return;
    this.pending.set(commit, { ...(isNewer ? entry : known), announced: Math.min(first, entry.written) });
  }

  #isReported({ type, name }: JournalFinding): boolean {
    const key = `${type} ${name}`;
    const known = this.#reported.has(key);
    this.#reported.add(key);
    return known;
  }

  /** Forgets the streams that are gone, and begins with those that are new. */
  async #findStreams(engine: Engine, signal: AbortSignal | undefined): Promise<JournalFinding[]> {
    const alarms: JournalFinding[] = [];
    const writers = new Map((await listWriters(engine, signal)).map((id) => [encodeBase32(id), id]));
    for (const [key, { writer, closed }] of this.#cursors) {
      if (writers.has(key)) continue;
      this.#cursors.delete(key);
      if (closed) continue;
      alarms.push(missingStream(writer));
      if (this.pass === 'none') this.pass = 'due';
    }
    for (const [key, writer] of writers) {
      if (!this.#cursors.has(key)) await this.#begin(engine, key, writer, alarms, signal);
    }
    return alarms;
  }

  async #begin(
    engine: Engine,
    key: string,
    writer: Buffer,
    alarms: JournalFinding[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    let next = 0;
    try {
      const registration = await readRegistration(engine, writer, signal);
      if (registration === undefined || registration.ended) return;
      next = registration.floor;
    } catch (error) {
      if (!isForged(error)) throw error;
      alarms.push(damaged('damaged-writer', workName('writer', writer)));
      if (this.pass === 'none') this.pass = 'due';
    }
    this.#cursors.set(key, { writer, next, closed: false });
  }
}
