import type { AuditLink } from '@securestore/core-format';
import type { BatchKey } from '../entry/keys.ts';
import type { ParsedEntry } from '../entry/line.ts';
import type { Findings, SegmentReport } from './report.ts';
import { follows, Strand } from './strand.ts';

/** A segment in more pieces than this is not put together again. */
const MAX_STRANDS = 500;
/** How many keys are computed at most to check entries after a hole. */
const MAX_STEPS = 10_000_000;

/** A segment whose header is verified. */
export interface SegmentStart {
  readonly name: string;
  readonly id: Uint8Array;
  readonly started: number;
  /** Of the header. */
  readonly mac: Buffer;
  /** The first one. The owner wipes it. */
  readonly key: BatchKey;
}

/** What somebody has seen of a segment. */
export interface Witness extends AuditLink {
  /** In words. */
  readonly by: string;
  /** Whether nobody could change what it says. */
  readonly isTrusted: boolean;
}

/** Puts the entries of one segment in their order as they come, and says where that can't be done. */
export class SegmentCheck {
  readonly #start: SegmentStart;
  readonly #findings: Findings;
  readonly #witnesses = new Map<number, Witness[]>();
  /** The first one begins with the header; another one is begun by each entry that follows on none. */
  readonly #strands: Strand[];
  #entries = 0;
  #steps = MAX_STEPS;
  #gaveUp = false;
  #vouchedFor: number | undefined;

  constructor(start: SegmentStart, witnesses: readonly Witness[], findings: Findings) {
    this.#start = start;
    this.#findings = findings;
    for (const witness of witnesses) {
      this.#witnesses.set(witness.count, [...(this.#witnesses.get(witness.count) ?? []), witness]);
    }
    this.#strands = [new Strand(start.id, start.mac, start.key.copy())];
    this.#compare(0, start.mac);
  }

