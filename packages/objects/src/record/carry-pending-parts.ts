import type { BlobReference } from '@securestore/core-format';
import {
  blobGeometry,
  blobPrefix,
  encodeBase32,
  partLength,
  partName,
  SecureStoreError,
} from '@securestore/core-format';
import { entriesUnder } from '../util/listing.ts';
import type { RelocatableBackend } from '../engine/relocatable-backend.ts';

/** A blob that a record is to name. */
export interface HeldBlob {
  readonly token: string;
  readonly reference: BlobReference;
  readonly length: number;
  readonly chunkSize: number;
}

/**
 * Brings the parts of a payload along that were written where the store was: no record names them yet, so whoever moved it has left
 * them there. Nobody else sees or needs them.
 *
 * @returns whether all of them are here now
 */
export async function carryParts(
  place: RelocatableBackend,
  { token, reference, length, chunkSize }: HeldBlob,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { pinned: here, left } = place;
  const geometry = blobGeometry(length, chunkSize, reference.partSize);
  const prefix = blobPrefix(token, encodeBase32(reference.blobId));
  const there = new Set<string>();
  for await (const { key } of entriesUnder(here, prefix, { signal })) there.add(key);
  for (let part = 0; part < geometry.parts; part++) {
    const name = partName(token, reference.blobId, part);
    if (there.has(name)) continue;
    let body: Uint8Array | undefined;
    for (const before of left) body ??= (await before.read(name, { signal }))?.body;
    if (body?.length !== partLength(geometry, part)) return false;
    try {
      await here.write(name, body, { ifAbsent: true, signal });
    } catch (error) {
      // Random as its name is, it is what an earlier try has written.
      if (!SecureStoreError.is(error, 'CONFLICT')) throw error;
    }
  }
  return true;
}
