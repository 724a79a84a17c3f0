import type { KeyObject } from 'node:crypto';
import type { WriteOptions } from '@securestore/backend-api';
import type { BlobGeometry, BlobReference } from '@securestore/core-format';
import {
  blobGeometry,
  BLOB_PREFIX_LENGTH,
  ID_LENGTH,
  KEY_LENGTH,
  MAX_CHUNKS,
  partName,
  SecureStoreError,
  TAG_LENGTH,
} from '@securestore/core-format';
import type { DigestKeys } from '@securestore/crypto';
import { BlobSealer, ContentDigester, takeKey } from '@securestore/crypto';
import { digestBlocksOf } from '../util/digest-blocks.ts';
import type { Engine } from '../engine/engine.ts';
import type { OpenPayload } from './body.ts';
import { refusedWrongly } from '../engine/stall-detector.ts';
import { WorkGroup } from '../util/task-group.ts';

/** How many parts are uploaded at once; with the one being filled, this bounds the memory of a stream. */
const UPLOADS = 2;

/** A payload that is stored at the backend in parts, not yet named by any record. */
export interface WrittenBlob {
  readonly reference: BlobReference;
  readonly suite: number;
  readonly chunkSize: number;
  /** The blob's data key; sealed into the record. */
  readonly key: KeyObject;
  readonly length: number;
  readonly digest: Buffer;
}

/** How the body of a record tells of a blob. */
export function blobPayload({ suite, key, chunkSize }: WrittenBlob): OpenPayload {
  return { kind: 'blob', suite, key, chunkSize };
}

/** How often the write of a part is tried while its outcome is unknown. */
const MAX_PART_TRIES = 3;

/** Writes a part. Its name is random, so whoever wrote it, if it is there after a lost answer, was this call. */
async function writePart(engine: Engine, name: string, body: Uint8Array, options: WriteOptions): Promise<void> {
  const { signal } = options;
  for (let tries = 1; ; tries++) {
    try {
      await engine.backend.write(name, body, { ...options, ifAbsent: true });
      return;
    } catch (error) {
      if (SecureStoreError.is(error, 'CONFLICT')) {
        if (tries > 1) return;
        throw refusedWrongly(engine.backend, 'no object can have the random name of a part', error);
      }
      if (!SecureStoreError.is(error) || error.outcome !== 'unknown') throw error;
      if (tries < MAX_PART_TRIES && signal?.aborted !== true) continue;
      // No object names the part, so the state of none is in doubt.
      throw SecureStoreError.from(error, { cause: error, outcome: undefined });
    }
  }
}

/** Uploads parts with bounded concurrency. Their buffers are used again, unless the backend keeps them. */
class PartUploader {
  readonly #engine: Engine;
  readonly #nameOf: (part: number) => string;
  readonly #signal: AbortSignal | undefined;
  readonly #size: number;
  readonly #free: Buffer[] = [];
  readonly #uploads: WorkGroup;
  #parts = 0;

  constructor(engine: Engine, size: number, nameOf: (part: number) => string, signal: AbortSignal | undefined) {
    this.#engine = engine;
    this.#size = size;
    this.#nameOf = nameOf;
    this.#signal = signal;
    this.#uploads = new WorkGroup(signal);
  }

  /** A buffer to fill. */
  async buffer(): Promise<Buffer> {
    await this.#uploads.below(UPLOADS);
    this.#uploads.check();
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#size);
  }

  /** Uploads the first `length` bytes of `buffer` as the next part. */
  upload(buffer: Buffer, length: number): void {
    this.#uploads.add(this.#write(this.#nameOf(this.#parts++), buffer, length));
  }

  async #write(name: string, buffer: Buffer, length: number): Promise<void> {
    const owned = this.#engine.backend.capabilities.keepsBodies === true;
    await writePart(this.#engine, name, buffer.subarray(0, length), { ...(owned && { owned }), signal: this.#signal });
    // Not if that failed: the backend may still be reading the buffer.
    if (!owned) this.#free.push(buffer);
  }

  async finish(): Promise<void> {
    await this.#uploads.finish();
  }

  /** Removes what was uploaded, as far as it goes: the collector finds the rest. */
  async discard(): Promise<void> {
    await this.#uploads.below(1);
    for (let part = 0; part < this.#parts; part++) {
      await this.#engine.backend.delete(this.#nameOf(part)).catch(() => undefined);
    }
  }
}

/** Seals the blocks of a payload chunk by chunk into parts. @returns the length of the payload */
async function sealParts(
  engine: Engine,
  sealer: BlobSealer,
  digester: ContentDigester,
  uploader: PartUploader,
  source: AsyncIterable<Uint8Array>,
): Promise<number> {
  const { chunkSize, chunksPerPart } = engine.limits;
  const partSize = chunksPerPart * (chunkSize + TAG_LENGTH);
  let part = await uploader.buffer();
  let at = sealer.prefix.copy(part);
  let end = BLOB_PREFIX_LENGTH + partSize;
  let length = 0;
  const seal = async (chunk: Buffer): Promise<void> => {
    if (at === end) {
      uploader.upload(part, at);
      part = await uploader.buffer();
      at = 0;
      end = partSize;
    }
    at += sealer.seal(chunk, part, at);
  };
  for await (const block of digestBlocksOf(source)) {
    if (length + block.length > chunkSize * (MAX_CHUNKS - 1)) {
      throw new SecureStoreError(
        'TOO_LARGE',
        `the payload must have at most ${MAX_CHUNKS} chunks of ${chunkSize} bytes`,
      );
    }
    await digester.add(block);
    for (let start = 0; start < block.length; start += chunkSize) await seal(block.subarray(start, start + chunkSize));
    length += block.length;
  }
  // The last chunk is shorter than a full one: a payload of whole chunks ends with an empty chunk.
  if (length % chunkSize === 0) await seal(Buffer.alloc(0));
  uploader.upload(part, at);
  await uploader.finish();
  return length;
}

/**
 * Seals a payload into parts under a fresh blob id and key and uploads them. Nothing refers to them until a record
 * does; if this fails they are removed again.
 */
export async function writeBlob(
  engine: Engine,
  token: string,
  suite: number,
  digestKeys: DigestKeys,
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<WrittenBlob> {
  const { chunkSize, chunksPerPart } = engine.limits;
  const partSize = chunksPerPart * (chunkSize + TAG_LENGTH);
  const blobId = engine.random(ID_LENGTH);
  const bytes = engine.random(KEY_LENGTH);
  const sealer = new BlobSealer({ suite, chunkSize, blobId }, bytes);
  const key = takeKey(bytes);
  const digester = new ContentDigester(digestKeys);
  const nameOf = (part: number): string => partName(token, blobId, part);
  const uploader = new PartUploader(engine, BLOB_PREFIX_LENGTH + partSize, nameOf, signal);
  try {
    const length = await sealParts(engine, sealer, digester, uploader, source);
    const { sealedLength }: BlobGeometry = blobGeometry(length, chunkSize, partSize);
    const digest = await digester.finish();
    return { reference: { blobId, partSize, sealedLength }, suite, chunkSize, key, length, digest };
  } catch (error) {
    await uploader.discard();
    throw error;
  }
}

/** Removes the parts of a blob that no record names. */
export async function discardBlob(engine: Engine, token: string, blob: WrittenBlob): Promise<void> {
  const { blobId, partSize } = blob.reference;
  const { parts } = blobGeometry(blob.length, blob.chunkSize, partSize);
  for (let part = 0; part < parts; part++) {
    await engine.backend.delete(partName(token, blobId, part)).catch(() => undefined);
  }
}
