import type { AuditLink } from '../audit/audit-header.ts';
import { readAuditLinks, writeAuditLinks } from '../audit/audit-header.ts';
import { ByteReader, ByteWriter } from '../bytes/bytes.ts';

const AUDITOR_LENGTH = 32;

const MODES = ['batched', 'fail-closed'] as const;
/** What a head may say, in the order of the numbers that stand for it, from 1. */
const STATES = [...MODES, 'off'] as const;

/**
 * `fail-closed`: what can't be recorded is refused, so each entry is waited for. `batched`: entries are written soon, and nobody
 * waits.
 */
export type AuditMode = (typeof MODES)[number];

/** Every mode that there is. */
export const AUDIT_MODES: readonly AuditMode[] = MODES;

/** That a store is audited, or was, and how far its log was known to go. */
export interface HeadAudit {
  /** The auditor's X25519 key: only who has its private key can verify the log. */
  readonly auditor: Uint8Array;
  /** `off` where it is audited no longer: what is known of the log stays. */
  readonly mode: AuditMode | 'off';
  /** How far segments went, where no newer one names that, in strictly ascending order of segment, count and MAC. */
  readonly ends: readonly AuditLink[];
}

export function encodeHeadAudit({ auditor, mode, ends }: HeadAudit): Buffer {
  const writer = new ByteWriter(128).fixed(auditor, AUDITOR_LENGTH).u8(STATES.indexOf(mode) + 1);
  writeAuditLinks(writer, ends);
  return writer.finish();
}

/** @throws SecureStoreError `INTEGRITY` */
export function decodeHeadAudit(bytes: Uint8Array): HeadAudit {
  const reader: ByteReader = new ByteReader('the head', bytes);
  const auditor = reader.copy(AUDITOR_LENGTH);
  const mode = STATES[reader.u8() - 1];
  if (mode === undefined) reader.fail('it is audited in an unknown mode');
  const ends = readAuditLinks(reader);
  reader.end();
  return { auditor, mode, ends };
}
