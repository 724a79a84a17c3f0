import type { IndexedBlob, IndexEntry, IndexKind, PackedEnvelope, SplitRecord } from '@securestore/core-format';
import { asBuffer, copyOf, isZero, packName } from '@securestore/core-format';
import { recordDigest } from '@securestore/crypto';
import type { Destination } from './destination.ts';
import type { PackPlace, PackWriter } from './packs.ts';
import { packedRecord, replaceEnvelopes } from './packs.ts';

/** What an entry has for a pack that is not written yet. */
const UNWRITTEN = { epoch: 0, digest: Buffer.alloc(32) };

type Draft = { -readonly [K in keyof IndexEntry]: IndexEntry[K] };

/** What a run has added to an index, by token, and the envelopes that it found to be others. */
export class PendingEntries {
  readonly entries: Map<string, IndexEntry[]> = new Map();
  readonly #destination: Destination;
  readonly #packs: PackWriter;
  #unwritten: { readonly entry: Draft; readonly place: PackPlace }[] = [];
  /** The ids of the key versions that its own entries are written under, in hex. */
  #writtenUnder = new Map<IndexEntry, string>();
  #envelopes: { readonly entry: IndexEntry; readonly envelope: PackedEnvelope }[] = [];

  constructor(destination: Destination, packs: PackWriter) {
    this.#destination = destination;
    this.#packs = packs;
  }

  /** The ids of the key versions that what was written is under, in hex. */
  get keyIds(): ReadonlySet<string> {
    return this.#packs.keyIds;
  }

  /** How much of it is in memory: objects, and envelopes. */
  get size(): number {
    return this.entries.size + this.#envelopes.length;
  }

  get(token: string): readonly IndexEntry[] {
    return this.entries.get(token) ?? [];
  }

  #put(entry: Draft, place: PackPlace): void {
    this.#unwritten.push({ entry, place });
    this.take(entry);
  }

  /** Adds what lies at the destination already. */
  take(entry: IndexEntry): void {
    const others = this.entries.get(entry.token);
    if (others === undefined) this.entries.set(entry.token, [entry]);
    else others.push(entry);
  }

  /** Adds a version of an object. @returns its bytes */
  async addRecord(token: string, record: SplitRecord, size: number, blob: IndexedBlob | undefined): Promise<void> {
    const { header } = record;
    const isPurge = header.kind === 'tombstone' && isZero(header.previousCommitId);
    const kind: IndexKind = isPurge ? 'purged' : header.kind === 'tombstone' ? 'tombstone' : 'object';
    const { item, envelope } = packedRecord(record);
    const digest = recordDigest(record);
    const place = await this.#packs.add(item, envelope);
    const { version } = header;
    const begins = kind === 'object' && isZero(header.previousCommitId);
    const entry = {
      token,
      kind,
      ...(begins ? { first: true } : {}),
      version,
      commitId: copyOf(header.commitId),
      digest,
      size,
      pack: UNWRITTEN,
      slot: place.slot,
    };
    const draft = blob === undefined ? entry : { ...entry, blob };
    this.#put(draft, place);
    this.#writtenUnder.set(draft, idOf(envelope));
  }

  /** Adds bytes of another kind under their name. */
  async addOther(name: string, body: Uint8Array, digest: Buffer): Promise<void> {
    const empty = new Uint8Array();
    const place = await this.#packs.add({ headerBytes: empty, commitment: empty, body }, undefined);
    const fixed = { token: name, kind: 'other' as const, version: 0, commitId: Buffer.alloc(16), digest };
    this.#put({ ...fixed, size: body.length, pack: UNWRITTEN, slot: place.slot }, place);
  }

  /** Notes that a version that is known has this envelope now. */
  reseal(entry: IndexEntry, envelope: PackedEnvelope): void {
    // Most of a copy is announced as well, and so seen twice.
    if (this.#writtenUnder.get(entry) === idOf(envelope)) return;
    const { keyId, wrappedKey } = envelope;
    this.#envelopes.push({ entry, envelope: { keyId: copyOf(keyId), wrappedKey: copyOf(wrappedKey) } });
  }

  /**
   * Writes everything that was added: from then on the entries say where it lies.
   *
   * @param order how new keys are, by their ids: an envelope never replaces one under a newer key
   * @returns how many envelopes were replaced
   */
  async finish(order: ReadonlyMap<string, number>, signal: AbortSignal | undefined): Promise<number> {
    await this.#packs.finish();
    const keyAt = (envelope: PackedEnvelope): number => order.get(idOf(envelope)) ?? 0;
    const isNewer = (next: PackedEnvelope, before: PackedEnvelope): boolean => keyAt(next) >= keyAt(before);
    // Left by a run that was interrupted, maybe before keys were renewed.
    const ours = this.#packs.found;
    for (const { entry, place } of this.#unwritten) if (place.pack !== undefined) entry.pack = place.pack;
    this.#unwritten = [];
    this.#writtenUnder.clear();
    const byPack = Map.groupBy(this.#envelopes, ({ entry }) => packName(entry.pack));
    this.#envelopes = [];
    let replaced = 0;
    for (const { pack, envelopes } of ours) {
      const renew = (before: PackedEnvelope, slot: number): PackedEnvelope => {
        const next = envelopes[slot];
        return next !== undefined && !isSameEnvelope(next, before) && isNewer(next, before) ? next : before;
      };
      await replaceEnvelopes(this.#destination, pack, renew, signal);
    }
    for (const found of byPack.values()) {
      const pack = found[0]?.entry.pack;
      if (pack === undefined) continue;
      const bySlot = new Map(found.map(({ entry, envelope }) => [entry.slot, envelope]));
      const replace = (before: PackedEnvelope, slot: number): PackedEnvelope => {
        const next = bySlot.get(slot);
        const isOther = next !== undefined && !asBuffer(next.keyId).equals(before.keyId);
        return isOther && isNewer(next, before) ? next : before;
      };
      replaced += await replaceEnvelopes(this.#destination, pack, replace, signal);
    }
    return replaced;
  }
}

/** The id of the key version that an envelope is under, in hex. */
function idOf({ keyId }: PackedEnvelope): string {
  return asBuffer(keyId).toString('hex');
}

function isSameEnvelope(a: PackedEnvelope, b: PackedEnvelope): boolean {
  return asBuffer(a.keyId).equals(b.keyId) && asBuffer(a.wrappedKey).equals(b.wrappedKey);
}
