import { ByteReader, ByteWriter } from '../bytes/bytes.ts';
import type { Field } from '../bytes/fields.ts';
import { fieldsLength, readFieldArea, writeFieldArea } from '../bytes/fields.ts';
import { KEY_LENGTH, TOMBSTONE_BODY_LENGTH } from './record.ts';
import { MAX_KEY_BYTES } from '../text/key-name.ts';

/** The most metadata of an object, in bytes of encoded JSON. */
export const MAX_METADATA_BYTES: number = 64 * 1024;

/** The largest payload that lies in the record itself, in bytes. */
export const MAX_INLINE_BYTES: number = 64 * 1024;

export const DIGEST_LENGTH = 32;

const INLINE = 0;
const BLOB = 1;
const BLOB_LENGTH = 1 + KEY_LENGTH + 4;
const FIXED_LENGTH = 2 + 8 * 5 + DIGEST_LENGTH + 4 + 2 + 1;
const KNOWN_FIELDS: ReadonlySet<number> = new Set();

/**
 * The payload of an object: in the record, or in a blob of which the record tells how to open it.
 *
 * @typeParam K what holds the key of the blob
 */
export type BodyPayload<K = Uint8Array> =
  | { readonly kind: 'inline'; readonly data: Uint8Array }
  | {
      readonly kind: 'blob';
      /** The suite under which its chunks are sealed, which a record that is sealed anew keeps, whatever its own is. */
      readonly suite: number;
      readonly key: K;
      readonly chunkSize: number;
    };

/**
 * B of a live object, before sealing.
 *
 * @typeParam K what holds the key of a blob
 */
export interface ObjectBody<K = Uint8Array> {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly modified: number;
  /** 0 for never. */
  readonly expires: number;
  /** The version with which the history of the object begins: nothing before it belongs to the object. 0 for all. */
  readonly origin: number;
  /** The length of the payload in bytes. */
  readonly length: number;
  /** The keyed digest of the payload. */
  readonly digest: Uint8Array;
  /** UTF-8 of a JSON object; empty for no metadata. */
  readonly metadata: Uint8Array;
  readonly payload: BodyPayload<K>;
  /** Fields of later releases that may be ignored. */
  readonly extra?: readonly Field[];
}

export function encodeObjectBody(body: ObjectBody): Buffer {
  const { payload } = body;
  const extra = body.extra ?? [];
  const nameLength = Buffer.byteLength(body.name);
  const payloadLength = payload.kind === 'inline' ? payload.data.length : BLOB_LENGTH;
  const writer = new ByteWriter(FIXED_LENGTH + nameLength + body.metadata.length + fieldsLength(extra) + payloadLength);
  writer.u16(nameLength).text(body.name, nameLength);
  writer.u53(body.created).u53(body.modified).u53(body.expires).u53(body.origin).u53(body.length);
  writer.fixed(body.digest, DIGEST_LENGTH).u32(body.metadata.length).bytes(body.metadata);
  writeFieldArea(writer, extra);
  if (payload.kind === 'inline') writer.u8(INLINE).bytes(payload.data);
  else writer.u8(BLOB).u8(payload.suite).fixed(payload.key, KEY_LENGTH).u32(payload.chunkSize);
  return writer.finish();
}

function readPayload(reader: ByteReader, length: number): BodyPayload {
  const kind = reader.u8();
  if (kind === INLINE) {
    if (length > MAX_INLINE_BYTES || reader.remaining !== length) reader.fail('its payload has the wrong length');
    return { kind: 'inline', data: reader.view(length) };
  }
  if (kind !== BLOB) reader.fail('its kind of payload is unknown');
  const [suite, key, chunkSize] = [reader.u8(), reader.view(KEY_LENGTH), reader.u32()];
  reader.end();
  return { kind: 'blob', suite, key, chunkSize };
}

/**
 * Parses the opened B of a live object. Name, metadata and payload are views of `bytes`.
 *
 * @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION`
 */
export function decodeObjectBody(bytes: Uint8Array): ObjectBody {
  const reader = new ByteReader('the record', bytes);
  const nameLength = reader.u16();
  if (nameLength === 0 || nameLength > MAX_KEY_BYTES) reader.fail('its name has the wrong length');
  const name = reader.text(nameLength);
  const created = reader.time();
  const modified = reader.time();
  const expires = reader.time();
  const origin = reader.u53();
  const length = reader.u53();
  const digest = reader.view(DIGEST_LENGTH);
  const metadataLength = reader.u32();
  if (metadataLength > MAX_METADATA_BYTES) reader.fail('its metadata is too long');
  const metadata = reader.view(metadataLength);
  const extra = readFieldArea(reader, KNOWN_FIELDS);
  const payload = readPayload(reader, length);
  const body = { name, created, modified, expires, origin, length, digest, metadata, payload };
  return extra.length === 0 ? body : { ...body, extra };
}

/** B of a tombstone, before sealing. */
export interface TombstoneBody {
  /** When the object was deleted, in milliseconds since 1970. */
  readonly modified: number;
  /** As in {@link ObjectBody}. */
  readonly origin: number;
}

export function encodeTombstoneBody({ modified, origin }: TombstoneBody): Buffer {
  return new ByteWriter(TOMBSTONE_BODY_LENGTH).u53(modified).u53(origin).finish();
}

/** @throws SecureStoreError `INTEGRITY` */
export function decodeTombstoneBody(bytes: Uint8Array): TombstoneBody {
  const reader = new ByteReader('the tombstone', bytes);
  const body = { modified: reader.time(), origin: reader.u53() };
  reader.end();
  return body;
}
