import type { IndexedBlob, IndexEntry, IndexPage, SplitRecord } from '@securestore/core-format';
import {
  AREAS,
  asBuffer,
  BLOB_PREFIX_LENGTH,
  compareIndexEntries,
  historyPrefix,
  historyVersion,
  isDamage,
  isZero,
  SecureStoreError,
  sha256,
  splitRecord,
} from '@securestore/core-format';
import { recordDigest } from '@securestore/crypto';
import type { BackupArea, Change } from '@securestore/objects/internal';
import { PendingEntries } from './pending-entries.ts';
import { copyBlob, MAX_PARTS, partCount } from './blobs.ts';
import type { Destination } from './destination.ts';
import { HistoryListing } from './history-listing.ts';
import type { IndexPages } from './index-pages.ts';
import { IndexWriter } from './index-pages.ts';
import type { IndexSet } from './index-set.ts';
import { auditLogIndex } from './index-set.ts';
import { PackWriter } from './packs.ts';

const READS = 8;

/** A record that could not be copied, by its name at the store's backend. */
export interface FailedCopy {
  /** Its name at the backend. */
  readonly name: string;
  /** The key of its object, if the name tells it. */
  readonly key?: string;
  readonly code: string;
  readonly message: string;
}

/** A record at the store's backend, and how many bytes it has. */
interface Found {
  readonly record: SplitRecord;
  readonly size: number;
}

/** What a run works with. */
export interface CopyPorts {
  readonly area: BackupArea;
  readonly destination: Destination;
  /** Under which number the run is to be published. */
  readonly epoch: number;
  readonly signal: AbortSignal | undefined;
  readonly onCopied: (versions: number, bytes: number) => void;
}

/** Copies changes: payloads, records, and older versions that are not known yet. */
export class Copier {
  readonly pending: PendingEntries;
  readonly failed: FailedCopy[] = [];
  /** What was copied. */
  versions = 0;
  bytes = 0;
  readonly #ports: CopyPorts;
  readonly #names: HistoryListing;
  readonly #others: IndexSet | undefined;
  readonly #index: IndexSet;

  /** Why an index of the destination could not be read. */
  #damage: unknown;

  /** @param others an index of the destination that may not be that of the store */
  constructor(ports: CopyPorts, index: IndexSet, others?: IndexSet) {
    this.#others = others;
    this.#ports = ports;
    this.#index = index;
    const { area, destination, epoch, signal } = ports;
    this.pending = new PendingEntries(destination, new PackWriter(destination, epoch, signal));
    this.#names = new HistoryListing(area, signal);
  }

  /** Copies the version of a change, and the past of its object that is not known yet. */
  async visit(change: Change): Promise<void> {
    this.#ports.signal?.throwIfAborted();
    await this.#tolerating(change.name, () => this.#copy(change));
  }