  accept(entry: ParsedEntry, line: number): void {
    for (const strand of this.#strands) {
      if (!strand.extend(entry)) continue;
      this.#inPlace(entry, line);
      return;
    }
    if (this.#gaveUp) return;
    if (this.#strands.length < MAX_STRANDS) {
      this.#strands.push(new Strand(this.#start.id, entry.mac, this.#keyOf(entry.batch), { first: entry, line }));
      return;
    }
    this.#gaveUp = true;
    this.#problem('unverifiable', `it is damaged in over ${MAX_STRANDS} places; the rest of it was not looked at`, {
      line,
    });
  }

  finish(): SegmentReport {
    const [main, ...others] = this.#strands;
    if (main === undefined) throw new Error('a segment has a strand from the start');
    let end = main;
    // What the end's MAC should be, where it is not what follows from the entries.
    let amended: Buffer | undefined;
    let isSound = true;
    for (const strand of others.toSorted((a, b) => a.start - b.start || b.next - a.next)) {
      const { first } = strand;
      if (first === undefined) continue;
      let fits = false;
      if (strand.start < end.next) {
        this.#duplicated(strand);
        if (strand.next <= end.next) continue;
      } else if (strand.start > end.next) {
        this.#compare(strand.start, first.mac);
        this.#deleted(end.next, strand.start);
      } else fits = this.#join(end, strand, first, amended, isSound);
      amended = strand.confirmed || fits ? undefined : this.#macOf(end, first);
      isSound = amended === undefined || strand.start > end.next;
      end = strand;
    }
    this.#cut(end);
    for (const strand of this.#strands) strand.key?.wipe();
    const { id: segment, name, started } = this.#start;
    const link = { segment, count: end.next - 1, mac: end.mac };
    return { segment: name, started, entries: this.#entries, ended: end.ended, end: link };
  }

  /** @returns whether `first` follows on `end`, which it did not in the order of the lines */
  #join(end: Strand, strand: Strand, first: ParsedEntry, amended: Buffer | undefined, isSound: boolean): boolean {
    const { start, line } = strand;
    const follow = follows(end, this.#start.id, first);
    const key = follow ?? (amended && follows(end, this.#start.id, first, amended));
    if (key !== end.key) key?.wipe();
    if (key !== undefined) this.#inPlace(first, line);
    else this.#compare(start, first.mac);
    if (follow !== undefined) this.#problem('reordered', `entry ${start} stands before entry ${start - 1}`, at(strand));
    else if (key === undefined && isSound) {
      this.#problem('edited', `entry ${start} is not what was written there`, at(strand));
    } else if (key === undefined) {
      this.#problem('unverifiable', `entry ${start} can't be checked, since the one before it was edited`, at(strand));
    }
    return key !== undefined;
  }

  /** The last entry that somebody trusted has seen as it is here; `undefined` where nobody has. */
  get vouchedFor(): number | undefined {
    return this.#vouchedFor;
  }

  /** The MAC that an entry should have after `end`, were its bytes right. */
  #macOf(end: Strand, entry: ParsedEntry): Buffer | undefined {
    const key = this.#keyOf(entry.batch);
    if (key === undefined) return undefined;
    const mac = key.entryMac(this.#start.id, entry.sequence, end.mac, entry.bytes);
    key.wipe();
    return Buffer.from(mac, 'latin1');
  }

  /** The key of a batch, from the nearest one before that is known. */
  #keyOf(batch: number): BatchKey | undefined {
    let [nearest, from] = [this.#start.key, 0];
    for (const { key, batch: known } of this.#strands) {
      if (key !== undefined && known <= batch && known >= from) [nearest, from] = [key, known];
    }
    if (batch - from > this.#steps) return undefined;
    this.#steps -= batch - from;
    const key = nearest.copy();
    for (let left = batch - from; left > 0; left--) key.advance();
    return key;
  }

  #inPlace(entry: ParsedEntry, line: number): void {
    this.#entries++;
    this.#compare(entry.sequence, entry.mac);
    if (entry.faithful) return;
    const { sequence } = entry;
    this.#problem('edited', `what can be read of entry ${sequence} is not what was written`, { sequence, line });
  }

  #compare(count: number, mac: Buffer): void {
    for (const witness of this.#witnesses.get(count) ?? []) {
      if (mac.equals(witness.mac)) {
        if (witness.isTrusted) this.#vouchedFor = Math.max(this.#vouchedFor ?? 0, count);
      } else {
        const what = count === 0 ? 'its header is another one' : `entry ${count}, or one before it, is another one`;
        this.#problem('replaced', `${what} than ${witness.by} says`, { sequence: count });
      }
    }
    this.#witnesses.delete(count);
  }

  #deleted(from: number, next: number): void {
    const last = next - 1;
    const what = from === last ? `entry ${from} is missing` : `the entries ${from} to ${last} are missing`;
    this.#problem('deleted', `${what}, or can't be read; so entry ${next} can't be checked`, { sequence: from, last });
  }

  #duplicated(strand: Strand): void {
    const last = strand.next - 1;
    // They were counted as they came.
    this.#entries -= last - strand.start;
    const what = strand.start === last ? `entry ${last} is` : `the entries ${strand.start} to ${last} are`;
    this.#problem('duplicated', `${what} there again, as a copy or as something else`, { ...at(strand), last });
  }

  #cut(end: Strand): void {
    const beyond = [...this.#witnesses.values()].flat().filter(({ count }) => count >= end.next);
    const [most] = beyond.toSorted((a, b) => b.count - a.count);
    if (most === undefined) return;
    const message = `its end is cut off: the entries ${end.next} to ${most.count} are missing, as ${most.by} says`;
    this.#problem('cut', message, { sequence: end.next, last: most.count });
  }

  #problem(...[kind, message, where]: [Parameters<Findings['add']>[0], string, Parameters<Findings['add']>[3]]): void {
    this.#findings.add(kind, this.#start.name, message, where);
  }
}

function at({ start, line }: Strand): { readonly sequence: number; readonly line: number } {
  return { sequence: start, line };
}
