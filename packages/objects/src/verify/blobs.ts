import type { BlobGeometry, BlobReference } from '@securestore/core-format';
import {
  blobGeometry,
  blobsPrefix,
  encodeBase32,
  partLength,
  partName,
  SecureStoreError,
} from '@securestore/core-format';
import { BlobReader } from '../blob-reader.ts';
import type { Engine } from '../engine.ts';
import { entriesUnder } from '../pages.ts';
import type { LiveRecord } from '../records.ts';
import type { LookOptions } from './object.ts';

/** Payloads outside of records. */
export interface BlobCounts {
  readonly blobs: number;
  readonly parts: number;
}

export interface BlobProblem {
  readonly name: string;
  readonly message: string;
}

/** A blob that records name, and which of its parts have been seen. */
interface ExpectedBlob {
  readonly reference: BlobReference;
  readonly geometry: BlobGeometry;
  readonly record: LiveRecord;
  seen: number;
  problem: BlobProblem | undefined;
}

function expectedBlobs(
  token: string,
  records: readonly LiveRecord[],
  problems: BlobProblem[],
): Map<string, ExpectedBlob> {
  const blobs = new Map<string, ExpectedBlob>();
  for (const record of records) {
    const { header, body } = record;
    if (header.blob === undefined || body.payload.kind !== 'blob') continue;
    const id = encodeBase32(header.blob.blobId);
    if (blobs.has(id)) continue;
    try {
      const geometry = blobGeometry(body.length, body.payload.chunkSize, header.blob.partSize);
      if (geometry.sealedLength !== header.blob.sealedLength) {
        throw new SecureStoreError('INTEGRITY', 'the length of the blob contradicts that of the record');
      }
      blobs.set(id, { reference: header.blob, geometry, record, seen: 0, problem: undefined });
    } catch (error) {
      if (!SecureStoreError.is(error, 'INTEGRITY')) throw error;
      problems.push({ name: `${blobsPrefix(token)}${id}`, message: error.message });
    }
  }
  return blobs;
}

/** Notes one part of a listing. Parts come in their order, so the first one that is missing or wrong shows at once. */
function see(blob: ExpectedBlob, token: string, name: string, size: number): void {
  if (blob.problem !== undefined || blob.seen >= blob.geometry.parts) return;
  const { seen, reference, geometry } = blob;
  const expected = partName(token, reference.blobId, seen);
  if (name !== expected) {
    blob.problem = { name: expected, message: `part ${seen} of its payload is missing` };
    return;
  }
  const length = partLength(geometry, seen);
  if (size !== length) {
    blob.problem = { name, message: `part ${seen} of its payload has ${size} bytes instead of ${length}` };
  }
  blob.seen += 1;
}

async function readPayload(
  engine: Engine,
  token: string,
  { record, reference }: ExpectedBlob,
  { onBytes, signal }: LookOptions,
): Promise<BlobProblem | undefined> {
  const { payload, length } = record.body;
  if (payload.kind !== 'blob') return undefined;
  try {
    const reader = new BlobReader(engine, {
      token,
      suite: payload.suite,
      reference,
      chunkSize: payload.chunkSize,
      key: payload.key,
      length,
      onMissing: async () => undefined,
    });
    for await (const piece of reader.read(0, length, signal)) onBytes(piece.length);
    return undefined;
  } catch (error) {
    if (!SecureStoreError.is(error) || (error.code !== 'INTEGRITY' && error.code !== 'FORMAT_VERSION')) throw error;
    return { name: `${blobsPrefix(token)}${encodeBase32(reference.blobId)}`, message: error.message };
  }
}

/** Compares the parts of the blobs that `records` name with those that are there; opens them where that is asked for. */
export async function checkBlobs(
  engine: Engine,
  token: string,
  records: readonly LiveRecord[],
  options: LookOptions,
): Promise<BlobCounts & { readonly problems: readonly BlobProblem[] }> {
  const problems: BlobProblem[] = [];
  const blobs = expectedBlobs(token, records, problems);
  let parts = 0;
  if (blobs.size === 0) return { blobs: 0, parts, problems };
  const prefix = blobsPrefix(token);
  for await (const { key, size } of entriesUnder(engine.backend, prefix, { signal: options.signal })) {
    const slash = key.indexOf('/', prefix.length);
    const blob = blobs.get(key.slice(prefix.length, slash === -1 ? undefined : slash));
    if (blob === undefined) continue;
    parts += 1;
    see(blob, token, key, size);
  }
  for (const blob of blobs.values()) {
    if (blob.problem === undefined && blob.seen < blob.geometry.parts) {
      const name = partName(token, blob.reference.blobId, blob.seen);
      blob.problem = { name, message: `part ${blob.seen} of its payload is missing` };
    }
    if (blob.problem === undefined && options.payloads) blob.problem = await readPayload(engine, token, blob, options);
    if (blob.problem !== undefined) problems.push(blob.problem);
  }
  return { blobs: blobs.size, parts, problems };
}
