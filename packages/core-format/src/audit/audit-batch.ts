import { AUDIT_MAC_LENGTH } from './audit-header.ts';
import { ByteReader, ByteWriter } from '../bytes/bytes.ts';

const VERSION = 1;
const MAX_ENTRIES = 0xffff;

/** Bytes of the log under their MAC. */
export interface MacedBytes {
  readonly bytes: Uint8Array;
  readonly mac: Uint8Array;
}

/** An entry as it lies in a store. */
export interface StoredAuditEntry extends MacedBytes {
  /** The batch of the chain that it is in. */
  readonly batch: number;
}

/** What one object of an audit segment holds: entries that follow on each other, before the first ones the header. */
export interface AuditBatch {
  readonly header?: MacedBytes | undefined;
  readonly entries: readonly StoredAuditEntry[];
}

/** How many bytes an entry takes in a batch. */
export function storedEntryLength({ bytes }: Pick<StoredAuditEntry, 'bytes'>): number {
  return 8 + 2 + bytes.length + AUDIT_MAC_LENGTH;
}

/** How many bytes a batch takes beside its entries. @param header its length, 0 for none */
export function auditBatchOverhead(header: number): number {
  return 1 + 2 + (header === 0 ? 0 : header + AUDIT_MAC_LENGTH) + 2;
}

export function encodeAuditBatch({ header, entries }: AuditBatch): Buffer {
  if (entries.length > MAX_ENTRIES) throw new RangeError('too many entries for one batch');
  const length = entries.reduce((sum, entry) => sum + storedEntryLength(entry), 0);
  const writer = new ByteWriter(auditBatchOverhead(header?.bytes.length ?? 0) + length).u8(VERSION);
  writer.u16(header?.bytes.length ?? 0);
  if (header !== undefined) writer.bytes(header.bytes).fixed(header.mac, AUDIT_MAC_LENGTH);
  writer.u16(entries.length);
  for (const { batch, bytes, mac } of entries) {
    writer.u53(batch).u16(bytes.length).bytes(bytes).fixed(mac, AUDIT_MAC_LENGTH);
  }
  return writer.finish();
}

/** @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION` */
export function decodeAuditBatch(bytes: Uint8Array): AuditBatch {
  const reader = new ByteReader('the audit batch', bytes);
  reader.version(VERSION);
  const headerLength = reader.u16();
  const header =
    headerLength === 0 ? undefined : { bytes: reader.copy(headerLength), mac: reader.copy(AUDIT_MAC_LENGTH) };
  const entries: StoredAuditEntry[] = [];
  for (let count = reader.u16(); count > 0; count--) {
    entries.push({ batch: reader.u53(), bytes: reader.copy(reader.u16()), mac: reader.copy(AUDIT_MAC_LENGTH) });
  }
  reader.end();
  return header === undefined ? { entries } : { header, entries };
}
