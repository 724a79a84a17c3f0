import type { AuditEntry } from '@securestore/core-format';
import { decodeAuditBatch, decodeAuditEntry, encodeBase32, isDamage, parseAuditName } from '@securestore/core-format';
import type { AuditArea } from '../store/place.ts';
import type { DamagedPart } from '../store/store-lines.ts';

/** What a look at the newest entries has left out. */
export interface TailCut {
  /** In words. */
  readonly message: string;
}

export interface TailOptions {
  /** How many entries to begin with. Default 20. */
  readonly entries?: number | undefined;
  /** Only what comes before this entry, as entries are told: to go on from the oldest of them. Not together with `follow`. */
  readonly before?: EntryPosition | undefined;
  /**
   * Whether to wait for more, until `signal` aborts. Every second it is looked for new segments, and for new entries in those that had some
   * in the last minute; a segment that was silent for longer is looked at about once a minute, unless its last entry is its end.
   */
  readonly follow?: boolean | undefined;
  /** Is told of a part that can't be read, which is left out; without it, that is an error. */
  readonly onDamaged?: ((part: DamagedPart) => void) | undefined;
  /**
   * Is told, once, if entries may be left out because the log has more than is looked at: 200,000 segments, those that were written last,
   * and about twenty million parts.
   */
  readonly onCut?: ((cut: TailCut) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Where an entry stands: by its time, and of one time by number and segment. */
export interface EntryPosition {
  /** In milliseconds since 1970. */
  readonly time: number;
  readonly sequence: number;
  /** In base32. */
  readonly segment: string;
}

export interface SegmentEntry {
  readonly segment: Uint8Array;
  readonly entry: AuditEntry;
}

export function placeOf({ segment, entry: { time, sequence } }: SegmentEntry): EntryPosition {
  return { time, sequence, segment: encodeBase32(segment) };
}

export function compareEntries(a: EntryPosition, b: EntryPosition): number {
  return a.time - b.time || a.sequence - b.sequence || (a.segment < b.segment ? -1 : a.segment > b.segment ? 1 : 0);
}

export function inTime(entries: readonly SegmentEntry[]): SegmentEntry[] {
  return entries
    .map((one) => ({ one, place: placeOf(one) }))
    .toSorted((a, b) => compareEntries(a.place, b.place))
    .map(({ one }) => one);
}

/** The entries of a part; none if it is gone, or damaged and somebody is told. @throws SecureStoreError `INTEGRITY`, what the backend throws */
export async function entriesOfPart(
  place: AuditArea,
  name: string,
  { signal, onDamaged }: Pick<TailOptions, 'signal' | 'onDamaged'>,
): Promise<SegmentEntry[]> {
  const segment = parseAuditName(name)?.segment;
  try {
    const plaintext = await place.read(name, signal);
    if (segment === undefined || plaintext === undefined) return [];
    return decodeAuditBatch(plaintext).entries.map(({ bytes }) => ({ segment, entry: decodeAuditEntry(bytes) }));
  } catch (error) {
    if (onDamaged === undefined || !isDamage(error)) throw error;
    onDamaged({ name, message: error.message });
    return [];
  }
}
