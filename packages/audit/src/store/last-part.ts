import { auditName, parseAuditName } from '@securestore/core-format';
import type { AuditPart, AuditArea } from './place.ts';

const FIRST_STEP = 1024;
/** Names that no store makes are passed over in so many pages. */
const MAX_PAGES = 100;

/** The first part of a segment from the number `sequence` on. */
export async function firstFrom(
  place: AuditArea,
  prefix: string,
  sequence: number,
  signal?: AbortSignal,
): Promise<(AuditPart & { readonly sequence: number }) | undefined> {
  let after = sequence > 0 ? auditName(prefix, sequence - 1) : undefined;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const { parts, next } = await place.page({ prefix, after, limit: 1, signal });
    const [part] = parts;
    const parsed = part && parseAuditName(part.name);
    if (part !== undefined && parsed !== undefined) return { ...part, sequence: parsed.sequence };
    if (next === undefined) return undefined;
    after = next;
  }
  return undefined;
}

/** How far a segment is known to go. */
interface KnownEnd {
  /** The number of its last part. */
  readonly last: number;
  readonly modified?: number | undefined;
}

/** The last part of a segment, found by asking what lies after: a segment may have a million parts. @param known a part that there is */
export async function lastPart<Known extends KnownEnd>(
  place: AuditArea,
  prefix: string,
  known: Known,
  signal?: AbortSignal,
): Promise<KnownEnd> {
  let end: KnownEnd = known;
  /** Nothing lies after this number. */
  let high: number | undefined;
  for (let step = 0; high === undefined || end.last < high; step = Math.max(step * 2, FIRST_STEP)) {
    const probe: number =
      high === undefined
        ? Math.min(end.last + step, Number.MAX_SAFE_INTEGER - 1)
        : end.last + Math.floor((high - end.last) / 2);
    const found = await firstFrom(place, prefix, probe + 1, signal);
    if (found === undefined) high = probe;
    else end = { last: found.sequence, modified: found.modified };
    if (end.last >= Number.MAX_SAFE_INTEGER) break;
  }
  return end;
}
