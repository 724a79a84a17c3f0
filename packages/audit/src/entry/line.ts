import type { AuditEntry, AuditLink, SignedAuditHeader } from '@securestore/core-format';
import {
  AUDIT_MAC_LENGTH,
  decodeAuditEntry,
  decodeAuditHeader,
  decodeBase32,
  encodeBase32,
} from '@securestore/core-format';
import { isCount } from '@securestore/jobs';
import type { ChainedEntry, ChainedHeader } from './chain.ts';
import type { AuditLine } from '../sink/sink.ts';

/** What every line begins with, and no text within a line can hold, since its quotes would be escaped. */
export const LINE_START = '{"audit":1,';

/** What every line of a header holds. */
export const HEADER_MEMBER = '"header":';

/** A line as it was read: nothing of it is verified. */
export type ParsedLine = ParsedHeader | ParsedEntry;

export interface ParsedHeader {
  readonly kind: 'header';
  readonly segment: string;
  readonly bytes: Buffer;
  readonly mac: Buffer;
  /** `undefined` where the bytes are none of a header. */
  readonly signed: SignedAuditHeader | undefined;
  /** Whether the line is exactly what is written for its bytes. */
  readonly faithful: boolean;
}

export interface ParsedEntry {
  readonly kind: 'entry';
  readonly segment: string;
  readonly sequence: number;
  readonly batch: number;
  readonly bytes: Buffer;
  readonly mac: Buffer;
  /** `undefined` where the bytes are none of an entry. */
  readonly entry: AuditEntry | undefined;
  /** Whether the line is exactly what is written for its bytes: what people read is what is under the MAC. */
  readonly faithful: boolean;
}

// What JSON leaves as it is, although it breaks lines or hides text on a screen. The list never changes: lines are compared.
const INVISIBLE = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

function jsonLine(value: object): string {
  return JSON.stringify(value).replace(INVISIBLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

function linkOf({ segment, count, mac }: AuditLink): object {
  return { segment: encodeBase32(segment), count, mac: text(mac) };
}

/** The line of a header, without its end. */
export function headerLine({ header, bytes, mac }: ChainedHeader): string {
  return jsonLine({
    audit: 1,
    segment: encodeBase32(header.segment),
    started: new Date(header.started).toISOString(),
    instance: Buffer.from(header.instance).toString('hex'),
    previous: header.previous.map(linkOf),
    header: text(bytes),
    mac: text(mac),
  });
}

function objectOf({ object }: AuditEntry): object {
  if (object === undefined) return {};
  return 'hash' in object ? { objectHash: text(object.hash) } : { object: object.name };
}

const given = <K extends string>(name: K, value: string): object => (value === '' ? {} : { [name]: value });

/** The line of an entry, without its end. */
export function entryLine(segment: Uint8Array, { entry, batch, bytes, mac }: ChainedEntry): string {
  return jsonLine({
    audit: 1,
    segment: encodeBase32(segment),
    sequence: entry.sequence,
    batch,
    time: new Date(entry.time).toISOString(),
    ...given('principal', entry.principal),
    action: entry.action,
    ...objectOf(entry),
    ...given('category', entry.category),
    outcome: entry.outcome,
    ...given('reason', entry.reason),
    ...given('requestId', entry.requestId),
    ...(entry.duration === 0 ? {} : { microseconds: entry.duration }),
    entry: text(bytes),
    mac: text(mac),
  });
}

/** The line of a header, as sinks are given it. */
export function lineOfHeader(header: ChainedHeader): AuditLine {
  return { sequence: 0, stored: { ...header, batch: 0 }, text: headerLine(header) };
}

/** The line of an entry, as sinks are given it: its text is made only where a sink wants text. */
export class EntryLine implements AuditLine {
  readonly stored: ChainedEntry;
  readonly #segment: Uint8Array;
  #text: string | undefined;

  constructor(segment: Uint8Array, chained: ChainedEntry) {
    this.#segment = segment;
    this.stored = chained;
  }

  get sequence(): number {
    return this.stored.entry.sequence;
  }

  get text(): string {
    this.#text ??= entryLine(this.#segment, this.stored);
    return this.#text;
  }
}

function bytesOf(value: unknown): Buffer | undefined {
  return typeof value === 'string' ? Buffer.from(value, 'base64url') : undefined;
}

/** What `decode` gives, `undefined` where it refuses. */
function attempt<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}

function parseHeader(line: string, segment: string, bytes: Buffer, mac: Buffer): ParsedHeader {
  const signed = attempt(() => decodeAuditHeader(bytes));
  const faithful = signed !== undefined && headerLine({ header: signed.header, bytes, mac }) === line;
  return { kind: 'header', segment, bytes, mac, signed, faithful };
}

/** @returns `undefined` for what is no line of a log, such as the torn one that a crash leaves */
export function parseLine(line: string): ParsedLine | undefined {
  if (!line.startsWith(LINE_START)) return undefined;
  const found = attempt(() => JSON.parse(line) as Readonly<Record<string, unknown>>);
  if (found === undefined || typeof found['segment'] !== 'string') return undefined;
  const { segment, sequence, batch } = found;
  const id = decodeBase32(segment);
  const mac = bytesOf(found['mac']);
  if (id === undefined || mac?.length !== AUDIT_MAC_LENGTH) return undefined;
  const header = bytesOf(found['header']);
  if (header !== undefined) return parseHeader(line, segment, header, mac);
  const bytes = bytesOf(found['entry']);
  if (bytes === undefined || !isCount(sequence) || !isCount(batch)) return undefined;
  const entry = attempt(() => decodeAuditEntry(bytes));
  const faithful = entry !== undefined && entryLine(id, { entry, batch, bytes, mac }) === line;
  return { kind: 'entry', segment, sequence: entry?.sequence ?? sequence, batch, bytes, mac, entry, faithful };
}
