import type { AuditBatch, AuditLink } from '@securestore/core-format';
import {
  auditName,
  decodeAuditBatch,
  decodeAuditEntry,
  decodeAuditHeader,
  parseAuditName,
} from '@securestore/core-format';
import type { AuditPlace } from './place.ts';

/** How many names of parts, and how many segments, are looked at: what is older has been named by others. */
const MAX_NAMES = 1000;
const MAX_SEGMENTS = 8;
const FIRST_STEP = 1024;

/** A segment as a listing shows it. */
interface Listed {
  readonly prefix: string;
  readonly segment: Buffer;
  /** The number of the first entry of its first part and of the last one that was listed. */
  readonly first: number;
  last: number;
}

async function hasAfter(place: AuditPlace, prefix: string, sequence: number): Promise<boolean> {
  for await (const _ of place.names(prefix, { after: auditName(prefix, sequence) })) return true;
  return false;
}

/** The number of the first entry of the last part, found by asking what lies after: a segment may have a million parts. */
async function lastPart(place: AuditPlace, { prefix, last }: Listed): Promise<number> {
  let low = last;
  if (!(await hasAfter(place, prefix, low))) return low;
  let high = low + FIRST_STEP;
  for (let step = FIRST_STEP; await hasAfter(place, prefix, high); step *= 2) {
    low = high;
    high = Math.min(low + step, Number.MAX_SAFE_INTEGER);
  }
  // Something lies after `low`, and nothing after `high`.
  while (high - low > 1) {
    const middle = low + Math.floor((high - low) / 2);
    if (await hasAfter(place, prefix, middle)) low = middle;
    else high = middle;
  }
  return high;
}

async function batchAt(place: AuditPlace, prefix: string, sequence: number): Promise<AuditBatch | undefined> {
  const bytes = await place.read(auditName(prefix, sequence));
  return bytes && decodeAuditBatch(bytes);
}

/** The newest segments, the newest first; the last one may go on beyond what was listed. */
async function newest(place: AuditPlace): Promise<{ readonly listed: Listed[]; readonly cut: boolean }> {
  const listed: Listed[] = [];
  let count = 0;
  for await (const name of place.names()) {
    const parsed = parseAuditName(name);
    if (parsed === undefined) continue;
    const { prefix, segment, sequence } = parsed;
    const current = listed.at(-1);
    if (count === MAX_NAMES) return { listed, cut: current?.prefix === prefix };
    count++;
    if (current?.prefix === prefix) current.last = sequence;
    else if (listed.length === MAX_SEGMENTS) return { listed, cut: false };
    else listed.push({ prefix, segment, first: sequence, last: sequence });
  }
  return { listed, cut: false };
}

/**
 * How far the newest segments go that lie in a store, unless a newer one has named them as far. Nothing of it is verified; what is
 * damaged is left out, since a verification names it.
 */
export async function tipsAt(place: AuditPlace): Promise<AuditLink[]> {
  const { listed, cut } = await newest(place);
  const tips: AuditLink[] = [];
  const named = new Map<string, number>();
  for (const [at, segment] of listed.entries()) {
    const id = segment.segment.toString('hex');
    const last = cut && at === listed.length - 1 ? await lastPart(place, segment) : segment.last;
    if ((named.get(id) ?? -1) >= Math.max(last, 1)) continue;
    try {
      const batch = await batchAt(place, segment.prefix, last);
      const begin = last === segment.first ? batch : await batchAt(place, segment.prefix, segment.first);
      const previous = begin?.header === undefined ? [] : decodeAuditHeader(begin.header.bytes).header.previous;
      for (const link of previous) {
        const other = Buffer.from(link.segment).toString('hex');
        named.set(other, Math.max(named.get(other) ?? 0, link.count));
      }
      const end = batch?.entries.at(-1);
      if (end === undefined) continue;
      const { sequence } = decodeAuditEntry(end.bytes);
      tips.push({ segment: segment.segment, count: sequence, mac: Buffer.from(end.mac) });
    } catch {
      continue;
    }
  }
  // The newest last, as the ones that count where there are too many.
  return tips.toReversed();
}
