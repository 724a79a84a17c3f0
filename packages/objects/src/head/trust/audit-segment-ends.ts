import type { AuditLink } from '@securestore/core-format';
import {
  asBuffer,
  compareAuditLinks,
  decodeBase32,
  encodeBase32,
  ID_LENGTH,
  MAX_AUDIT_LINKS,
} from '@securestore/core-format';

/** How far a segment of the audit log goes, and what it says of others. */
export interface AuditEnd extends AuditLink {
  /** How far its header says that others went. */
  readonly previous: readonly AuditLink[];
}

const isSame = (a: AuditLink, b: AuditLink): boolean => compareAuditLinks(a, b) === 0;

/**
 * Those of `ends` that are still to be kept beside the end of one more segment: not what its header names exactly so, since
 * that can't be taken back, and not what that segment itself has gone beyond. That the header names more of a segment is no
 * reason: it says so by what lay in the log, and nobody had verified that.
 */
export function standingBeside(end: AuditEnd | undefined, ends: readonly AuditLink[]): AuditLink[] {
  if (end === undefined) return [...ends];
  const { segment, count, previous } = end;
  return ends.filter((link) =>
    Buffer.compare(link.segment, segment) === 0 ? link.count > count : !previous.some((named) => isSame(named, link)),
  );
}

/** The ends of segments together with that of one more: what stands beside it, and at most {@link MAX_AUDIT_LINKS}. */
export function withEnds(ends: readonly AuditLink[], end: AuditEnd | undefined): AuditLink[] {
  if (end === undefined) return [...ends];
  const { segment, count, mac } = end;
  const own = { segment: asBuffer(segment), count, mac: asBuffer(mac) };
  // Those that have told the most are missed the most.
  const others = standingBeside(end, ends).toSorted((a, b) => b.count - a.count);
  return [own, ...others.slice(0, MAX_AUDIT_LINKS - 1)].toSorted(compareAuditLinks);
}

/**
 * The ends that two places know. Of a segment both may say something: that one of them says more is no reason to forget the
 * other, which may have seen another segment under that id.
 */
export function mergeEnds(a: readonly AuditLink[], b: readonly AuditLink[]): AuditLink[] {
  return [...a, ...b.filter((link) => !a.some((other) => isSame(other, link)))];
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
