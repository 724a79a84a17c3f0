import type { BackendCapabilities } from '@securestore/backend-api';
import { chunksPerPart, DEFAULT_CHUNK_SIZE, MAX_INLINE_BYTES, MIN_CHUNK_SIZE } from '@securestore/core-format';
import type { Limits } from './engine.ts';

/** Room in a record for all that is no payload and no metadata: header, envelope, name, sizes. */
const RECORD_OVERHEAD = 2048;

/**
 * Parts half as large as the format allows: several are in memory at once for every stream that is being written or
 * read, and requests of this size come near enough to what larger ones reach.
 */
const PART_BYTES: number = 4 * 1024 * 1024;

/** The largest inline payload, chunk and part that fit into the backend's bodies. */
export function limitsFor({ maxBodyBytes }: BackendCapabilities): Limits {
  const maxPart = Math.min(PART_BYTES, maxBodyBytes);
  let chunkSize = DEFAULT_CHUNK_SIZE;
  while (chunkSize > MIN_CHUNK_SIZE && chunksPerPart(chunkSize, maxPart) < 1) chunkSize /= 2;
  return {
    inline: Math.min(MAX_INLINE_BYTES, Math.floor((maxBodyBytes - RECORD_OVERHEAD) / 2)),
    maxRecord: maxBodyBytes,
    chunkSize,
    chunksPerPart: chunksPerPart(chunkSize, maxPart),
  };
}
