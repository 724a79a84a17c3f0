import type { FileReference, IndexEntry, PackedEnvelope, PackItem, SplitRecord } from '@securestore/core-format';
import {
  asBuffer,
  decodeEnvelopes,
  decodePack,
  encodeEnvelopes,
  envelopesName,
  joinRecord,
  PackBuilder,
  packedHeader,
  packItemLength,
  packName,
  PACK_START_LENGTH,
  recordLength,
  SecureStoreError,
  sha256,
} from '@securestore/core-format';
import { isUndecided } from '@securestore/jobs';
import { WorkGroup } from '@securestore/objects/internal';
import type { Destination } from './destination.ts';
import { damagedFile, decodingFile, withRetries } from './errors.ts';
import { checkDigest, readToReplace, readWhole, writeOnce } from './files.ts';
import { PackCache } from './pack-cache.ts';
import { WrittenMemory } from './written-memory.ts';

/** A pack is written once it has this many bytes. */
const PACK_BYTES: number = 4 * 1024 * 1024;
/** Set aside for the first one: most runs write little. */
const FIRST_PACK_BYTES: number = 256 * 1024;
const PACK_ITEMS = 8192;
/** Packs that are being written at a time. */
const WRITES = 2;
/** Bytes of packs that are kept in memory: a restore reads those that it needs about in their order. */
const CACHED_BYTES: number = 6 * PACK_BYTES;
const MAX_TRIES = 10;

/** The place of an item: its pack has no name before it is complete. */
export interface PackPlace {
  readonly slot: number;
  /** Set once the pack is written. */
  pack: FileReference | undefined;
}

/** The envelopes that were to be written for a pack. */
export interface WrittenEnvelopes {
  readonly pack: FileReference;
  readonly envelopes: readonly (PackedEnvelope | undefined)[];
}

/** Gathers items into packs and writes them. */
export class PackWriter {
  readonly #destination: Destination;
  readonly #epoch: number;
  readonly #signal: AbortSignal | undefined;
  #builder: PackBuilder | undefined;
  #envelopes: (PackedEnvelope | undefined)[] = [];
  #places: PackPlace[] = [];
  readonly #writing: WorkGroup;
  readonly #memory = new WrittenMemory(PACK_START_LENGTH + PACK_BYTES, WRITES + 1);
  #found: WrittenEnvelopes[] = [];
  /** The ids of the key versions of all envelopes that it has written, in hex. */
  readonly keyIds: Set<string> = new Set();

  constructor(destination: Destination, epoch: number, signal: AbortSignal | undefined) {
    this.#destination = destination;
    this.#epoch = epoch;
    this.#signal = signal;
    this.#writing = new WorkGroup(signal);
  }

