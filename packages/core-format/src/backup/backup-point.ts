import { FILE_DIGEST_LENGTH } from './backup-names.ts';
import type { FileReference } from './backup-names.ts';
import { ByteReader, ByteWriter, isZero } from '../bytes/bytes.ts';
import { SecureStoreError } from '../errors/errors.ts';
import type { HistorySettings } from '../head/head.ts';
import { ID_LENGTH } from '../record/record.ts';

const VERSION = 1;
const DIGEST_LENGTH = 32;
const MAX_NAME_LENGTH = 640;

/** The largest point in bytes, before sealing. */
export const MAX_POINT_BYTES: number = 16 * 1024 * 1024 - 1024;

/** The longest label of a point in bytes of UTF-8. */
export const MAX_POINT_LABEL_BYTES = 128;

const KINDS = ['snapshot', 'changes'] as const;
/** Whether the index of a point is whole, or holds what has changed since the point before. */
export type PointKind = (typeof KINDS)[number];

/** A page of an index, as its point names it. */
export interface IndexPage extends FileReference {
  readonly firstToken: string;
  /** How many entries it has. */
  readonly count: number;
}

/** From one number of a point to another, both included. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

/** What a point holds. */
export interface PointTotals {
  readonly objects: number;
  /** Objects that are deleted, or purged. */
  readonly deleted: number;
  /** Versions of all objects, the current ones included. */
  readonly versions: number;
  /** Bytes of the records and payloads of all versions, as they are sealed. */
  readonly bytes: number;
}

/** A moment that can be restored. */
export interface Point {
  /** From 1, one more with each. */
  readonly number: number;
  /** SHA-256 of the body of the point before; all zero for the first. */
  readonly previous: Uint8Array;
  /** The instance and generation of the head that the run had confirmed when it published. */
  readonly instance: Uint8Array;
  readonly generation: number;
  /** Whatever was acknowledged before is in it: milliseconds since 1970 by the clock of the store's backend. */
  readonly time: number;
  /** How far servers of that backend may disagree about the time, in milliseconds. */
  readonly skew: number;
  /** When it was made, in milliseconds since 1970 by the clock of the process that made it. */
  readonly made: number;
  readonly kind: PointKind;
  /** The number of the snapshot that it builds on, which is itself for a snapshot. */
  readonly base: number;
  /** Whether what happened between the point before and this one can't be told, so that no moment in between can be restored. */
  readonly gap: boolean;
  /** Whether files that no point names are removed after it: see {@link FileReference}. */
  readonly collects: boolean;
  readonly label: string;
  /** How much of the past of an object the store keeps. */
  readonly history: HistorySettings;
  /** Points before it that were removed, or are about to be: in ascending order, not touching. */
  readonly removed: readonly NumberRange[];
  readonly totals: PointTotals;
  /** Versions and bytes that were copied for it. */
  readonly added: { readonly versions: number; readonly bytes: number };
  /** Of the versions of objects. */
  readonly pages: readonly IndexPage[];
  /** Of the audit log. */
  readonly others: readonly IndexPage[];
}

function writePages(writer: ByteWriter, pages: readonly IndexPage[]): void {
  writer.u32(pages.length);
  for (const { firstToken, epoch, digest, count } of pages) {
    writer.u16(firstToken.length).bytes(Buffer.from(firstToken, 'latin1'));
    writer.u53(epoch).fixed(digest, FILE_DIGEST_LENGTH).u32(count);
  }
}

const FLAGS = ['gap', 'collects'] as const;

/** How the numbers of a point contradict each other; `undefined` if they agree. */
function contradiction({ number, previous, kind, base, totals, pages, others }: Point): string | undefined {
  if (number === 0) return 'it has no number';
  if ((number === 1) !== isZero(previous)) return 'only the first one follows no other';
  if (kind === 'snapshot' ? base !== number : base === 0 || base >= number) {
    return 'what it builds on contradicts its kind';
  }
  if ([...pages, ...others].some(({ epoch }) => epoch === 0 || epoch > number)) {
    return 'it names a page of a run that was not before it';
  }
  if (totals.objects + totals.deleted > totals.versions) return 'it holds more objects than versions';
  const entries = pages.reduce((sum, { count }) => sum + count, 0);
  return kind === 'snapshot' && entries !== totals.versions ? 'its pages hold more or less than it says' : undefined;
}

/**
 * A point before sealing.
 *
 * @throws SecureStoreError `TOO_LARGE` for more pages than a reader takes
 * @throws RangeError if no reader would accept it, since its numbers contradict each other or its label is too long
 */
