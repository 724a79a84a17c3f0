import { createHash } from 'node:crypto';
import { asBuffer, ByteReader, ByteWriter, isZero } from '../bytes/bytes.ts';
import { SecureStoreError } from '../errors/errors.ts';
import {
  COMMITMENT_LENGTH,
  decodeRecordHeader,
  ID_LENGTH,
  KEY_ID_LENGTH,
  KEY_LENGTH,
  TAG_LENGTH,
} from '../record/record.ts';
import type { RecordHeader } from '../record/record.ts';

const PACK_MAGIC = 'SSBD';
const ENVELOPES_MAGIC = 'SSBE';
const DIGESTS_MAGIC = 'SSBB';
const VERSION = 1;
const DIGEST_LENGTH = 32;
const WRAPPED_LENGTH = KEY_LENGTH + TAG_LENGTH;
const MAX_HEADER_LENGTH = 65_535;
/** The bytes that an item takes in the directory of its pack. */
const LEAST_ENTRY = 6;
const MOST_ENTRY: number = LEAST_ENTRY + MAX_HEADER_LENGTH + COMMITMENT_LENGTH;

/** What a pack holds before its directory: magic, version, number of items, length of the directory. */
export const PACK_START_LENGTH = 13;

/** The directory of a pack of 4 MiB, with objects of 4 KiB. */
const FIRST_DIRECTORY_BYTES: number = 128 * 1024;

/** One item of a pack: a record without what re-keying replaces, or bytes of another kind. */
export interface PackItem {
  /** H; empty for what is no record. */
  readonly headerBytes: Uint8Array;
  /** C; empty for what is no record. */
  readonly commitment: Uint8Array;
  /** B, or the bytes. */
  readonly body: Uint8Array;
}

/** What the directory of a pack says of one item. */
export interface PackEntry extends Omit<PackItem, 'body'> {
  /** The position of its body in the pack. */
  readonly start: number;
  readonly length: number;
}

/** The bytes that an item takes in a pack. */
export function packItemLength({ headerBytes, commitment, body }: PackItem): number {
  return 2 + headerBytes.length + commitment.length + 4 + body.length;
}

/** Makes a pack of items that come one after the other. Copies what it is given, so that their memory is not kept until the pack is complete. */
export class PackBuilder {
  readonly #directory: ByteWriter;
  readonly #bodies: ByteWriter;
  #count = 0;

  /**
   * @param bodies bytes of all bodies: the memory grows as needed, and more than this is copied once more
   * @param directory bytes of the rest, likewise
   */
  constructor(bodies: number, directory: number = FIRST_DIRECTORY_BYTES) {
    this.#bodies = new ByteWriter(bodies);
    this.#directory = new ByteWriter(directory);
  }

  /** How many items were added. */
  get count(): number {
    return this.#count;
  }

  /** The bytes that the items take. */
  get length(): number {
    return this.#directory.length + this.#bodies.length;
  }

  add({ headerBytes, commitment, body }: PackItem): void {
    this.#directory.u16(headerBytes.length).bytes(headerBytes);
    if (headerBytes.length > 0) this.#directory.fixed(commitment, COMMITMENT_LENGTH);
    this.#directory.u32(body.length);
    this.#bodies.bytes(body);
    this.#count += 1;
  }