  /** @throws SecureStoreError `TOO_LARGE` for what the destination can't hold; what writing the packs before threw */
  async add(item: PackItem, envelope: PackedEnvelope | undefined): Promise<PackPlace> {
    const limit = Math.min(PACK_BYTES, this.#destination.backend.capabilities.maxBodyBytes - 1024);
    if (this.#places.length > 0 && this.#length + packItemLength(item) > limit) await this.#flush();
    const place: PackPlace = { slot: this.#places.length, pack: undefined };
    this.#builder ??= new PackBuilder(FIRST_PACK_BYTES);
    this.#builder.add(item);
    this.#envelopes.push(envelope && ownEnvelope(envelope));
    this.#places.push(place);
    if (this.#length >= limit || this.#places.length >= PACK_ITEMS) await this.#flush();
    return place;
  }

  get #length(): number {
    return this.#builder?.length ?? 0;
  }

  /** The envelopes of packs that had envelopes already; given once. */
  get found(): readonly WrittenEnvelopes[] {
    const found = this.#found;
    this.#found = [];
    return found;
  }

  /** Resolves when everything that was added is written. */
  async finish(): Promise<void> {
    await this.#flush();
    await this.#writing.finish();
  }

  async #flush(): Promise<void> {
    // First, so that no further pack waits in memory.
    await this.#writing.below(WRITES);
    this.#writing.check();
    if (this.#builder === undefined || this.#places.length === 0) return;
    const memory = this.#memory.take(PACK_START_LENGTH + this.#length);
    const [body, envelopes, places] = [this.#builder.finish(memory), this.#envelopes, this.#places];
    this.#builder.clear();
    [this.#envelopes, this.#places] = [[], []];
    this.#writing.add(this.#write(body, envelopes, places));
  }

  async #write(body: Buffer, envelopes: (PackedEnvelope | undefined)[], places: PackPlace[]): Promise<void> {
    const { backend, url } = this.#destination;
    if (body.length > backend.capabilities.maxBodyBytes) {
      throw new SecureStoreError(
        'TOO_LARGE',
        `an object of ${body.length} bytes is too large for ${url}, which holds ${backend.capabilities.maxBodyBytes}`,
        { advice: [{ id: 'choose-store-url' }] },
      );
    }
    const pack = { epoch: this.#epoch, digest: sha256(body) };
    for (const envelope of envelopes)
      if (envelope !== undefined) this.keyIds.add(asBuffer(envelope.keyId).toString('hex'));
    const isThere = await writeOnce(backend, envelopesName(pack), encodeEnvelopes(envelopes), this.#signal);
    if (isThere) this.#found.push({ pack, envelopes });
    await writeOnce(backend, packName(pack), body, this.#signal, pack.digest);
    this.#memory.give(body);
    for (const place of places) place.pack = pack;
  }
}

/** An envelope whose memory is not that of a whole record. */
function ownEnvelope({ keyId, wrappedKey }: PackedEnvelope): PackedEnvelope {
  return { keyId: Buffer.from(keyId), wrappedKey: Buffer.from(wrappedKey) };
}

/** A pack in memory: its items are views of its bytes. */
interface LoadedPack {
  readonly bytes: Uint8Array;
  readonly items: readonly PackItem[];
  readonly envelopes: readonly (PackedEnvelope | undefined)[];
}

/** Gives memory of so many bytes. */
type Allocate = (bytes: number) => Buffer;

const allocateOne: Allocate = (bytes) => Buffer.allocUnsafe(bytes);

/** Reads packs, and keeps the last ones. */
export class PackReader {
  readonly #destination: Destination;
  readonly #cache = new PackCache<LoadedPack>(CACHED_BYTES);

  constructor(destination: Destination) {
    this.#destination = destination;
  }

  /**
   * The bytes that an entry of an index is about: of a record, with the envelope that it has now.
   *
   * @param allocate gives the memory for them
   * @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION`, and what the backend throws
   */
  async read(entry: IndexEntry, signal?: AbortSignal, allocate: Allocate = allocateOne): Promise<Buffer> {
    const { pack } = entry;
    const name = packName(pack);
    const load = (): Promise<LoadedPack> => decodingFile(() => this.#readPack(name, pack, signal));
    return this.#cache.with(name, load, (loaded) => recordIn(name, loaded, entry, allocate));
  }

  async #readPack(name: string, pack: FileReference, signal: AbortSignal | undefined): Promise<LoadedPack> {
    const { backend } = this.#destination;
    const [body, envelopes] = await Promise.all([
      readWhole(backend, name, signal),
      readWhole(backend, envelopesName(pack), signal),
    ]);
    checkDigest(name, body, pack.digest);
    const items = decodePack(body);
    const decoded = decodeEnvelopes(envelopes);
    if (decoded.length !== items.length) throw damagedFile(envelopesName(pack), 'it belongs to another pack');
    return { bytes: body, items, envelopes: decoded };
  }
}

/** A copy of what an entry is about. */
function recordIn(name: string, { items, envelopes }: LoadedPack, entry: IndexEntry, allocate: Allocate): Buffer {
  const item = items[entry.slot];
  if (item === undefined) throw damagedFile(name, 'it has fewer items than its index names');
  if (!isMeant(item, entry)) throw damagedFile(name, 'an item is not the one that its index names');
  if (item.headerBytes.length === 0) {
    const bytes = allocate(item.body.length);
    bytes.set(item.body);
    return bytes;
  }
  const envelope = envelopes[entry.slot];
  if (envelope === undefined) throw damagedFile(envelopesName(entry.pack), 'a record has no envelope');
  const { headerBytes, commitment, body } = item;
  return joinRecord(headerBytes, { ...envelope, commitment }, body, allocate(recordLength(headerBytes, body)));
}

/** Whether an item is the version that an entry names: an older one of the same object is just as genuine. */
function isMeant(item: PackItem, { kind, version, commitId }: IndexEntry): boolean {
  const header = packedHeader(item);
  if (header === undefined || kind === 'other') return header === undefined && kind === 'other';
  const isSame = header.version === version && asBuffer(header.commitId).equals(commitId);
  return isSame && (header.kind === 'object') === (kind === 'object');
}

/** The parts of a record that are stored in a pack, and with it. */
export function packedRecord({ headerBytes, envelope, sealedBody }: SplitRecord): {
  readonly item: PackItem;
  readonly envelope: PackedEnvelope;
} {
  return { item: { headerBytes, commitment: envelope.commitment, body: sealedBody }, envelope };
}

/**
 * Replaces envelopes of a pack, also if other processes do the same.
 *
 * @param replace is given the envelope in a slot, and gives the one that is to be there, or the same
 * @returns how many were replaced
 * @throws SecureStoreError `INTEGRITY`, and what the backend throws
 */
export async function replaceEnvelopes(
  { backend }: Destination,
  pack: FileReference,
  replace: (envelope: PackedEnvelope, slot: number) => PackedEnvelope,
  signal: AbortSignal | undefined,
): Promise<number> {
  const name = envelopesName(pack);
  return withRetries(isUndecided, MAX_TRIES, async () => {
    const { body, etag } = await readToReplace(backend, name, signal);
    let replaced = 0;
    const next = decodeEnvelopes(body).map((envelope, slot) => {
      const other = envelope && replace(envelope, slot);
      if (other !== envelope) replaced += 1;
      return other;
    });
    if (replaced > 0) await backend.write(name, encodeEnvelopes(next), { ifMatch: etag, signal });
    return replaced;
  });
}
