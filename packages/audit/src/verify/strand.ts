import { END_ACTION } from '../entry/own-actions.ts';
import type { BatchKey } from '../entry/keys.ts';
import type { ParsedEntry } from '../entry/line.ts';

/** Where a strand ends, and what the entry after it must be chained to. */
export interface StrandEnd {
  readonly next: number;
  readonly batch: number;
  readonly mac: Buffer;
  /** Of the batch; `undefined` where it can't be computed. */
  readonly key: BatchKey | undefined;
  /** Only in the batch itself may the next entry be: no batch is empty. */
  readonly fresh: boolean;
}

/**
 * Whether `entry` follows directly on `end`.
 *
 * @returns the key of its batch: that of `end` itself, or another one, which the caller wipes; `undefined` if it doesn't
 */
export function follows(
  end: StrandEnd,
  segment: Uint8Array,
  entry: ParsedEntry,
  mac: Buffer = end.mac,
): BatchKey | undefined {
  const step = entry.batch - end.batch;
  if (entry.sequence !== end.next || end.key === undefined || step < 0 || step > (end.fresh ? 0 : 1)) return undefined;
  const key = step === 0 ? end.key : end.key.copy();
  if (step === 1) key.advance();
  if (key.entryMac(segment, entry.sequence, mac, entry.bytes) === entry.mac.toString('latin1')) return key;
  if (step === 1) key.wipe();
  return undefined;
}

/** Entries that follow on one another. The first one is not verified until what it follows on is found. */
export class Strand implements StrandEnd {
  readonly segment: Uint8Array;
  /** `undefined` for the one that begins with the header. */
  readonly first: ParsedEntry | undefined;
  /** Of the first entry. */
  readonly line: number;
  next: number;
  batch: number;
  mac: Buffer;
  key: BatchKey | undefined;
  /** Whether more than the first entry is in it: then whoever made its first MAC made all others. */
  confirmed = false;
  ended: boolean;

  /**
   * @param mac of the header or the first entry
   * @param key of its batch, which it takes
   */
  constructor(
    segment: Uint8Array,
    mac: Buffer,
    key: BatchKey | undefined,
    begin?: { readonly first: ParsedEntry; readonly line: number },
  ) {
    const first = begin?.first;
    this.segment = segment;
    this.first = first;
    this.line = begin?.line ?? 0;
    this.ended = first?.entry?.action === END_ACTION;
    this.next = (first?.sequence ?? 0) + 1;
    this.batch = first?.batch ?? 0;
    this.mac = mac;
    this.key = key;
  }

  get fresh(): boolean {
    return this.first === undefined && this.next === 1;
  }

  get start(): number {
    return this.first?.sequence ?? 0;
  }

  /** Takes an entry that follows on it; `false` for one that doesn't. */
  extend(entry: ParsedEntry): boolean {
    if (entry.sequence !== this.next) return false;
    const key = follows(this, this.segment, entry);
    if (key === undefined) return false;
    if (key !== this.key) this.key?.wipe();
    this.key = key;
    this.next++;
    this.ended = entry.entry?.action === END_ACTION;
    this.batch = entry.batch;
    this.mac = entry.mac;
    this.confirmed = true;
    return true;
  }
}
