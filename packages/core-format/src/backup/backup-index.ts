import { FILE_DIGEST_LENGTH } from './backup-names.ts';
import type { FileReference } from './backup-names.ts';
import { BLOB_PREFIX_LENGTH } from '../record/blob.ts';
import { asBuffer, ByteReader, ByteWriter, isZero } from '../bytes/bytes.ts';
import { ID_LENGTH, TOMBSTONE_LENGTH } from '../record/record.ts';

const VERSION = 1;
const MAX_NAME_LENGTH = 640;
const DIGEST_LENGTH = 32;

/** The largest page of an index in bytes, before sealing. */
export const MAX_INDEX_PAGE_BYTES: number = 512 * 1024;

const KINDS = ['object', 'tombstone', 'purged', 'other'] as const;
/** `purged` is the tombstone that a purge leaves: there is nothing before it. `other` is a part of the audit log. */
export type IndexKind = (typeof KINDS)[number];

/** Where the payload of a version lies at the destination. */
export interface IndexedBlob {
  readonly epoch: number;
  readonly blobId: Uint8Array;
  readonly partSize: number;
  readonly sealedLength: number;
  /** SHA-256 of the list of the digests of its parts. */
  readonly digest: Uint8Array;
}

/** One version of an object as an index knows it; or, of the kind `other`, one backend object. */
export interface IndexEntry {
  /** The token of the object; the backend name of an `other`. */
  readonly token: string;
  readonly kind: IndexKind;
  /** Of an object, whether its past begins with it: what is known from before under its name is none of it. */
  readonly first?: boolean | undefined;
  /** The number of the version; 0 for an `other`. */
  readonly version: number;
  /** All zero for an `other`. */
  readonly commitId: Uint8Array;
  /** SHA-256(H ‖ C ‖ B), or of the bytes of an `other`. */
  readonly digest: Uint8Array;
  /** The bytes of the whole record, E included. */
  readonly size: number;
  readonly pack: FileReference;
  /** The place in the pack. */
  readonly slot: number;
  readonly blob?: IndexedBlob | undefined;
}

/** The order of entries: by token, of each the newest version first, of one version by commit. */
export function compareIndexEntries(
  a: Pick<IndexEntry, 'token' | 'version' | 'commitId'>,
  b: Pick<IndexEntry, 'token' | 'version' | 'commitId'>,
): number {
  if (a.token !== b.token) return a.token < b.token ? -1 : 1;
  return b.version - a.version || Buffer.compare(a.commitId, b.commitId);
}

/** About how many bytes an entry takes in a page: never more. */
export function indexEntryLength({ token, blob }: Pick<IndexEntry, 'token' | 'blob'>): number {
  return 2 + token.length + 1 + 8 + ID_LENGTH + DIGEST_LENGTH + 4 + 6 + 40 + (blob === undefined ? 0 : 68);
}

const keyOf = ({ epoch, digest }: FileReference): string => `${epoch} ${asBuffer(digest).toString('latin1')}`;

/**
 * A page before sealing.
 *
 * @param entries in their order, at least one
 * @throws RangeError where one lies in a pack that is not written yet
 */
export function encodeIndexPage(entries: readonly IndexEntry[]): Buffer {
  const packs = new Map<string, { readonly at: number; readonly pack: FileReference }>();
  for (const { pack } of entries) {
    if (pack.epoch === 0) throw new RangeError('an entry of an index lies in no pack');
    const key = keyOf(pack);
    if (!packs.has(key)) packs.set(key, { at: packs.size, pack });
  }
  const length = entries.reduce((sum, entry) => sum + indexEntryLength(entry), 16);
  const writer = new ByteWriter(length).u8(VERSION).u16(packs.size);
  for (const { pack } of packs.values()) writer.u53(pack.epoch).fixed(pack.digest, FILE_DIGEST_LENGTH);
  writer.u32(entries.length);
  let before = '';
  for (const { token, kind, first, version, commitId, digest, size, pack, slot, blob } of entries) {
    // What has many versions says its name once.
    const name = token === before ? '' : token;
    before = token;
    writer.u16(name.length).bytes(Buffer.from(name, 'latin1'));
    writer.u8((KINDS.indexOf(kind) + 1) * 4 + (first === true ? 2 : 0) + (blob === undefined ? 0 : 1));
    writer.u53(version).fixed(commitId, ID_LENGTH).fixed(digest, DIGEST_LENGTH).u32(size);
    writer.u16(packs.get(keyOf(pack))?.at ?? 0).u32(slot);
    if (blob === undefined) continue;
    writer.u53(blob.epoch).fixed(blob.blobId, ID_LENGTH).u32(blob.partSize).u53(blob.sealedLength);
    writer.fixed(blob.digest, DIGEST_LENGTH);
  }
  return writer.finish();
}

