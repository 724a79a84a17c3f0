import { ByteReader, ByteWriter, MAX_TIME } from '../bytes/bytes.ts';
import { MAX_KEY_BYTES } from '../text/key-name.ts';

const VERSION = 1;
const NO_OBJECT = 0;
const HASHED = 1;
const NAMED = 2;
const OUTCOMES = ['allowed', 'denied', 'failed'] as const;

/** The length of the keyed hash of an object's name in an audit entry, in bytes. */
export const AUDIT_HASH_LENGTH = 16;

/** The texts of an audit entry. */
export type AuditTextField = 'principal' | 'action' | 'object' | 'category' | 'reason' | 'requestId';

/** The most bytes of UTF-8 of each text. */
export const AUDIT_TEXT_LIMITS: Readonly<Record<AuditTextField, number>> = {
  principal: 256,
  action: 64,
  object: MAX_KEY_BYTES,
  category: 64,
  reason: 512,
  requestId: 128,
};

/** What became of an attempt. */
export type AuditOutcome = (typeof OUTCOMES)[number];

/** The object of an attempt: by the keyed hash of its name, or by its name. */
export type AuditObject = { readonly hash: Uint8Array } | { readonly name: string };

/** One attempt. Texts that are not known are empty; none is longer than {@link AUDIT_TEXT_LIMITS} says. */
export interface AuditEntry {
  /** From 1, one more with each entry of a segment. */
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly principal: string;
  /** Never empty. */
  readonly action: string;
  readonly object?: AuditObject;
  readonly category: string;
  readonly outcome: AuditOutcome;
  readonly reason: string;
  readonly requestId: string;
  /** How long it took, in microseconds; 0 where that is not known. */
  readonly duration: number;
}

/**
 * `text` in at most `limit` bytes of UTF-8. What is longer is cut between two characters, and its end says how many bytes
 * it had.
 */
export function cutText(text: string, limit: number): string {
  const length = Buffer.byteLength(text);
  if (length <= limit) return text;
  const mark = `…[${length} bytes]`;
  const bytes = Buffer.from(text.slice(0, limit));
  let end = limit - Buffer.byteLength(mark);
  // Not within a character: its bytes after the first begin with the bits 10.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end) + mark;
}

function writeText(writer: ByteWriter, field: AuditTextField, text: string): void {
  const length = Buffer.byteLength(text);
  if (length > AUDIT_TEXT_LIMITS[field]) throw new RangeError(`${length} bytes of ${field} in an audit entry`);
  if (!text.isWellFormed()) throw new RangeError(`a lone surrogate in the ${field} of an audit entry`);
  writer.u16(length).text(text, length);
}

function writeObject(writer: ByteWriter, object: AuditObject | undefined): void {
  if (object === undefined) writer.u8(NO_OBJECT);
  else if ('hash' in object) writer.u8(HASHED).fixed(object.hash, AUDIT_HASH_LENGTH);
  else {
    if (object.name === '') throw new RangeError('an audit entry names an object by an empty name');
    writeText(writer.u8(NAMED), 'object', object.name);
  }
}

/** @throws RangeError for what no entry can hold */
export function encodeAuditEntry(entry: AuditEntry): Buffer {
  if (entry.sequence === 0) throw new RangeError('audit entries are counted from 1');
  if (entry.time > MAX_TIME) throw new RangeError('the time of an audit entry is out of range');
  if (entry.action === '') throw new RangeError('an audit entry has no action');
  const writer = new ByteWriter(256).u8(VERSION).u53(entry.sequence).u53(entry.time);
  writer.u53(entry.duration).u8(OUTCOMES.indexOf(entry.outcome) + 1);
  writeText(writer, 'action', entry.action);
  writeText(writer, 'principal', entry.principal);
  writeObject(writer, entry.object);
  writeText(writer, 'category', entry.category);
  writeText(writer, 'reason', entry.reason);
  writeText(writer, 'requestId', entry.requestId);
  return writer.finish();
}

function readText(reader: ByteReader, field: AuditTextField): string {
  const length = reader.u16();
  if (length > AUDIT_TEXT_LIMITS[field]) reader.fail(`its ${field} is too long`);
  return reader.text(length);
}

function readObject(reader: ByteReader): AuditObject | undefined {
  const kind = reader.u8();
  if (kind === NO_OBJECT) return undefined;
  if (kind === HASHED) return { hash: reader.copy(AUDIT_HASH_LENGTH) };
  if (kind !== NAMED) reader.fail('its kind of object is unknown');
  const name = readText(reader, 'object');
  if (name === '') reader.fail('it names an object by an empty name');
  return { name };
}

/** @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION` */
export function decodeAuditEntry(bytes: Uint8Array): AuditEntry {
  const reader: ByteReader = new ByteReader('the audit entry', bytes);
  reader.version(VERSION);
  const sequence = reader.u53();
  if (sequence === 0) reader.fail('its sequence number is 0');
  const time = reader.time();
  const duration = reader.u53();
  const outcome = OUTCOMES[reader.u8() - 1];
  if (outcome === undefined) reader.fail('its outcome is unknown');
  const action = readText(reader, 'action');
  if (action === '') reader.fail('it has no action');
  const principal = readText(reader, 'principal');
  const object = readObject(reader);
  const category = readText(reader, 'category');
  const reason = readText(reader, 'reason');
  const requestId = readText(reader, 'requestId');
  reader.end();
  const entry = { sequence, time, principal, action, category, outcome, reason, requestId, duration };
  return object === undefined ? entry : { ...entry, object };
}