  /**
   * The bytes of the pack.
   *
   * @param into memory for at least {@link PACK_START_LENGTH} and {@link length} bytes; by default new
   */
  finish(into: Buffer = Buffer.allocUnsafe(PACK_START_LENGTH + this.length)): Buffer {
    const pack = into.subarray(0, PACK_START_LENGTH + this.length);
    pack.write(PACK_MAGIC, 'latin1');
    pack.writeUInt8(VERSION, PACK_MAGIC.length);
    pack.writeUInt32BE(this.#count, PACK_MAGIC.length + 1);
    pack.writeUInt32BE(this.#directory.length, PACK_MAGIC.length + 5);
    pack.set(this.#directory.finish(), PACK_START_LENGTH);
    pack.set(this.#bodies.finish(), PACK_START_LENGTH + this.#directory.length);
    return pack;
  }

  /** Begins the next pack, in the same memory. */
  clear(): void {
    this.#directory.clear();
    this.#bodies.clear();
    this.#count = 0;
  }
}

/** The bytes of a pack. @param items at least one */
export function encodePack(items: readonly PackItem[]): Buffer {
  const bodies = items.reduce((sum, { body }) => sum + body.length, 0);
  const directory = items.reduce((sum, item) => sum + packItemLength(item), 0) - bodies;
  const builder = new PackBuilder(bodies, directory);
  for (const item of items) builder.add(item);
  return builder.finish();
}

/** How many items a pack has, and the position of its first body, by its first {@link PACK_START_LENGTH} bytes. @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION` */
export function decodePackStart(bytes: Uint8Array): { readonly count: number; readonly bodiesAt: number } {
  const reader = new ByteReader('the pack', bytes);
  reader.magic(PACK_MAGIC, VERSION);
  const count = reader.u32();
  const directory = reader.u32();
  if (count === 0) reader.fail('it is empty');
  if (directory < count * LEAST_ENTRY || directory > count * MOST_ENTRY) {
    reader.fail('its directory can not have this length');
  }
  return { count, bodiesAt: PACK_START_LENGTH + directory };
}

/**
 * The directory of a pack, as views of its bytes.
 *
 * @param bytes the pack, or as much of it as comes before its bodies
 * @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION`
 */
export function decodePackDirectory(bytes: Uint8Array): PackEntry[] {
  const { count, bodiesAt } = decodePackStart(bytes);
  const reader = new ByteReader('the pack', asBuffer(bytes).subarray(0, bodiesAt)).skip(PACK_START_LENGTH);
  const entries: PackEntry[] = [];
  let start = bodiesAt;
  // Each takes bytes, so a false number ends early.
  while (entries.length < count) {
    const headerBytes = reader.view(reader.u16());
    const commitment = reader.view(headerBytes.length === 0 ? 0 : COMMITMENT_LENGTH);
    const length = reader.u32();
    entries.push({ headerBytes, commitment, start, length });
    start += length;
  }
  reader.end();
  return entries;
}

/** All items of a whole pack, as views of its bytes. @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION` */
export function decodePack(bytes: Uint8Array): PackItem[] {
  const entries = decodePackDirectory(bytes);
  const last = entries.at(-1);
  const reader = new ByteReader('the pack', bytes);
  if (last === undefined || last.start + last.length !== bytes.length)
    reader.fail('it has another length than it says');
  return entries.map(({ headerBytes, commitment, start, length }) => ({
    headerBytes,
    commitment,
    body: asBuffer(bytes).subarray(start, start + length),
  }));
}

/** H of an item, parsed; `undefined` for what is no record. @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION` */
export function packedHeader({ headerBytes }: Pick<PackItem, 'headerBytes'>): RecordHeader | undefined {
  return headerBytes.length === 0 ? undefined : decodeRecordHeader(headerBytes);
}

/** The part of a record that re-keying replaces, but for C, which it leaves. */
export interface PackedEnvelope {
  readonly keyId: Uint8Array;
  readonly wrappedKey: Uint8Array;
}

/** What the envelopes of a pack have in the place of an item that is no record; no key has an id of zeros. */
const NO_ENVELOPE: Buffer = Buffer.alloc(KEY_ID_LENGTH + WRAPPED_LENGTH);

/** The envelopes of a pack, in its order, at least one. @param envelopes `undefined` for what is no record */
export function encodeEnvelopes(envelopes: readonly (PackedEnvelope | undefined)[]): Buffer {
  const writer = new ByteWriter(9 + envelopes.length * NO_ENVELOPE.length + DIGEST_LENGTH)
    .bytes(Buffer.from(ENVELOPES_MAGIC, 'latin1'))
    .u8(VERSION)
    .u32(envelopes.length);
  for (const envelope of envelopes) {
    if (envelope === undefined) writer.bytes(NO_ENVELOPE);
    else writer.fixed(envelope.keyId, KEY_ID_LENGTH).fixed(envelope.wrappedKey, WRAPPED_LENGTH);
  }
  return withChecksum(writer.finish());
}

/**
 * The envelopes of a pack, as views of the bytes. What damages them by accident shows here; on purpose, when they are opened.
 *
 * @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION`
 */
export function decodeEnvelopes(bytes: Uint8Array): (PackedEnvelope | undefined)[] {
  const reader = new ByteReader('the envelopes of the pack', bytes);
  reader.magic(ENVELOPES_MAGIC, VERSION);
  const count = reader.u32();
  if (count === 0) reader.fail('there are none');
  if (reader.remaining !== count * NO_ENVELOPE.length + DIGEST_LENGTH)
    reader.fail('they have another length than they say');
  const envelopes = Array.from({ length: count }, () => {
    const keyId = reader.view(KEY_ID_LENGTH);
    const wrappedKey = reader.view(WRAPPED_LENGTH);
    return isZero(keyId) && isZero(wrappedKey) ? undefined : { keyId, wrappedKey };
  });
  const digest = sha256(asBuffer(bytes).subarray(0, reader.position));
  if (!digest.equals(reader.view(DIGEST_LENGTH))) reader.fail('their checksum does not match');
  return envelopes;
}

/** The digests of the parts of a payload, in their order, at least one. */
export function encodeBlobDigests(blobId: Uint8Array, digests: readonly Uint8Array[]): Buffer {
  const writer = new ByteWriter(9 + ID_LENGTH + digests.length * DIGEST_LENGTH)
    .bytes(Buffer.from(DIGESTS_MAGIC, 'latin1'))
    .u8(VERSION)
    .fixed(blobId, ID_LENGTH)
    .u32(digests.length);
  for (const digest of digests) writer.fixed(digest, DIGEST_LENGTH);
  return withChecksum(writer.finish());
}

/** @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION` */
export function decodeBlobDigests(bytes: Uint8Array, blobId: Uint8Array): Buffer[] {
  const what = 'the list of the parts of a payload';
  new ByteReader(what, bytes).magic(DIGESTS_MAGIC, VERSION);
  const reader = new ByteReader(what, splitChecksum(what, bytes));
  reader.magic(DIGESTS_MAGIC, VERSION);
  if (!reader.view(ID_LENGTH).equals(blobId)) reader.fail('it is of another payload');
  const count = reader.u32();
  if (count === 0) reader.fail('it is empty');
  if (reader.remaining !== count * DIGEST_LENGTH) reader.fail('it has another length than it says');
  return Array.from({ length: count }, () => reader.copy(DIGEST_LENGTH));
}

/** Bytes with a checksum that shows whether they have changed since. */
export function withChecksum(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, sha256(bytes)]);
}

/** The bytes without their checksum. @throws SecureStoreError `INTEGRITY` if it is not theirs */
export function splitChecksum(what: string, bytes: Uint8Array): Buffer {
  const at = Math.max(0, bytes.length - DIGEST_LENGTH);
  const rest = asBuffer(bytes).subarray(0, at);
  if (sha256(rest).equals(asBuffer(bytes).subarray(at))) return rest;
  throw new SecureStoreError('INTEGRITY', `${what} is damaged: its checksum does not match`);
}

/** By what files of a destination are named. */
export function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** Whether H can be packed: its length takes two bytes. */
export function isPackable(headerBytes: Uint8Array): boolean {
  return headerBytes.length <= MAX_HEADER_LENGTH;
}