  /** Copies again what could not be copied before, if it is still there. */
  async retry(name: string): Promise<void> {
    await this.#tolerating(name, async () => {
      const change = await this.#ports.area.changeAt(name, this.#ports.signal);
      if (change !== undefined) await this.visit(change);
    });
  }

  async #known(token: string): Promise<readonly IndexEntry[]> {
    return [...(await this.#indexed(this.#index, token)), ...this.pending.get(token)];
  }

  /** The entries of an object in an index. If the index is damaged, the object is not reported as damaged. */
  async #indexed(index: IndexSet, token: string): Promise<readonly IndexEntry[]> {
    try {
      return await index.get(token, this.#ports.signal);
    } catch (error) {
      this.#damage = error;
      throw error;
    }
  }

  async #copy({ token, record, name }: Change): Promise<void> {
    const split = splitRecord(record);
    const known = await this.#known(token);
    // The later one, if it was re-encrypted meanwhile: then it is another record of the same version.
    const same = known.findLast((entry) => isSame(entry, split));
    const digest = recordDigest(split);
    const isAsItWas = ({ digest: before }: IndexEntry): boolean => asBuffer(before).equals(digest);
    if (same !== undefined) {
      if (isAsItWas(same)) this.pending.reseal(same, split.envelope);
      else await this.#add(token, name, record.length, split, known);
      return;
    }
    const other = await this.#takeOther(token, known, (entry) => isSame(entry, split) && isAsItWas(entry));
    if (other !== undefined) {
      this.pending.reseal(other, split.envelope);
      return;
    }
    await this.#add(token, name, record.length, split, known);
    const { previousCommitId } = split.header;
    const isPrevious = ({ commitId }: IndexEntry): boolean => asBuffer(commitId).equals(previousCommitId);
    if (isZero(previousCommitId) || known.some(isPrevious)) return;
    if ((await this.#takeOther(token, known, isPrevious)) === undefined) {
      await this.#addHistory(token, previousCommitId);
    }
  }

  /** Takes a version that the destination has already, and those before it. */
  async #takeOther(
    token: string,
    known: readonly IndexEntry[],
    isMeant: (entry: IndexEntry) => boolean,
  ): Promise<IndexEntry | undefined> {
    const others = this.#others === undefined ? [] : await this.#indexed(this.#others, token);
    const at = others.findIndex(isMeant);
    for (const entry of at === -1 ? [] : others.slice(at)) {
      const isKnown = known.some((one) => compareIndexEntries(one, entry) === 0);
      if (!isKnown) this.pending.take(entry);
    }
    return others[at];
  }

  /** The past of an object of which the version before is not known. */
  async #addHistory(token: string, previousCommitId: Uint8Array): Promise<void> {
    const isThere = async (): Promise<boolean> =>
      (await this.#known(token)).some(({ commitId }) => asBuffer(commitId).equals(previousCommitId));
    await this.#addVersions(token, await this.#names.inOrder(token));
    // It was replaced after the names were listed, or has been forgotten.
    if (!(await isThere())) await this.#addVersions(token, await this.#names.of(token));
  }

  async #addVersions(token: string, names: readonly string[]): Promise<void> {
    const known = await this.#known(token);
    const prefix = historyPrefix(token);
    const missing = names.filter((name) => {
      const version = historyVersion(prefix, name);
      return version !== undefined && !known.some((entry) => entry.version === version);
    });
    for (let at = 0; at < missing.length; at += READS) {
      const some = missing.slice(at, at + READS);
      const found = await Promise.all(some.map((name) => this.#ports.area.read(name, { signal: this.#ports.signal })));
      for (const [index, one] of found.entries()) {
        const name = some[index];
        if (one === undefined || name === undefined) continue;
        await this.#tolerating(name, async () => {
          const split = splitRecord(one.body);
          if (split.header.version !== historyVersion(prefix, name)) {
            throw new SecureStoreError('INTEGRITY', `${name} holds another version`);
          }
          const before = await this.#known(token);
          if (!before.some((entry) => isSame(entry, split)))
            await this.#add(token, name, one.body.length, split, before);
        });
      }
    }
  }

  async #add(
    token: string,
    name: string,
    size: number,
    record: SplitRecord,
    known: readonly IndexEntry[],
  ): Promise<void> {
    await this.#tolerating(name, async () => {
      for (let found: Found | undefined = { record, size }; found !== undefined;) {
        // A process that opens a copy can't know that the key was retired, and would take the record for genuine.
        if (this.#ports.area.isRetired(found.record.envelope.keyId)) {
          throw new SecureStoreError(
            'INTEGRITY',
            'the record is encrypted with a retired key version: another writer has put it there',
          );
        }
        const blob = await this.#blobOf(token, found.record, known);
        if (blob !== 'gone') {
          await this.pending.addRecord(token, found.record, found.size, blob);
          this.versions += 1;
          this.bytes += found.size;
          this.#ports.onCopied(1, found.size);
          return;
        }
        found = await this.#afterPayload(name, found.record);
      }
    });
  }

  /**
   * The record of a version whose payload was removed: a rotation that re-encrypts payloads has written another one. Absent if the version
   * is gone too, by a purge or since it was replaced long ago.
   *
   * @throws SecureStoreError `INTEGRITY` if the record still names that payload
   */
  async #afterPayload(name: string, { header }: SplitRecord): Promise<Found | undefined> {
    const found = await this.#ports.area.read(name, { signal: this.#ports.signal });
    if (found === undefined) return undefined;
    const record = splitRecord(found.body);
    if (!asBuffer(record.header.commitId).equals(header.commitId)) return undefined;
    const { blob } = record.header;
    if (header.blob !== undefined && blob !== undefined && !asBuffer(blob.blobId).equals(header.blob.blobId))
      return { record, size: found.body.length };
    throw new SecureStoreError('INTEGRITY', 'a part of the payload is missing');
  }

  /** Damage of one object is reported, and other objects are still backed up. */
  async #tolerating(name: string, body: () => Promise<void>): Promise<void> {
    try {
      await body();
    } catch (error) {
      if (!isDamage(error) || error === this.#damage) throw error;
      this.failed.push({ name, code: error.code, message: error.message });
    }
  }

  async #blobOf(
    token: string,
    { header }: SplitRecord,
    known: readonly IndexEntry[],
  ): Promise<IndexedBlob | undefined | 'gone'> {
    const { blob } = header;
    if (blob === undefined) return undefined;
    // An older version has not been authenticated yet.
    if (blob.partSize === 0 || blob.sealedLength < BLOB_PREFIX_LENGTH || partCount(blob) > MAX_PARTS) {
      throw new SecureStoreError('INTEGRITY', 'the sizes of the payload are invalid');
    }
    const before = known.find((entry) => entry.blob !== undefined && asBuffer(entry.blob.blobId).equals(blob.blobId));
    if (before?.blob !== undefined) return before.blob;
    const { area, destination, epoch, signal, onCopied } = this.#ports;
    const onBytes = (bytes: number): void => {
      this.bytes += bytes;
      onCopied(0, bytes);
    };
    return (await copyBlob(area, destination, epoch, token, blob, onBytes, signal)) ?? 'gone';
  }
}

function isSame({ version, commitId }: IndexEntry, { header }: SplitRecord): boolean {
  return version === header.version && asBuffer(commitId).equals(header.commitId);
}

/**
 * Copies new parts of the audit log. They never change.
 *
 * @param before the index of the parts at the destination
 * @returns the index of all of it
 */
export async function copyAuditLog(
  { area, destination, epoch, signal }: Omit<CopyPorts, 'onCopied'>,
  pages: IndexPages,
  before: readonly IndexPage[],
): Promise<readonly IndexPage[]> {
  const pending = new PendingEntries(destination, new PackWriter(destination, epoch, signal));
  const have = auditLogIndex(pages, before).objects('', signal);
  let next = await have.next();
  for await (const { key } of area.entries(AREAS.audit, { signal })) {
    while (next.done !== true && next.value.token < key) next = await have.next();
    if (next.done !== true && next.value.token === key) continue;
    const found = await area.read(key, { signal });
    if (found !== undefined) await pending.addOther(key, found.body, sha256(found.body));
  }
  await have.return(undefined);
  if (pending.entries.size === 0) return before;
  await pending.finish(area.keyOrder, signal);
  const writer = new IndexWriter(destination, area.seals, epoch, signal);
  await auditLogIndex(pages, before, pending.entries).write(writer, signal);
  return writer.finish();
}
