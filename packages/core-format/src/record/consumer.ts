import { asBuffer, ByteReader, ByteWriter } from '../bytes/bytes.ts';
import type { HintEntry } from './hint.ts';
import { readEntry, writeEntry } from './hint.ts';
import { ID_LENGTH } from './record.ts';

const VERSION = 1;
const CURSOR_LENGTH = ID_LENGTH + 8 + 1;
const MIN_PENDING_LENGTH = 8 + 2 + ID_LENGTH;

/** The largest state of a consumer in bytes, before sealing. */
export const MAX_CONSUMER_BYTES: number = 1024 * 1024;
/** The longest label of a consumer in bytes of UTF-8. */
export const MAX_CONSUMER_LABEL_BYTES = 64;

/** How far a consumer has read a stream. */
export interface StreamCursor {
  readonly writer: Uint8Array;
  /** The sequence number of the hint that it reads next. */
  readonly next: number;
  /** Whether it has read the end of the stream. */
  readonly closed: boolean;
}

/** A hint without a commit, so far. */
export interface PendingEntry extends HintEntry {
  /** When the hint was written, in milliseconds since 1970 by the backend's clock. */
  readonly written: number;
}

const PASSES = ['none', 'due', 'afresh'] as const;
/**
 * Whether a consumer owes a pass over all objects. `due`: hints are missing that should be there, so what the pass finds
 * unannounced was hidden; `afresh`: the journal wasn't kept for it, so it must look at everything without knowing what
 * was announced.
 */
export type PassOwed = (typeof PASSES)[number];

/** What a consumer of the journal has confirmed. */
export interface ConsumerState {
  readonly label: string;
  /** Milliseconds since 1970 by the clock of whoever registered it. */
  readonly started: number;
  /** The head generation from which on no commit happens without a hint. */
  readonly since: number;
  /** It was silent for so long that the journal isn't kept for it any more. It has no cursors then. */
  readonly expired: boolean;
  readonly pass: PassOwed;
  /** In ascending order of their writers. */
  readonly cursors: readonly StreamCursor[];
  /** In ascending order of their commit ids. */
  readonly pending: readonly PendingEntry[];
}

export function encodeConsumer(state: ConsumerState): Buffer {
  const label = Buffer.from(state.label, 'utf8');
  const writer = new ByteWriter(256)
    .u8(VERSION)
    .u8(label.length)
    .bytes(label)
    .u53(state.started)
    .u53(state.since)
    .u8(state.expired ? 1 : 0)
    .u8(PASSES.indexOf(state.pass))
    .u32(state.cursors.length);
  for (const cursor of state.cursors) {
    writer
      .fixed(cursor.writer, ID_LENGTH)
      .u53(cursor.next)
      .u8(cursor.closed ? 1 : 0);
  }
  writer.u32(state.pending.length);
  for (const { written, token, commitId } of state.pending) {
    writer.u53(written);
    writeEntry(writer, token, commitId);
  }
  return writer.finish();
}

function readFlag(reader: ByteReader): boolean {
  const value = reader.u8();
  if (value > 1) reader.fail('a flag is neither set nor not');
  return value === 1;
}

function readCount(reader: ByteReader, least: number): number {
  const count = reader.u32();
  if (count * least > reader.remaining) reader.fail('it ends too early');
  return count;
}

function checkOrder(reader: ByteReader, ids: readonly Uint8Array[]): void {
  const inOrder = ids.every((id, at) => at === 0 || Buffer.compare(ids[at - 1] ?? id, id) < 0);
  if (!inOrder) reader.fail('its entries are out of order');
}

/** @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION` */
export function decodeConsumer(bytes: Uint8Array): ConsumerState {
  const reader: ByteReader = new ByteReader('the state of a consumer', bytes);
  if (bytes.length > MAX_CONSUMER_BYTES) reader.fail('it is too long');
  reader.version(VERSION);
  const labelLength = reader.u8();
  if (labelLength === 0 || labelLength > MAX_CONSUMER_LABEL_BYTES) reader.fail('its label has the wrong length');
  const label = reader.text(labelLength);
  const started = reader.time();
  const since = reader.u53();
  const expired = readFlag(reader);
  const pass = PASSES[reader.u8()];
  if (pass === undefined) reader.fail('the kind of pass that it owes is unknown');
  const cursors = Array.from({ length: readCount(reader, CURSOR_LENGTH) }, () => ({
    writer: reader.copy(ID_LENGTH),
    next: reader.u53(),
    closed: readFlag(reader),
  }));
  const pending = Array.from({ length: readCount(reader, MIN_PENDING_LENGTH) }, () => ({
    written: reader.time(),
    ...readEntry(reader),
  }));
  reader.end();
  checkOrder(
    reader,
    cursors.map(({ writer }) => writer),
  );
  checkOrder(
    reader,
    pending.map(({ commitId }) => asBuffer(commitId)),
  );
  if (expired && (pass !== 'afresh' || cursors.length > 0 || pending.length > 0)) {
    reader.fail('it has expired and still keeps its place');
  }
  return { label, started, since, expired, pass, cursors, pending };
}
