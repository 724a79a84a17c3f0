import { ByteReader, ByteWriter, isZero } from '../bytes/bytes.ts';
import type { Field } from '../bytes/fields.ts';
import { fieldsLength, readFields, writeFields } from '../bytes/fields.ts';

/** The format version of records, blobs, heads and keyrings. */
export const FORMAT = 1;

export const ID_LENGTH = 16;
export const KEY_ID_LENGTH = 8;
export const SIGNATURE_LENGTH = 64;
export const KEY_LENGTH = 32;
export const COMMITMENT_LENGTH = 32;
export const TAG_LENGTH = 16;

const RECORD_MAGIC = 'SSRC';
const MAGIC_BYTES = Buffer.from(RECORD_MAGIC, 'latin1');
const HEADER_LENGTH = 106;
const BLOB_TAG = 1;
const BLOB_FIELD_LENGTH = ID_LENGTH + 4 + 8;
const KNOWN_FIELDS: ReadonlySet<number> = new Set([BLOB_TAG]);

/** The length of a record's E in bytes. */
export const ENVELOPE_LENGTH: number = KEY_ID_LENGTH + COMMITMENT_LENGTH + KEY_LENGTH + TAG_LENGTH;

const KINDS = ['object', 'tombstone', 'system'] as const;
export type RecordKind = (typeof KINDS)[number];

/** Where the payload of a large object lies; readable without keys. */
export interface BlobReference {
  readonly blobId: Uint8Array;
  /** Sealed bytes in each part but the last, not counting the blob's own header in part 0. */
  readonly partSize: number;
  /** The length of all parts together, the blob's header included. */
  readonly sealedLength: number;
}

/** H, the immutable part of a record that is readable without keys. */
export interface RecordHeader {
  readonly suite: number;
  readonly kind: RecordKind;
  readonly lineage: Uint8Array;
  readonly nameId: Uint8Array;
  readonly categoryId: Uint8Array;
  /** Microseconds since 1970, or one more than the version before; grows with every version of an object. */
  readonly version: number;
  readonly commitId: Uint8Array;
  /** All zero for the first version. */
  readonly previousCommitId: Uint8Array;
  /** The head generation that the writer had confirmed. */
  readonly generation: number;
  readonly blob?: BlobReference;
  /** Fields of later releases that may be ignored. */
  readonly extra?: readonly Field[];
}

/** E, the part that re-keying replaces. */
export interface Envelope {
  readonly keyId: Uint8Array;
  readonly commitment: Uint8Array;
  readonly wrappedKey: Uint8Array;
}

/** A record cut into its parts; the parts are views of the bytes it was read from. */
export interface SplitRecord {
  readonly header: RecordHeader;
  /** H as it is in the record. */
  readonly headerBytes: Buffer;
  readonly envelope: Envelope;
  /** B, still sealed. */
  readonly sealedBody: Buffer;
}

function allFields(header: RecordHeader): readonly Field[] {
  const extra = header.extra ?? [];
  if (header.blob === undefined) return extra;
  const value = new ByteWriter(BLOB_FIELD_LENGTH)
    .fixed(header.blob.blobId, ID_LENGTH)
    .u32(header.blob.partSize)
    .u53(header.blob.sealedLength)
    .finish();
  return [{ tag: BLOB_TAG, critical: true, value }, ...extra];
}

/**
 * H, at the start of a buffer with room for E and a sealed body of `sealedBodyLength` bytes behind it.
 *
 * @returns the buffer, and the length of H
 */
export function startRecord(header: RecordHeader, sealedBodyLength: number): { record: Buffer; headerLength: number } {
  const fields = allFields(header);
  const length = HEADER_LENGTH + fieldsLength(fields);
  const writer = new ByteWriter(length + ENVELOPE_LENGTH + sealedBodyLength)
    .bytes(MAGIC_BYTES)
    .u8(FORMAT)
    .u8(header.suite)
    .u8(KINDS.indexOf(header.kind) + 1)
    .u8(0)
    .u16(length)
    .fixed(header.lineage, ID_LENGTH)
    .fixed(header.nameId, ID_LENGTH)
    .fixed(header.categoryId, ID_LENGTH)
    .u53(header.version)
    .fixed(header.commitId, ID_LENGTH)
    .fixed(header.previousCommitId, ID_LENGTH)
    .u53(header.generation);
  writeFields(writer, fields);
  return { record: writer.skip(ENVELOPE_LENGTH + sealedBodyLength).finish(), headerLength: length };
}

export function encodeRecordHeader(header: RecordHeader): Buffer {
  const { record, headerLength } = startRecord(header, 0);
  return record.subarray(0, headerLength);
}

function readBlobReference(reader: ByteReader, field: Field): BlobReference {
  if (!field.critical || field.value.length !== BLOB_FIELD_LENGTH) reader.fail('its blob reference is malformed');
  const value = new ByteReader(reader.what, field.value);
  return { blobId: value.copy(ID_LENGTH), partSize: value.u32(), sealedLength: value.u53() };
}

