import type { StorageBackend } from '@securestore/backend-api';
import {
  BACKUP_AREAS,
  backupBlobPrefix,
  backupPartName,
  blobDigestsName,
  envelopesName,
  packName,
  parseBackupBlobName,
  parseFileName,
} from '@securestore/core-format';
import { entriesUnder } from '@securestore/objects/internal';
import { partCount } from '../../repository/blobs.ts';
import type { BlobUse, NeededFiles } from '../reachable-files.ts';
import { RANGES, rangeOf } from './scrub-progress.ts';

/** What is to be checked: packs with their envelopes, and payloads. */
export interface Units {
  /** For each range, the names of what is in it, in their order. */
  readonly ranges: readonly (readonly string[])[];
  /** How many bytes each of them has at the destination. */
  readonly sizes: ReadonlyMap<string, number>;
  /** How many bytes lie in each range. */
  readonly weights: readonly number[];
  /** Files that points need and that are not there. Of a payload the first that is missing. */
  readonly missing: readonly string[];
}

/** Looks at the listings of a destination: what is there, and how large it is. */
class Listings {
  readonly #backend: StorageBackend;
  readonly #needed: NeededFiles;
  readonly #signal: AbortSignal | undefined;
  readonly #sizes = new Map<string, number>();
  readonly #missing: string[] = [];

  constructor(backend: StorageBackend, needed: NeededFiles, signal: AbortSignal | undefined) {
    this.#backend = backend;
    this.#needed = needed;
    this.#signal = signal;
  }

  async run(): Promise<Units> {
    await this.#packs();
    await this.#blobs();
    const ranges: string[][] = Array.from({ length: RANGES }, () => []);
    const weights = Array.from({ length: RANGES }, () => 0);
    for (const unit of [...this.#needed.packs.keys(), ...this.#needed.blobs.keys()].toSorted()) {
      const range = rangeOf(unit);
      ranges[range]?.push(unit);
      weights[range] = (weights[range] ?? 0) + (this.#sizes.get(unit) ?? 0);
    }
    return { ranges, sizes: this.#sizes, weights, missing: this.#missing };
  }

  #add(unit: string, size: number): void {
    this.#sizes.set(unit, (this.#sizes.get(unit) ?? 0) + size);
  }

  async #packs(): Promise<void> {
    const { packs } = this.#needed;
    for (const area of [BACKUP_AREAS.packs, BACKUP_AREAS.envelopes]) {
      const missing = new Map([...packs].map(([unit, { pack }]) => [unit, pack]));
      for await (const { key, size } of entriesUnder(this.#backend, area, { signal: this.#signal })) {
        const file = parseFileName(key);
        const unit = file && packName(file);
        if (unit === undefined || !missing.delete(unit)) continue;
        this.#add(unit, size);
      }
      for (const [unit, pack] of missing) this.#missing.push(area === BACKUP_AREAS.packs ? unit : envelopesName(pack));
    }
  }

  async #blobs(): Promise<void> {
    const missing = new Map(this.#needed.blobs);
    const next = new Map<string, number>();
    for await (const { key, size } of entriesUnder(this.#backend, BACKUP_AREAS.blobs, { signal: this.#signal })) {
      const name = parseBackupBlobName(key);
      const unit = name && backupBlobPrefix(name.epoch, name.blobId);
      const blob = unit === undefined ? undefined : missing.get(unit);
      if (name === undefined || unit === undefined || blob === undefined) continue;
      this.#add(unit, size);
      // Parts are listed in their order, and then the list of their digests.
      const expected = next.get(unit) ?? 0;
      if (name.part === 'digests') {
        missing.delete(unit);
        next.delete(unit);
        if (expected < partCount(blob)) this.#lacks(blob, expected);
      } else if (name.part === expected) next.set(unit, expected + 1);
    }
    for (const blob of missing.values()) this.#missing.push(blobDigestsName(blob.epoch, blob.blobId));
  }

  #lacks({ epoch, blobId }: BlobUse, part: number): void {
    this.#missing.push(backupPartName(epoch, blobId, part));
  }
}

/**
 * What of the files that points need is there. So a file that is missing shows in every run.
 *
 * @throws SecureStoreError what the backend throws
 */
export async function weighUnits(
  backend: StorageBackend,
  needed: NeededFiles,
  signal: AbortSignal | undefined,
): Promise<Units> {
  return new Listings(backend, needed, signal).run();
}