function readBlob(reader: ByteReader): IndexedBlob {
  const blob = {
    epoch: reader.u53(),
    blobId: reader.copy(ID_LENGTH),
    partSize: reader.u32(),
    sealedLength: reader.u53(),
    digest: reader.copy(DIGEST_LENGTH),
  };
  if (blob.epoch === 0) reader.fail('a payload in it belongs to no run');
  if (blob.partSize === 0 || blob.sealedLength < BLOB_PREFIX_LENGTH) reader.fail('the sizes of a payload can not be');
  return blob;
}

/** The packs that a page names, in the order in which its entries come to them. */
class PackTable {
  readonly #reader: ByteReader;
  readonly #packs: readonly FileReference[];
  #used = 0;

  constructor(reader: ByteReader) {
    this.#reader = reader;
    this.#packs = Array.from({ length: reader.u16() }, () => ({
      epoch: reader.u53(),
      digest: reader.copy(FILE_DIGEST_LENGTH),
    }));
    if (this.#packs.some(({ epoch }) => epoch === 0)) reader.fail('a pack in it belongs to no run');
    if (new Set(this.#packs.map(keyOf)).size < this.#packs.length) reader.fail('it names a pack twice');
  }

  /** The pack that the next entry is in. */
  next(): FileReference {
    const at = this.#reader.u16();
    if (at > this.#used) this.#reader.fail('its packs are out of order');
    if (at === this.#used) this.#used += 1;
    return this.#packs[at] ?? this.#reader.fail('an entry is in a pack that it does not name');
  }

  end(): void {
    if (this.#used < this.#packs.length) this.#reader.fail('it names a pack that nothing in it is in');
  }
}

function readName(reader: ByteReader, before: string): string {
  const length = reader.u16();
  if (length > MAX_NAME_LENGTH) reader.fail('the name of an object in it is too long');
  const name = length === 0 ? before : reader.view(length).toString('latin1');
  if (!/^[a-z0-9/._~-]+$/.test(name)) reader.fail('it holds a name that no object can have');
  if (length > 0 && name === before) reader.fail('it says the same name twice');
  return name;
}

/** What of an entry must be so by its kind. */
function checkKind(reader: ByteReader, { kind, version, commitId, size }: IndexEntry): void {
  if ((kind === 'other') !== isZero(commitId)) reader.fail('only what is a version of an object has a commit');
  if (kind === 'other' && version !== 0) reader.fail('what is no version of an object has a number of one');
  if ((kind === 'tombstone' || kind === 'purged') && size !== TOMBSTONE_LENGTH) {
    reader.fail('a tombstone has one fixed size');
  }
}

function readEntry(reader: ByteReader, packs: PackTable, before: string): IndexEntry {
  const token = readName(reader, before);
  const code = reader.u8();
  const kind = KINDS[(code >> 2) - 1];
  if (kind === undefined) reader.fail('an entry has an unknown kind');
  const fields = {
    token,
    kind,
    version: reader.u53(),
    commitId: reader.copy(ID_LENGTH),
    digest: reader.copy(DIGEST_LENGTH),
    size: reader.u32(),
    pack: packs.next(),
    slot: reader.u32(),
  };
  checkKind(reader, fields);
  if ((code & 3) !== 0 && kind !== 'object') reader.fail('only objects begin a past, or have payloads of their own');
  const beginning = (code & 2) === 0 ? fields : { ...fields, first: true };
  return (code & 1) === 0 ? beginning : { ...beginning, blob: readBlob(reader) };
}

/** @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION` */
export function decodeIndexPage(bytes: Uint8Array): IndexEntry[] {
  const reader = new ByteReader('the page of the index', bytes);
  if (bytes.length > MAX_INDEX_PAGE_BYTES) reader.fail('it is too long');
  reader.version(VERSION);
  const packs = new PackTable(reader);
  const count = reader.u32();
  if (count === 0) reader.fail('it has no entries');
  const entries: IndexEntry[] = [];
  while (entries.length < count) {
    const before = entries.at(-1);
    const entry = readEntry(reader, packs, before?.token ?? '');
    if (before !== undefined && compareIndexEntries(before, entry) >= 0) reader.fail('its entries are out of order');
    entries.push(entry);
  }
  packs.end();
  reader.end();
  return entries;
}
