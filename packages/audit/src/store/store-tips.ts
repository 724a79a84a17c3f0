import type { AuditBatch, AuditHeader, AuditLink } from '@securestore/core-format';
import {
  auditName,
  decodeAuditBatch,
  decodeAuditEntry,
  decodeAuditHeader,
  parseAuditName,
} from '@securestore/core-format';
import { verifyAs } from '@securestore/crypto';
import { HEADER_USE, isCertified } from '../entry/certificate.ts';
import { lastPart } from './last-part.ts';
import type { AuditArea } from './place.ts';
import { MAX_CLOCK_DIFFERENCE } from './place.ts';

/** How many names of parts, and how many segments, are looked at at most. */
const MAX_NAMES = 1000;
const MAX_LISTED = 64;
/** So many segments of the store are enough: what is older has been named by others. */
const MAX_SEGMENTS = 8;

/** A segment as a listing shows it. */
interface Listed {
  readonly prefix: string;
  readonly segment: Buffer;
  /** The number of the first entry of its first part and of the last one that was listed. */
  readonly first: number;
  last: number;
}

async function batchAt(place: AuditArea, prefix: string, sequence: number): Promise<AuditBatch | undefined> {
  const bytes = await place.read(auditName(prefix, sequence));
  return bytes && decodeAuditBatch(bytes);
}

/** The newest segments, the newest first; the last one may go on beyond what was listed. */
async function newest(place: AuditArea): Promise<{ readonly listed: Listed[]; readonly cut: boolean }> {
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
    else if (listed.length === MAX_LISTED) return { listed, cut: false };
    else listed.push({ prefix, segment, first: sequence, last: sequence });
  }
  return { listed, cut: false };
}

/** The header of a segment, if the store has begun it; whether it is under the auditor's key only a verification can tell. */
function headerOf(
  { identity, instanceIds }: AuditArea,
  segment: Uint8Array,
  begin: AuditBatch | undefined,
): AuditHeader | undefined {
  if (begin?.header === undefined) return undefined;
  const { header, signedBytes, signature } = decodeAuditHeader(begin.header.bytes);
  const { certificate } = header;
  if (Buffer.compare(header.segment, segment) !== 0) return undefined;
  if (!instanceIds.some((instance) => isCertified(identity, instance, certificate))) return undefined;
  return verifyAs(certificate.publicKey, HEADER_USE, signedBytes, signature) ? header : undefined;
}

/** What a process finds of segments before it begins its own. */
export interface FoundTips {
  readonly tips: AuditLink[];
  /** How many segments were passed over that can't be read, or that the store has not begun. */
  readonly strange: number;
}

/**
 * How far the newest segments go that lie in a store, unless a newer one has named them as far. Their entries are not verified.
 * What is damaged, or nobody but the store can have begun and did not, takes no other one's place: whoever has the backend could
 * hide all others behind it.
 */
export async function tipsAt(place: AuditArea): Promise<FoundTips> {
  const { listed, cut } = await newest(place);
  const tips: AuditLink[] = [];
  const named = new Map<string, number>();
  let [found, strange] = [0, 0];
  for (const [at, segment] of listed.entries()) {
    if (found === MAX_SEGMENTS) break;
    const id = segment.segment.toString('hex');
    try {
      const goesOn = cut && at === listed.length - 1;
      const last = goesOn ? (await lastPart(place, segment.prefix, segment)).last : segment.last;
      if ((named.get(id) ?? -1) >= Math.max(last, 1)) {
        found++;
        continue;
      }
      const begin = await batchAt(place, segment.prefix, segment.first);
      const header = headerOf(place, segment.segment, begin);
      for (const link of header?.previous ?? []) {
        const other = Buffer.from(link.segment).toString('hex');
        named.set(other, Math.max(named.get(other) ?? 0, link.count));
      }
      if (header === undefined) strange++;
      // An honest process begins none later than that.
      else if (header.started <= place.clock.now() + MAX_CLOCK_DIFFERENCE) found++;
      const batch = last === segment.first ? begin : await batchAt(place, segment.prefix, last);
      const end = batch?.entries.at(-1);
      if (end === undefined) continue;
      const { sequence } = decodeAuditEntry(end.bytes);
      tips.push({ segment: segment.segment, count: sequence, mac: Buffer.from(end.mac) });
    } catch {
      strange++;
    }
  }
  // The newest last, as the ones that count where there are too many.
  return { tips: tips.toReversed(), strange };
}
