import type { FileReference, IndexPage } from '@securestore/core-format';
import {
  backupBlobPrefix,
  BACKUP_AREAS,
  blobDigestsName,
  indexPageName,
  packName,
  parseBackupBlobName,
  parseFileName,
} from '@securestore/core-format';
import { entriesUnder } from '@securestore/objects/internal';
import type { Destination } from '../repository/destination.ts';
import type { IndexPages } from '../repository/index-pages.ts';
import type { Points } from '../repository/snapshots.ts';
import type { Refusals } from '../repository/tolerant-delete.ts';

/** What the remaining points need. */
export interface Needed {
  readonly pages: Set<string>;
  readonly packs: Set<string>;
  readonly blobs: Set<string>;
}

/** Reads what points need. @throws SecureStoreError `INTEGRITY` where it can't be read; what the backend throws */
export async function neededBy(
  points: Points,
  pages: IndexPages,
  numbers: readonly number[],
  signal: AbortSignal | undefined,
): Promise<Needed> {
  const needed: Needed = { pages: new Set(), packs: new Set(), blobs: new Set() };
  const add = async (list: readonly IndexPage[]): Promise<void> => {
    for (const page of list) {
      const name = indexPageName(page);
      // Points share most of their pages.
      if (needed.pages.has(name)) continue;
      needed.pages.add(name);
      for (const { pack, blob } of await pages.read(page, signal)) {
        needed.packs.add(packName(pack));
        if (blob !== undefined) needed.blobs.add(backupBlobPrefix(blob.epoch, blob.blobId));
      }
    }
  };
  for (const number of numbers) {
    signal?.throwIfAborted();
    const point = await points.readUnlessRemoved(number, signal);
    if (point === undefined) continue;
    await add(point.pages);
    await add(point.others);
  }
  return needed;
}

/** Whether a file may go: nothing names it, and no run that can still be published has written it. */
function isUnneeded(name: string, epoch: number, needed: Needed): boolean {
  const file = parseFileName(name);
  const blob = parseBackupBlobName(name);
  const own = file ?? blob;
  // What no backup makes is no concern of ours.
  if (own === undefined || own.epoch > epoch) return false;
  if (blob !== undefined) return !needed.blobs.has(backupBlobPrefix(blob.epoch, blob.blobId));
  const reference: FileReference & { readonly area: string } = file as FileReference & { readonly area: string };
  if (reference.area === BACKUP_AREAS.pages) return !needed.pages.has(name);
  return !needed.packs.has(packName(reference));
}

/** What was removed. */
interface Removed {
  files: number;
  bytes: number;
  /** Files that were to go and are there still. */
  left: number;
}

class FileRemoval {
  readonly #destination: Destination;
  readonly #epoch: number;
  readonly #needed: Needed;
  readonly #refusals: Refusals;
  readonly #signal: AbortSignal | undefined;
  readonly #removed: Removed = { files: 0, bytes: 0, left: 0 };
  /** Packs that are there: their envelopes stay with them. */
  readonly #packs = new Set<string>();

  constructor(
    destination: Destination,
    epoch: number,
    needed: Needed,
    refusals: Refusals,
    signal: AbortSignal | undefined,
  ) {
    this.#destination = destination;
    this.#epoch = epoch;
    this.#needed = needed;
    this.#refusals = refusals;
    this.#signal = signal;
  }

  async run(): Promise<Removed> {
    const { pages, packs, envelopes, blobs } = BACKUP_AREAS;
    for (const area of [pages, packs, envelopes]) {
      this.#refusals.begin();
      for await (const { key, size } of this.#unneeded(area)) await this.#file(area, key, size);
    }
    await this.#payloads(blobs);
    return this.#removed;
  }

  async *#unneeded(area: string): AsyncGenerator<{ readonly key: string; readonly size: number }> {
    for await (const entry of entriesUnder(this.#destination.backend, area, { signal: this.#signal })) {
      this.#signal?.throwIfAborted();
      if (isUnneeded(entry.key, this.#epoch, this.#needed)) yield entry;
    }
  }

  async #file(area: string, key: string, size: number): Promise<void> {
    const file = area === BACKUP_AREAS.envelopes ? parseFileName(key) : undefined;
    // Without them the pack that could not be removed would look damaged.
    const isKept = file !== undefined && this.#packs.has(packName(file));
    if (!isKept && (await this.#remove(key, size))) return;
    this.#removed.left += 1;
    if (area === BACKUP_AREAS.packs) this.#packs.add(key);
  }

  async #payloads(area: string): Promise<void> {
    this.#refusals.begin();
    let leaving: string | undefined;
    let isRefused = false;
    for await (const { key, size } of this.#unneeded(area)) {
      const blob = parseBackupBlobName(key);
      const list = blob && blobDigestsName(blob.epoch, blob.blobId);
      // First what says that parts have to be there: as long as it is, they stay.
      if (list !== undefined && list !== leaving) isRefused = !(await this.#refusals.remove(list, this.#signal));
      leaving = list;
      if (isRefused || !(await this.#remove(key, size))) this.#removed.left += 1;
    }
  }

  async #remove(key: string, size: number): Promise<boolean> {
    if (!(await this.#refusals.remove(key, this.#signal))) return false;
    this.#removed.files += 1;
    this.#removed.bytes += size;
    return true;
  }
}

/** Removes the files that nothing needs, of runs up to an epoch. @param refusals is told of those that can't be removed */
export async function removeUnneeded(
  destination: Destination,
  epoch: number,
  needed: Needed,
  refusals: Refusals,
  signal: AbortSignal | undefined,
): Promise<Readonly<Removed>> {
  return new FileRemoval(destination, epoch, needed, refusals, signal).run();
}
