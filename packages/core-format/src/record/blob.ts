import { ByteWriter } from '../bytes/bytes.ts';
import { SecureStoreError } from '../errors/errors.ts';
import { COMMITMENT_LENGTH, FORMAT, ID_LENGTH, TAG_LENGTH } from './record.ts';

const BLOB_MAGIC = 'SSBL';

/** The length of a blob's header in bytes. */
export const BLOB_HEADER_LENGTH: number = 4 + 1 + 1 + 2 + 4 + ID_LENGTH;

/** What precedes the first chunk: header and commitment. */
export const BLOB_PREFIX_LENGTH: number = BLOB_HEADER_LENGTH + COMMITMENT_LENGTH;

export const MIN_CHUNK_SIZE: number = 4 * 1024;
export const DEFAULT_CHUNK_SIZE: number = 64 * 1024;
export const MAX_CHUNK_SIZE: number = 1024 * 1024;

/** The largest part of a blob in bytes, its header included. */
export const MAX_PART_BYTES: number = 8 * 1024 * 1024;

/** The most chunks of a blob: the chunk counter in the nonce stays far from wrapping. */
export const MAX_CHUNKS: number = 2 ** 32;

export interface BlobHeader {
  readonly suite: number;
  readonly chunkSize: number;
  readonly blobId: Uint8Array;
}

export function encodeBlobHeader(header: BlobHeader): Buffer {
  return new ByteWriter(BLOB_HEADER_LENGTH)
    .bytes(Buffer.from(BLOB_MAGIC, 'latin1'))
    .u8(FORMAT)
    .u8(header.suite)
    .u16(0)
    .u32(header.chunkSize)
    .fixed(header.blobId, ID_LENGTH)
    .finish();
}

/**
 * How a payload of `length` bytes lies in sealed chunks and parts. The last chunk is always shorter than a full one,
 * so a payload of whole chunks ends with an empty chunk: each length has one encoding, and nothing can be cut off.
 */
export interface BlobGeometry {
  readonly length: number;
  readonly chunkSize: number;
  readonly chunks: number;
  readonly chunksPerPart: number;
  /** As {@link BlobReference.partSize}. */
  readonly partSize: number;
  readonly parts: number;
  readonly sealedLength: number;
}

/** The number of chunks of `chunkSize` in a part of at most `maxPartBytes`. */
export function chunksPerPart(chunkSize: number, maxPartBytes: number): number {
  return Math.floor((maxPartBytes - BLOB_PREFIX_LENGTH) / (chunkSize + TAG_LENGTH));
}

function fail(reason: string): never {
  throw new SecureStoreError('INTEGRITY', `the record is damaged: ${reason}`);
}

/**
 * @param partSize as {@link BlobReference.partSize}
 * @throws SecureStoreError `INTEGRITY` where the sizes can't be those of a blob of version 1
 */
export function blobGeometry(length: number, chunkSize: number, partSize: number): BlobGeometry {
  if (chunkSize < MIN_CHUNK_SIZE || chunkSize > MAX_CHUNK_SIZE || (chunkSize & (chunkSize - 1)) !== 0) {
    fail('its chunk size is none of version 1');
  }
  const sealedChunk = chunkSize + TAG_LENGTH;
  if (partSize < sealedChunk || partSize % sealedChunk !== 0 || partSize > MAX_PART_BYTES - BLOB_PREFIX_LENGTH) {
    fail('its part size is none of version 1');
  }
  const chunks = Math.floor(length / chunkSize) + 1;
  if (chunks > MAX_CHUNKS) fail('it has too many chunks');
  const perPart = partSize / sealedChunk;
  return {
    length,
    chunkSize,
    chunks,
    chunksPerPart: perPart,
    partSize,
    parts: Math.ceil(chunks / perPart),
    sealedLength: BLOB_PREFIX_LENGTH + length + chunks * TAG_LENGTH,
  };
}

/** The length in bytes of part `index`, the blob's header included in part 0. */
export function partLength(geometry: BlobGeometry, index: number): number {
  const sealed = geometry.sealedLength - BLOB_PREFIX_LENGTH;
  const inPart = Math.min(geometry.partSize, sealed - index * geometry.partSize);
  return inPart + (index === 0 ? BLOB_PREFIX_LENGTH : 0);
}

/** Where the sealed chunk `index` lies: its part, its first byte there, its length. */
export function locateChunk(geometry: BlobGeometry, index: number): { part: number; start: number; length: number } {
  const part = Math.floor(index / geometry.chunksPerPart);
  const inPart = index % geometry.chunksPerPart;
  const start = inPart * (geometry.chunkSize + TAG_LENGTH) + (part === 0 ? BLOB_PREFIX_LENGTH : 0);
  const last = index === geometry.chunks - 1;
  const plain = last ? geometry.length - index * geometry.chunkSize : geometry.chunkSize;
  return { part, start, length: plain + TAG_LENGTH };
}
