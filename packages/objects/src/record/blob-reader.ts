import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BlobGeometry, BlobReference } from '@securestore/core-format';
import {
  asBuffer,
  blobGeometry,
  BLOB_PREFIX_LENGTH,
  locateChunk,
  partLength,
  partName,
  SecureStoreError,
} from '@securestore/core-format';
import { BlobOpener, release } from '@securestore/crypto';
import type { Engine } from '../engine/engine.ts';
import { collectYoung } from '../util/collect-young.ts';
import type { OpenPayload } from './body.ts';
import { withRepair } from './damage-advice.ts';
import { damagedRecord } from './open-record.ts';

/** From so many bytes of a part on, its chunks are garbage worth collecting. */
const LONG: number = 1024 * 1024;

/** The fields of a record that are about its blob, of H and B together. */
export interface BlobSource {
  readonly token: string;
  readonly reference: BlobReference;
  readonly payload: Omit<Extract<OpenPayload, { kind: 'blob' }>, 'kind'>;
  readonly length: number;
  /**
   * Called if a part is missing, to tell an object that was purged meanwhile from one that is damaged.
   *
   * @returns a reader of the same payload, if it has been re-encrypted meanwhile
   */
  readonly onMissing?: () => Promise<BlobReader | undefined>;
}

/** Thrown inside: the payload is stored elsewhere by now. */
class Replaced extends Error {
  readonly reader: BlobReader;

  constructor(reader: BlobReader) {
    super('the payload was re-encrypted');
    this.reader = reader;
  }
}

/** Reads the chunks of a blob, part by part; nothing is released before it is authenticated. */
export class BlobReader {
  readonly #engine: Engine;
  readonly #source: BlobSource;
  readonly #geometry: BlobGeometry;
  readonly #opener: BlobOpener;
  /** Whether parts may be the backend's own memory. */
  readonly #isShared: boolean;

  /** @throws SecureStoreError `INTEGRITY` if the record contradicts itself */
  constructor(engine: Engine, source: BlobSource) {
    this.#engine = engine;
    this.#source = source;
    this.#isShared = engine.backend.capabilities.keepsBodies === true;
    const { reference, payload, length } = source;
    const { suite, chunkSize, key } = payload;
    this.#geometry = blobGeometry(length, chunkSize, reference.partSize);
    if (this.#geometry.sealedLength !== reference.sealedLength) {
      damagedRecord('the lengths of its payload contradict each other');
    }
    const bytes = key.export();
    this.#opener = new BlobOpener({ suite, chunkSize, blobId: reference.blobId }, bytes);
    bytes.fill(0);
  }

  /** The sealed chunks `first` to `last` of one part, in one read. */
  async #readChunks(part: number, first: number, last: number, signal: AbortSignal | undefined): Promise<Buffer> {
    const from = locateChunk(this.#geometry, first);
    const to = locateChunk(this.#geometry, last);
    // A part that is read from its first chunk is read from its first byte, so that the blob's header is checked too.
    const start = first === 0 ? 0 : from.start;
    const end = to.start + to.length;
    const size = partLength(this.#geometry, part);
    const name = partName(this.#source.token, this.#source.reference.blobId, part);
    const whole = start === 0 && end === size;
    const found = await this.#engine.backend.read(name, {
      ...(whole ? { etag: false } : { start, end }),
      ...(this.#isShared && { shared: true }),
      signal,
    });
    if (found === undefined) {
      const reader = await this.#source.onMissing?.();
      if (reader !== undefined) throw new Replaced(reader);
      throw new SecureStoreError('INTEGRITY', `the payload is damaged: part ${part} is missing`);
    }
    if (found.size !== size || found.body.length !== end - start) {
      const instead = `has ${found.size} bytes instead of ${size}`;
      throw new SecureStoreError('INTEGRITY', `the payload is damaged: part ${part} ${instead}`);
    }
    const body = asBuffer(found.body);
    if (start !== 0 || part !== 0) return body;
    this.#opener.checkPrefix(body.subarray(0, BLOB_PREFIX_LENGTH));
    return body.subarray(BLOB_PREFIX_LENGTH);
  }

  #open(chunk: number, sealed: Buffer): Buffer<ArrayBuffer> {
    try {
      return this.#opener.open(chunk, sealed) as Buffer<ArrayBuffer>;
    } catch (error) {
      throw withRepair(error);
    }
  }

  /**
   * The bytes from `start` to before `end`, in pieces of at most one chunk. While one part is opened, the next is read.
   *
   * @throws SecureStoreError `INTEGRITY`
   */
  async *read(start: number, end: number, signal?: AbortSignal): AsyncGenerator<Buffer<ArrayBuffer>> {
    const { chunkSize, chunksPerPart, length } = this.#geometry;
    if (start >= end && length > 0) return;
    const firstChunk = Math.floor(start / chunkSize);
    // A read to the very end includes the last chunk even if it is empty, since it proves that nothing follows.
    const lastChunk = end === length ? this.#geometry.chunks - 1 : Math.floor((end - 1) / chunkSize);
    const lastPart = Math.floor(lastChunk / chunksPerPart);
    const fetch = (part: number): Promise<Buffer> | undefined => {
      if (part > lastPart) return undefined;
      const first = Math.max(firstChunk, part * chunksPerPart);
      const reading = this.#readChunks(part, first, Math.min(lastChunk, (part + 1) * chunksPerPart - 1), signal);
      // A read ahead that nobody comes to await must not count as unhandled.
      reading.catch(() => undefined);
      return reading;
    };
    let chunk = firstChunk;
    let ahead = fetch(Math.floor(firstChunk / chunksPerPart));
    while (ahead !== undefined) {
      let sealed: Buffer;
      try {
        sealed = await ahead;
      } catch (error) {
        if (!(error instanceof Replaced)) throw withRepair(error);
        yield* error.reader.read(Math.max(start, chunk * chunkSize), end, signal);
        return;
      }
      const isLong = sealed.length >= LONG;
      const part = Math.floor(chunk / chunksPerPart);
      const next = Math.min(lastChunk + 1, (part + 1) * chunksPerPart);
      ahead = fetch(part + 1);
      for (let at = 0; at < sealed.length; chunk++) {
        const { length: sealedLength } = locateChunk(this.#geometry, chunk);
        const plain = this.#open(chunk, sealed.subarray(at, at + sealedLength));
        at += sealedLength;
        const from = Math.max(0, start - chunk * chunkSize);
        const to = Math.min(plain.length, end - chunk * chunkSize);
        if (from < to) yield from === 0 && to === plain.length ? plain : plain.subarray(from, to);
      }
      // A backend that hands out one buffer twice has it emptied by the other reader since its length was checked.
      if (chunk !== next) {
        throw new SecureStoreError('INTEGRITY', `the payload is damaged: part ${part} changed while it was being read`);
      }
      // A backend in memory has so much outside of V8's heap that V8 marks its heap as often anyway.
      if (!this.#isShared) {
        release(sealed);
        // A short read makes little garbage, and must not wait for that of others.
        if (isLong) collectYoung();
      }
      // A backend that answers at once must not keep others from their turn for the length of a large object.
      await nextTurn();
    }
  }
}
