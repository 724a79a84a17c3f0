import type { BackendCapabilities } from '@securestore/backend-api';
import {
  chunksPerPart,
  DEFAULT_CHUNK_SIZE,
  MAX_INLINE_BYTES,
  MAX_PART_BYTES,
  MIN_CHUNK_SIZE,
} from '@securestore/core-format';
import type { Limits } from './engine.ts';

/** Room in a record for all that is no payload and no metadata: header, envelope, name, sizes. */
const RECORD_OVERHEAD = 2048;

/** The largest inline payload, chunk and part that fit into the backend's bodies. */
export function limitsFor({ maxBodyBytes }: BackendCapabilities): Limits {
  const maxPart = Math.min(MAX_PART_BYTES, maxBodyBytes);
  let chunkSize = DEFAULT_CHUNK_SIZE;
  while (chunkSize > MIN_CHUNK_SIZE && chunksPerPart(chunkSize, maxPart) < 1) chunkSize /= 2;
  return {
    inline: Math.min(MAX_INLINE_BYTES, Math.floor((maxBodyBytes - RECORD_OVERHEAD) / 2)),
    maxRecord: maxBodyBytes,
    chunkSize,
    chunksPerPart: chunksPerPart(chunkSize, maxPart),
  };
}
