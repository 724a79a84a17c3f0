import type { KeyObject } from 'node:crypto';
import { forwardTo } from '@securestore/backend-api';
import type { BlobGeometry, BlobReference } from '@securestore/core-format';
import {
  blobGeometry,
  blobsPrefix,
  copyOf,
  encodeBase32,
  isDamage,
  partLength,
  partName,
  SecureStoreError,
} from '@securestore/core-format';
import { BlobReader } from '../../record/blob-reader.ts';
import type { Engine } from '../../engine/engine.ts';
import { withBackend } from '../../engine/engine.ts';
import { entriesUnder } from '../../util/listing.ts';
import type { LiveRecord } from '../../record/open-record.ts';

/** What is looked at, and who is informed. */
export interface LookOptions {
  /** Whether to read payloads too, and open them; or of which objects. */
  readonly payloads: boolean | ((token: string) => boolean);
  readonly onBytes: (bytes: number) => void;
  readonly signal: AbortSignal | undefined;
}

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
  readonly suite: number;
  readonly key: KeyObject;
  seen: number;
  problem: BlobProblem | undefined;
}

/** The blobs that the versions of one object name, each once. What is kept of a version is small. */
export class NeededBlobs {
  readonly blobs: Map<string, ExpectedBlob> = new Map();
  readonly problems: BlobProblem[] = [];
  readonly #token: string;

  constructor(token: string) {
    this.#token = token;
  }

  /** @throws SecureStoreError what is no matter of this blob */
  add({ header, body }: LiveRecord): void {
    const { payload } = body;
    if (header.blob === undefined || payload.kind !== 'blob') return;
    const id = encodeBase32(header.blob.blobId);
    if (this.blobs.has(id)) return;
    try {
      const geometry = blobGeometry(body.length, payload.chunkSize, header.blob.partSize);
      if (geometry.sealedLength !== header.blob.sealedLength) {
        throw new SecureStoreError('INTEGRITY', 'the length of the payload contradicts that of the record');
      }
      const reference = { ...header.blob, blobId: copyOf(header.blob.blobId) };
      const { suite, key } = payload;
      this.blobs.set(id, { reference, geometry, suite, key, seen: 0, problem: undefined });
    } catch (error) {
      if (!SecureStoreError.is(error, 'INTEGRITY')) throw error;
      this.problems.push({ name: `${blobsPrefix(this.#token)}${id}`, message: error.message });
    }
  }
}

/** Notes one part of a listing. Parts come in their order, so the first one that is missing or wrong shows at once. */
function see(blob: ExpectedBlob, token: string, name: string, size: number): void {
  if (blob.problem !== undefined || blob.seen >= blob.geometry.parts) return;
  const { seen, reference, geometry } = blob;
  const expected = partName(token, reference.blobId, seen);
  if (name !== expected) {
    blob.problem = { name: expected, message: `part ${seen} of the payload is missing` };
    return;
  }
  const length = partLength(geometry, seen);
  if (size !== length) {
    blob.problem = { name, message: `part ${seen} of the payload has ${size} bytes instead of ${length}` };
  }
  blob.seen += 1;
}

async function readPayload(
  engine: Engine,
  token: string,
  { reference, geometry, suite, key }: ExpectedBlob,
  { onBytes, signal }: LookOptions,
): Promise<BlobProblem | undefined> {
  const { length, chunkSize } = geometry;
  let read = 0;
  let opened = 0;
  const backend = forwardTo(engine.backend, {
    async read(name, options) {
      const found = await engine.backend.read(name, options);
      read += found?.body.length ?? 0;
      return found;
    },
  });
  try {
    const payload = { suite, chunkSize, key };
    const reader = new BlobReader(withBackend(engine, backend), { token, reference, payload, length });
    for await (const piece of reader.read(0, length, signal)) {
      opened += piece.length;
      onBytes(piece.length);
    }
    return undefined;
  } catch (error) {
    if (!isDamage(error)) throw error;
    // What was read to find that out was read, too.
    onBytes(Math.max(0, read - opened));
    return { name: `${blobsPrefix(token)}${encodeBase32(reference.blobId)}`, message: error.message };
  }
}

/** Compares the parts of blobs with those that are there; opens them if that is asked for. */
export async function checkBlobs(
  engine: Engine,
  token: string,
  { blobs, problems }: NeededBlobs,
  options: LookOptions,
): Promise<BlobCounts & { readonly problems: readonly BlobProblem[] }> {
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
  const found = [...problems];
  const reads = typeof options.payloads === 'boolean' ? options.payloads : options.payloads(token);
  for (const blob of blobs.values()) {
    if (blob.problem === undefined && blob.seen < blob.geometry.parts) {
      const name = partName(token, blob.reference.blobId, blob.seen);
      blob.problem = { name, message: `part ${blob.seen} of the payload is missing` };
    }
    if (blob.problem === undefined && reads) blob.problem = await readPayload(engine, token, blob, options);
    if (blob.problem !== undefined) found.push(blob.problem);
  }
  return { blobs: blobs.size, parts, problems: found };
}
