import { ByteReader, ByteWriter } from '../bytes/bytes.ts';
import { ID_LENGTH } from './record.ts';

const VERSION = 1;
const FIXED_LENGTH = 1 + 1 + 8 + 2;
const ENTRY_FIXED_LENGTH = 2 + ID_LENGTH;
const MAX_TOKEN_LENGTH = 640;

/** The largest hint in bytes, before sealing: it fits into a body of every backend. */
export const MAX_HINT_BYTES: number = 32 * 1024;

const KINDS = ['hint', 'close'] as const;

/** A commit that is about to happen. */
export interface HintEntry {
  readonly token: string;
  readonly commitId: Uint8Array;
}

/** One object of a writer's stream: what is about to change, or that the stream ends here. */
export interface Hint {
  readonly kind: (typeof KINDS)[number];
  /** The head generation that whoever wrote it had confirmed. */
  readonly generation: number;
  /** At least one for a hint, none for a close. */
  readonly entries: readonly HintEntry[];
}

/** How many bytes an entry takes in a hint. */
export function hintEntryLength(token: string): number {
  return ENTRY_FIXED_LENGTH + token.length;
}

/** The bytes that are left for entries in a hint. */
export const HINT_ROOM: number = MAX_HINT_BYTES - FIXED_LENGTH;

/** @throws RangeError for more entries than fit, which is the caller's to prevent */
export function encodeHint(hint: Hint): Buffer {
  const writer = new ByteWriter(256)
    .u8(VERSION)
    .u8(KINDS.indexOf(hint.kind) + 1)
    .u53(hint.generation)
    .u16(hint.entries.length);
  for (const { token, commitId } of hint.entries) writeEntry(writer, token, commitId);
  if (writer.length > MAX_HINT_BYTES) throw new RangeError(`a hint of ${writer.length} bytes`);
  return writer.finish();
}

/** @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION` */
export function decodeHint(bytes: Uint8Array): Hint {
  const reader: ByteReader = new ByteReader('the journal hint', bytes);
  if (bytes.length > MAX_HINT_BYTES) reader.fail('it is too long');
  reader.version(VERSION);
  const kind = KINDS[reader.u8() - 1];
  if (kind === undefined) reader.fail('its kind is unknown');
  const generation = reader.u53();
  const count = reader.u16();
  if ((kind === 'close') !== (count === 0)) reader.fail('it has the wrong number of entries');
  if (count * ENTRY_FIXED_LENGTH > reader.remaining) reader.fail('it ends too early');
  const entries = Array.from({ length: count }, () => readEntry(reader));
  reader.end();
  return { kind, generation, entries };
}

/** A token and a commit id, as hints and consumers write them. */
export function writeEntry(writer: ByteWriter, token: string, commitId: Uint8Array): void {
  writer.u16(token.length).bytes(Buffer.from(token, 'latin1')).fixed(commitId, ID_LENGTH);
}

/** @throws SecureStoreError `INTEGRITY` */
export function readEntry(reader: ByteReader): { token: string; commitId: Buffer } {
  const length = reader.u16();
  if (length > MAX_TOKEN_LENGTH) reader.fail('a token is too long');
  const token = reader.view(length).toString('latin1');
  if (!/^[a-z0-9/._~-]+$/.test(token)) reader.fail('it holds what is no token');
  return { token, commitId: reader.copy(ID_LENGTH) };
}
