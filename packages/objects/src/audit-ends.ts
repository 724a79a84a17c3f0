import type { AuditLink } from '@securestore/core-format';
import { asBuffer, decodeBase32, encodeBase32, ID_LENGTH, MAX_AUDIT_LINKS } from '@securestore/core-format';

/** How far a segment of the audit log goes, and what it says of others. */
export interface AuditEnd extends AuditLink {
  /** How far its header says that others went. */
  readonly previous: readonly AuditLink[];
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/**
 * The ends of segments together with that of one more: of each segment as far as it goes, without those that the header of that
 * one has named as far, and at most {@link MAX_AUDIT_LINKS}. In ascending order of their ids.
 */
export function withEnds(ends: readonly AuditLink[], end: AuditEnd | undefined): AuditLink[] {
  if (end === undefined) return [...ends];
  const { segment, count, mac, previous } = end;
  const own = { segment: asBuffer(segment), count, mac: asBuffer(mac) };
  const stands = (link: AuditLink): boolean =>
    same(link.segment, segment)
      ? false
      : !previous.some((named) => same(named.segment, link.segment) && named.count >= link.count);
  const known = ends.find((link) => same(link.segment, segment));
  const furthest = known !== undefined && known.count > count ? known : own;
  // Those that have told the most are missed the most.
  const others = ends.filter(stands).toSorted((a, b) => b.count - a.count);
  return [furthest, ...others.slice(0, MAX_AUDIT_LINKS - 1)].toSorted((a, b) => Buffer.compare(a.segment, b.segment));
}

/** The ends of segments that two places know: of each segment as far as it goes. */
export function mergeEnds(a: readonly AuditLink[], b: readonly AuditLink[]): AuditLink[] {
  const missing = b.filter(
    (link) => !a.some((other) => same(other.segment, link.segment) && other.count >= link.count),
  );
  const kept = a.filter((link) => !missing.some((other) => same(other.segment, link.segment)));
  return [...kept, ...missing];
}

/** An end as an anchor remembers it: segment, count and MAC. */
export function endText({ segment, count, mac }: AuditLink): string {
  return `${encodeBase32(segment)} ${count} ${asBuffer(mac).toString('hex')}`;
}

/** What {@link endText} made; `undefined` for anything else. */
export function parseEnd(text: unknown): AuditLink | undefined {
  const [, id = '', count = '', mac = ''] =
    (typeof text === 'string' && /^([0-9a-v]{26}) (\d{1,16}) ([0-9a-f]{64})$/.exec(text)) || [];
  const segment = decodeBase32(id);
  if (segment?.length !== ID_LENGTH || !Number.isSafeInteger(Number(count))) return undefined;
  return { segment, count: Number(count), mac: Buffer.from(mac, 'hex') };
}
