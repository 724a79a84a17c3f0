import { asBuffer, ByteReader, ByteWriter } from '../bytes/bytes.ts';
import { SecureStoreError } from '../errors/errors.ts';
import { ID_LENGTH, SIGNATURE_LENGTH } from './record.ts';

/** Checkpoints are versioned on their own. */
const CHECKPOINT_FORMAT = 1;
const DIGEST_LENGTH = 32;
const MAX_TOKEN_LENGTH = 640;

/** How many bytes of its commit id tell a version from another one of the same number, as in version strings. */
export const CHECKPOINT_COMMIT_LENGTH = 5;

/** The largest page of a checkpoint in bytes, before sealing. */
export const MAX_CHECKPOINT_PAGE_BYTES: number = 256 * 1024;

/** The largest root of a checkpoint in bytes, before sealing. */
export const MAX_CHECKPOINT_ROOT_BYTES: number = 8 * 1024 * 1024 - 1024;

/** The bytes of a page before its first entry. */
export const CHECKPOINT_PAGE_OVERHEAD = 5;

const KINDS = ['object', 'tombstone', 'purged'] as const;
/** What a checkpoint knows of a name: an object, one that was deleted, or one that was purged. */
export type CheckpointKind = (typeof KINDS)[number];

/** What a checkpoint holds of one name. */
export interface CheckpointEntry {
  readonly token: string;
  readonly kind: CheckpointKind;
  /** The number of the version. */
  readonly version: number;
  /** The first bytes of its commit id. */
  readonly commit: Uint8Array;
  /** SHA-256(H ‖ C ‖ B) of its record. */
  readonly digest: Uint8Array;
}

/** A page, as the root of its checkpoint names it. */
export interface CheckpointPage {
  readonly firstToken: string;
  /** The keyed digest of what it says, which is its name. */
  readonly id: Uint8Array;
  /** SHA-256 of its whole body. */
  readonly digest: Uint8Array;
  /** How many entries it has. */
  readonly count: number;
}

/** How many names of each kind. */
export type CheckpointTotals = Readonly<Record<CheckpointKind, number>>;

/** A checkpoint, as it is before signing. */
export interface CheckpointRoot {
  readonly instance: Uint8Array;
  /** When its cut began, in milliseconds since 1970. */
  readonly time: number;
  /** Under no lower generation of the head was anything acknowledged any more when the cut began. */
  readonly floor: number;
  readonly totals: CheckpointTotals;
  readonly pages: readonly CheckpointPage[];
}

/** A checkpoint cut into what is signed and the signature. */
export interface SignedCheckpoint {
  readonly root: CheckpointRoot;
  readonly signedBytes: Buffer;
  readonly signature: Buffer;
}

function writeToken(writer: ByteWriter, token: string): void {
  writer.u16(token.length).bytes(Buffer.from(token, 'latin1'));
}

function readToken(reader: ByteReader, before: string): string {
  const length = reader.u16();
  if (length > MAX_TOKEN_LENGTH) reader.fail('the name of an object in it is too long');
  const token = reader.view(length).toString('latin1');
  if (!/^[a-z0-9/._~-]+$/.test(token)) reader.fail('it holds a name that no object can have');
  if (token <= before) reader.fail('its names are out of order');
  return token;
}

/** The most bytes that an entry takes in a page. */
export const MAX_CHECKPOINT_ENTRY_BYTES: number =
  2 + MAX_TOKEN_LENGTH + 1 + 8 + CHECKPOINT_COMMIT_LENGTH + DIGEST_LENGTH;

/** The bytes that an entry takes in a page. */
export function checkpointEntryLength({ token }: Pick<CheckpointEntry, 'token'>): number {
  return 2 + token.length + 1 + 8 + CHECKPOINT_COMMIT_LENGTH + DIGEST_LENGTH;
}

/** A page before sealing. @param entries in the order of their tokens, at least one */
export function encodeCheckpointPage(entries: readonly CheckpointEntry[]): Buffer {
  const length = entries.reduce((sum, entry) => sum + checkpointEntryLength(entry), CHECKPOINT_PAGE_OVERHEAD);
  const writer = new ByteWriter(length).u8(CHECKPOINT_FORMAT).u32(entries.length);
  for (const { token, kind, version, commit, digest } of entries) {
    writeToken(writer, token);
    writer
      .u8(KINDS.indexOf(kind) + 1)
      .u53(version)
      .fixed(commit, CHECKPOINT_COMMIT_LENGTH)
      .fixed(digest, DIGEST_LENGTH);
  }
  return writer.finish();
}