export function encodePoint(point: Point): Buffer {
  const label = Buffer.from(point.label, 'utf8');
  const wrong = label.length > MAX_POINT_LABEL_BYTES ? 'its label is too long' : contradiction(point);
  if (wrong !== undefined) throw new RangeError(`a recovery point cannot be written: ${wrong}`);
  const { totals, added } = point;
  const writer = new ByteWriter(4096)
    .u8(VERSION)
    .u53(point.number)
    .fixed(point.previous, DIGEST_LENGTH)
    .fixed(point.instance, ID_LENGTH)
    .u53(point.generation)
    .u53(point.time)
    .u32(point.skew)
    .u53(point.made)
    .u8(KINDS.indexOf(point.kind) + 1)
    .u53(point.base)
    .u8(FLAGS.reduce((bits, flag, at) => bits + (point[flag] ? 1 << at : 0), 0))
    .u8(label.length)
    .bytes(label)
    .u32(point.history.versions)
    .u32(point.history.days)
    .u32(point.removed.length);
  for (const { from, to } of point.removed) writer.u53(from).u53(to);
  writer.u53(totals.objects).u53(totals.deleted).u53(totals.versions).u53(totals.bytes);
  writer.u53(added.versions).u53(added.bytes);
  writePages(writer, point.pages);
  writePages(writer, point.others);
  if (writer.length <= MAX_POINT_BYTES) return writer.finish();
  throw new SecureStoreError(
    'TOO_LARGE',
    `a recovery point must have at most ${MAX_POINT_BYTES} bytes, got ${writer.length}`,
  );
}

function readPages(reader: ByteReader): IndexPage[] {
  const pages: IndexPage[] = [];
  const count = reader.u32();
  // Each takes bytes, so a false number ends early.
  for (let before = ''; pages.length < count;) {
    const length = reader.u16();
    if (length > MAX_NAME_LENGTH) reader.fail('the name of an object in it is too long');
    const firstToken = reader.view(length).toString('latin1');
    if (!/^[a-z0-9/._~-]+$/.test(firstToken)) reader.fail('it holds a name that no object can have');
    // The versions of one object may go over several pages.
    if (firstToken < before) reader.fail('its pages are out of order');
    before = firstToken;
    const page = { firstToken, epoch: reader.u53(), digest: reader.copy(FILE_DIGEST_LENGTH), count: reader.u32() };
    if (page.count === 0) reader.fail('it names a page without entries');
    pages.push(page);
  }
  return pages;
}

function readRemoved(reader: ByteReader, number: number): NumberRange[] {
  const ranges: NumberRange[] = [];
  const count = reader.u32();
  for (let least = 1; ranges.length < count;) {
    const range = { from: reader.u53(), to: reader.u53() };
    if (range.from < least || range.to < range.from || range.to >= number)
      reader.fail('what it removes is out of order');
    // Two that touch are one.
    least = range.to + 2;
    ranges.push(range);
  }
  return ranges;
}

function readFlags(reader: ByteReader): Pick<Point, (typeof FLAGS)[number]> {
  const bits = reader.u8();
  if (bits >= 1 << FLAGS.length) reader.fail('it has an unknown flag');
  return { gap: (bits & 1) !== 0, collects: (bits & 2) !== 0 };
}

/** @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION` */
export function decodePoint(bytes: Uint8Array): Point {
  const reader: ByteReader = new ByteReader('the point of the backup', bytes);
  if (bytes.length > MAX_POINT_BYTES) reader.fail('it is too long');
  reader.version(VERSION);
  const number = reader.u53();
  const fixed = {
    previous: reader.copy(DIGEST_LENGTH),
    instance: reader.copy(ID_LENGTH),
    generation: reader.u53(),
    time: reader.time(),
    skew: reader.u32(),
    made: reader.time(),
  };
  const kind = KINDS[reader.u8() - 1];
  if (kind === undefined) reader.fail('its kind is unknown');
  const base = reader.u53();
  const flags = readFlags(reader);
  const labelLength = reader.u8();
  if (labelLength > MAX_POINT_LABEL_BYTES) reader.fail('its label is too long');
  const label = reader.text(labelLength);
  const history = { versions: reader.u32(), days: reader.u32() };
  const removed = readRemoved(reader, number);
  const totals = { objects: reader.u53(), deleted: reader.u53(), versions: reader.u53(), bytes: reader.u53() };
  const added = { versions: reader.u53(), bytes: reader.u53() };
  const pages = readPages(reader);
  const others = readPages(reader);
  reader.end();
  const point = { number, ...fixed, kind, base, ...flags, label, history, removed, totals, added, pages, others };
  const wrong = contradiction(point);
  return wrong === undefined ? point : reader.fail(wrong);
}
