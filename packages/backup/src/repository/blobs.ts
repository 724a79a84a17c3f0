import type { BlobReference, IndexedBlob } from '@securestore/core-format';
import {
  asBuffer,
  backupPartName,
  BLOB_PREFIX_LENGTH,
  blobDigestsName,
  copyOf,
  decodeBlobDigests,
  encodeBlobDigests,
  partName,
  SecureStoreError,
  sha256,
} from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects/internal';
import { mapConcurrently } from '@securestore/objects/internal';
import type { Destination } from './destination.ts';
import { damagedFile } from './errors.ts';
import { writeOnce } from './files.ts';

/** Bytes of parts that are copied at a time, which are in memory: one waits for the disk while others are hashed. */
const COPIED_BYTES: number = 24 * 1024 * 1024;
/** The digests of more parts fit into no object of any backend; payloads of so many have 2 TiB and more. */
export const MAX_PARTS: number = 256 * 1024;

/** How many parts a payload has, by the public fields of its record. */
export function partCount({ partSize, sealedLength }: Pick<BlobReference, 'partSize' | 'sealedLength'>): number {
  return Math.max(1, Math.ceil((sealedLength - BLOB_PREFIX_LENGTH) / partSize));
}

/** How many parts of a payload are copied at a time, between 3 and 6. */
export function partsAtOnce({ partSize }: Pick<BlobReference, 'partSize'>): number {
  return Math.min(Math.max(Math.ceil(COPIED_BYTES / partSize), 3), 6);
}

/** The length of a part. */
export function sealedPartLength(
  { partSize, sealedLength }: Pick<BlobReference, 'partSize' | 'sealedLength'>,
  part: number,
): number {
  const inPart = Math.min(partSize, sealedLength - BLOB_PREFIX_LENGTH - part * partSize);
  return inPart + (part === 0 ? BLOB_PREFIX_LENGTH : 0);
}

/**
 * Copies the parts of a payload as they are.
 *
 * @param onBytes told of every part that is copied
 * @returns `undefined` if a part is not there any more: then the version is not either
 * @throws SecureStoreError `INTEGRITY` for a part of another length, `TOO_LARGE`, and what the backends throw
 */
export async function copyBlob(
  area: BackupArea,
  { backend, url }: Destination,
  epoch: number,
  token: string,
  reference: BlobReference,
  onBytes: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<IndexedBlob | undefined> {
  const { partSize, sealedLength } = reference;
  const blobId = copyOf(reference.blobId);
  const count = partCount(reference);
  const digests: Buffer[] = Array.from({ length: count });
  let isMissing = false;
  const copyPart = async (part: number): Promise<void> => {
    if (isMissing) return;
    signal?.throwIfAborted();
    const name = partName(token, blobId, part);
    const found = await area.read(name, { etag: false, signal });
    if (found === undefined) {
      isMissing = true;
      return;
    }
    if (found.body.length !== sealedPartLength(reference, part)) {
      throw new SecureStoreError(
        'INTEGRITY',
        `the part ${name} of a payload has ${found.body.length} bytes instead of ${sealedPartLength(reference, part)}`,
      );
    }
    if (found.body.length > backend.capabilities.maxBodyBytes) {
      throw new SecureStoreError(
        'TOO_LARGE',
        `a part of ${found.body.length} bytes is too large for ${url}, which holds ${backend.capabilities.maxBodyBytes}`,
        { advice: [{ id: 'choose-store-url' }] },
      );
    }
    const digest = (digests[part] = sha256(found.body));
    await writeOnce(backend, backupPartName(epoch, blobId, part), found.body, signal, digest);
    onBytes(found.body.length);
  };
  for await (const _ of mapConcurrently(digests.keys(), partsAtOnce(reference), copyPart));
  if (isMissing) return undefined;
  const list = encodeBlobDigests(blobId, digests);
  await writeOnce(backend, blobDigestsName(epoch, blobId), list, signal);
  return { epoch, blobId, partSize, sealedLength, digest: sha256(list) };
}

/**
 * The digests of all parts of a payload.
 *
 * @param read reads a file whole
 * @throws SecureStoreError `INTEGRITY`, and what `read` throws
 */
export async function readBlobDigests(
  { epoch, blobId, digest, ...sizes }: IndexedBlob,
  read: (name: string) => Promise<Uint8Array>,
): Promise<Buffer[]> {
  const name = blobDigestsName(epoch, blobId);
  const body = await read(name);
  if (!sha256(body).equals(asBuffer(digest))) throw damagedFile(name, 'its digest is not the one in its index');
  const digests = decodeBlobDigests(body, blobId);
  const count = partCount(sizes);
  if (digests.length !== count) throw damagedFile(name, `it lists ${digests.length} parts instead of ${count}`);
  return digests;
}