function readFormat(reader: ByteReader): void {
  const found = reader.u8();
  if (found === CHECKPOINT_FORMAT) return;
  throw new SecureStoreError(
    'FORMAT_VERSION',
    `${reader.what} has format version ${found}, but this release reads version ${CHECKPOINT_FORMAT}`,
    { advice: [{ id: 'use-newer-release' }] },
  );
}

/** @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION` */
export function decodeCheckpointPage(bytes: Uint8Array): CheckpointEntry[] {
  const reader: ByteReader = new ByteReader('the page of a checkpoint', bytes);
  readFormat(reader);
  if (bytes.length > MAX_CHECKPOINT_PAGE_BYTES) reader.fail('it is too long');
  const count = reader.u32();
  if (count === 0) reader.fail('it has no entries');
  const entries: CheckpointEntry[] = [];
  for (let token = ''; entries.length < count;) {
    token = readToken(reader, token);
    const kind = KINDS[reader.u8() - 1];
    if (kind === undefined) reader.fail('an entry has an unknown kind');
    entries.push({
      token,
      kind,
      version: reader.u53(),
      commit: reader.copy(CHECKPOINT_COMMIT_LENGTH),
      digest: reader.copy(DIGEST_LENGTH),
    });
  }
  reader.end();
  return entries;
}

/** The bytes of a root that are signed. */
export function encodeCheckpointRoot(root: CheckpointRoot): Buffer {
  const writer = new ByteWriter(256)
    .u8(CHECKPOINT_FORMAT)
    .fixed(root.instance, ID_LENGTH)
    .u53(root.time)
    .u53(root.floor);
  for (const kind of KINDS) writer.u53(root.totals[kind]);
  writer.u32(root.pages.length);
  for (const { firstToken, id, digest, count } of root.pages) {
    writeToken(writer, firstToken);
    writer.fixed(id, DIGEST_LENGTH).fixed(digest, DIGEST_LENGTH).u32(count);
  }
  return writer.finish();
}

/**
 * A root before sealing.
 *
 * @throws SecureStoreError `TOO_LARGE` for more bytes than a reader takes
 */
export function joinCheckpointRoot(signedBytes: Uint8Array, signature: Uint8Array): Buffer {
  const length = signedBytes.length + SIGNATURE_LENGTH;
  if (length > MAX_CHECKPOINT_ROOT_BYTES) {
    throw new SecureStoreError(
      'TOO_LARGE',
      `the root of the checkpoint must have at most ${MAX_CHECKPOINT_ROOT_BYTES} bytes, got ${length}`,
    );
  }
  return new ByteWriter(length).bytes(signedBytes).fixed(signature, SIGNATURE_LENGTH).finish();
}

function readPages(reader: ByteReader): CheckpointPage[] {
  const pages: CheckpointPage[] = [];
  const count = reader.u32();
  for (let firstToken = ''; pages.length < count;) {
    firstToken = readToken(reader, firstToken);
    const page = {
      firstToken,
      id: reader.copy(DIGEST_LENGTH),
      digest: reader.copy(DIGEST_LENGTH),
      count: reader.u32(),
    };
    if (page.count === 0) reader.fail('it names a page without entries');
    pages.push(page);
  }
  return pages;
}

/** Parses a root; its signature is not verified. @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION` */
export function decodeCheckpointRoot(bytes: Uint8Array): SignedCheckpoint {
  const reader = new ByteReader('the checkpoint', bytes);
  readFormat(reader);
  if (bytes.length > MAX_CHECKPOINT_ROOT_BYTES) reader.fail('it is too long');
  const instance = reader.copy(ID_LENGTH);
  const time = reader.time();
  const floor = reader.u53();
  const totals = { object: reader.u53(), tombstone: reader.u53(), purged: reader.u53() };
  const pages = readPages(reader);
  const entries = pages.reduce((sum, { count }) => sum + count, 0);
  if (totals.object + totals.tombstone + totals.purged !== entries)
    reader.fail('its totals are not those of its pages');
  const signedBytes = asBuffer(bytes).subarray(0, reader.position);
  const signature = reader.copy(SIGNATURE_LENGTH);
  reader.end();
  return { root: { instance, time, floor, totals, pages }, signedBytes, signature };
}
