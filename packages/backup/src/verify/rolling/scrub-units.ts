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
import type { ReachableFiles } from '../reachable-files.ts';
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

/** What the listings of a destination say. */
interface Listed {
  readonly sizes: Map<string, number>;
  readonly missing: string[];
}

function addSize(sizes: Map<string, number>, unit: string, size: number): void {
  sizes.set(unit, (sizes.get(unit) ?? 0) + size);
}

async function listPacks(
  backend: StorageBackend,
  { packs }: ReachableFiles,
  { sizes, missing }: Listed,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const area of [BACKUP_AREAS.packs, BACKUP_AREAS.envelopes]) {
    const left = new Map([...packs].map(([unit, { pack }]) => [unit, pack]));
    for await (const { key, size } of entriesUnder(backend, area, { signal })) {
      const file = parseFileName(key);
      const unit = file && packName(file);
      if (unit !== undefined && left.delete(unit)) addSize(sizes, unit, size);
    }
    for (const [unit, pack] of left) missing.push(area === BACKUP_AREAS.packs ? unit : envelopesName(pack));
  }
}

async function listBlobs(
  backend: StorageBackend,
  { blobs }: ReachableFiles,
  { sizes, missing }: Listed,
  signal: AbortSignal | undefined,
): Promise<void> {
  const left = new Map(blobs);
  const next = new Map<string, number>();
  for await (const { key, size } of entriesUnder(backend, BACKUP_AREAS.blobs, { signal })) {
    const name = parseBackupBlobName(key);
    const unit = name && backupBlobPrefix(name.epoch, name.blobId);
    const blob = unit === undefined ? undefined : left.get(unit);
    if (name === undefined || unit === undefined || blob === undefined) continue;
    addSize(sizes, unit, size);
    // Parts are listed in their order, and then the list of their digests.
    const expected = next.get(unit) ?? 0;
    if (name.part === 'digests') {
      left.delete(unit);
      next.delete(unit);
      if (expected < partCount(blob)) missing.push(backupPartName(blob.epoch, blob.blobId, expected));
    } else if (name.part === expected) next.set(unit, expected + 1);
  }
  for (const { epoch, blobId } of left.values()) missing.push(blobDigestsName(epoch, blobId));
}

/**
 * What of the files that points need is there, and how large it is, by the listings of a destination. So a file that is missing shows in
 * every run.
 *
 * @throws SecureStoreError what the backend throws
 */
export async function weighUnits(
  backend: StorageBackend,
  reachable: ReachableFiles,
  signal: AbortSignal | undefined,
): Promise<Units> {
  const listed: Listed = { sizes: new Map(), missing: [] };
  await listPacks(backend, reachable, listed, signal);
  await listBlobs(backend, reachable, listed, signal);
  const ranges: string[][] = Array.from({ length: RANGES }, () => []);
  const weights = Array.from({ length: RANGES }, () => 0);
  for (const unit of [...reachable.packs.keys(), ...reachable.blobs.keys()].toSorted()) {
    const range = rangeOf(unit);
    ranges[range]?.push(unit);
    weights[range] = (weights[range] ?? 0) + (listed.sizes.get(unit) ?? 0);
  }
  return { ranges, weights, ...listed };
}