function readHeader(reader: ByteReader): RecordHeader {
  const start = reader.position;
  reader.magic(RECORD_MAGIC, FORMAT);
  const suite = reader.u8();
  const kind = KINDS[reader.u8() - 1];
  if (kind === undefined) reader.fail('its kind is unknown');
  reader.zero();
  const end = start + reader.u16();
  if (end < start + HEADER_LENGTH) reader.fail('its header is too short');
  const fixed = {
    suite,
    kind,
    lineage: reader.view(ID_LENGTH),
    nameId: reader.view(ID_LENGTH),
    categoryId: reader.view(ID_LENGTH),
    version: reader.u53(),
    commitId: reader.view(ID_LENGTH),
    previousCommitId: reader.view(ID_LENGTH),
    generation: reader.u53(),
  };
  if (isZero(fixed.commitId)) reader.fail('its commit id is zero');
  if (end > reader.position + reader.remaining) reader.fail('it ends too early');
  if (end === reader.position) return fixed;
  const fields = readFields(reader, end, KNOWN_FIELDS);
  const blobField = fields.find((field) => field.tag === BLOB_TAG);
  const extra = fields.filter((field) => field.tag !== BLOB_TAG);
  if (blobField !== undefined && kind !== 'object') reader.fail(`a ${kind} has no blob`);
  // One size for all tombstones, so that a listing tells them apart.
  if (kind === 'tombstone' && fields.length > 0) reader.fail('a tombstone has no optional fields');
  return {
    ...fixed,
    ...(blobField === undefined ? {} : { blob: readBlobReference(reader, blobField) }),
    ...(extra.length === 0 ? {} : { extra }),
  };
}

/** Parses H alone; ids are views of `bytes`. @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION` */
export function decodeRecordHeader(bytes: Uint8Array): RecordHeader {
  const reader = new ByteReader('the record', bytes);
  const header = readHeader(reader);
  reader.end();
  return header;
}

/** Writes E into `record` behind an H of `headerLength` bytes. @returns where B begins */
export function writeEnvelope(record: Buffer, headerLength: number, envelope: Envelope): number {
  record.set(envelope.keyId, headerLength);
  record.set(envelope.commitment, headerLength + KEY_ID_LENGTH);
  record.set(envelope.wrappedKey, headerLength + KEY_ID_LENGTH + COMMITMENT_LENGTH);
  return headerLength + ENVELOPE_LENGTH;
}

/** How long a record is, by its parts. */
export function recordLength(headerBytes: Uint8Array, sealedBody: Uint8Array): number {
  return headerBytes.length + ENVELOPE_LENGTH + sealedBody.length;
}

/** `H ‖ E ‖ B`. @param record memory of its length, by default new; it may be that of the parts */
export function joinRecord(
  headerBytes: Uint8Array,
  envelope: Envelope,
  sealedBody: Uint8Array,
  record: Buffer = Buffer.allocUnsafe(recordLength(headerBytes, sealedBody)),
): Buffer {
  record.set(headerBytes);
  record.set(sealedBody, writeEnvelope(record, headerBytes.length, envelope));
  return record;
}

/** Cuts a record into H, E and B. Nothing of it is authenticated by this. @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION` */
export function splitRecord(bytes: Uint8Array): SplitRecord {
  const reader = new ByteReader('the record', bytes);
  const header = readHeader(reader);
  const headerLength = reader.position;
  const envelope = {
    keyId: reader.view(KEY_ID_LENGTH),
    commitment: reader.view(COMMITMENT_LENGTH),
    wrappedKey: reader.view(KEY_LENGTH + TAG_LENGTH),
  };
  if (reader.remaining < TAG_LENGTH) reader.fail('it ends too early');
  const sealedBody = reader.view(reader.remaining);
  if (header.kind === 'tombstone' && sealedBody.length !== TOMBSTONE_BODY_LENGTH + TAG_LENGTH) {
    reader.fail('a tombstone has one fixed size');
  }
  const headerBytes = new ByteReader(reader.what, bytes).view(headerLength);
  return { header, headerBytes, envelope, sealedBody };
}

/** Enough of the beginning of any record that this release writes to find its key id. */
export const MAX_RECORD_PREFIX = 1024;

/**
 * The key version that a record, or the beginning of one, is sealed under; nothing is authenticated.
 *
 * @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION`
 */
export function recordKeyId(bytes: Uint8Array): Buffer {
  const reader = new ByteReader('the record', bytes);
  readHeader(reader);
  return reader.copy(KEY_ID_LENGTH);
}

/** The length of a tombstone's B before sealing. */
export const TOMBSTONE_BODY_LENGTH = 16;

/** The one size of every tombstone record; every live record is larger. */
export const TOMBSTONE_LENGTH: number = HEADER_LENGTH + ENVELOPE_LENGTH + TOMBSTONE_BODY_LENGTH + TAG_LENGTH;

/** An id of all zero: the previous commit of a first version. */
export function noId(): Buffer {
  return Buffer.alloc(ID_LENGTH);
}
