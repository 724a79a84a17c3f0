import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BlobGeometry } from '@securestore/core-format';
import {
  asBuffer,
  BLOB_PREFIX_LENGTH,
  blobGeometry,
  blobPrefix,
  encodeBase32,
  isDamage,
  locateChunk,
  partLength,
  SecureStoreError,
  splitRecord,
} from '@securestore/core-format';
import { BlobOpener, release } from '@securestore/crypto';
import type { Engine } from '../../engine/engine.ts';
import { openOfToken } from '../../record/stable-read.ts';
import type { OpenedRecord } from '../../record/open-record.ts';
import { openByToken } from '../../record/open-record.ts';

/** What opens the parts of a payload. */
interface Opening {
  readonly geometry: BlobGeometry;
  readonly opener: BlobOpener;
}

/** What the sealed parts of one payload are held against. */
export class SealedPayload {
  /** What the names of its parts begin with. */
  readonly prefix: string;
  readonly #opening: Opening | undefined;

  /** @param opening `undefined` if nobody can open it any more: then nothing says whether it is intact */
  constructor(prefix: string, opening: Opening | undefined) {
    this.prefix = prefix;
    this.#opening = opening;
  }

  /** Whether anything opens it. */
  get isKnown(): boolean {
    return this.#opening !== undefined;
  }

  /**
   * Opens a part, to see that it is what was sealed there.
   *
   * @throws SecureStoreError `INTEGRITY`
   */
  async check(name: string, body: Uint8Array): Promise<void> {
    if (this.#opening === undefined) return;
    const { geometry, opener } = this.#opening;
    const part = Number.parseInt(name.slice(this.prefix.length), 16);
    // No version needs what is stored behind the last part.
    if (!(part < geometry.parts)) return;
    const length = partLength(geometry, part);
    if (body.length !== length) {
      throw new SecureStoreError(
        'INTEGRITY',
        `part ${part} of the payload has ${body.length} bytes instead of ${length}`,
      );
    }
    const sealed = asBuffer(body);
    if (part === 0) opener.checkPrefix(sealed.subarray(0, BLOB_PREFIX_LENGTH));
    const first = part * geometry.chunksPerPart;
    const end = Math.min(geometry.chunks, first + geometry.chunksPerPart);
    for (let chunk = first; chunk < end; chunk++) {
      const { start, length: sealedLength } = locateChunk(geometry, chunk);
      release(opener.open(chunk, sealed.subarray(start, start + sealedLength)));
    }
    // A backend that answers at once must not keep others from their turn for the length of a large object.
    await nextTurn();
  }
}

function openingOf(opened: OpenedRecord): Opening | undefined {
  const { header } = opened;
  if (opened.kind !== 'object' || opened.body.payload.kind !== 'blob' || header.blob === undefined) return undefined;
  const { payload, length } = opened.body;
  const { suite, chunkSize, key } = payload;
  const geometry = blobGeometry(length, chunkSize, header.blob.partSize);
  const bytes = key.export();
  try {
    return { geometry, opener: new BlobOpener({ suite, chunkSize, blobId: header.blob.blobId }, bytes) };
  } finally {
    bytes.fill(0);
  }
}

/**
 * What the parts of the payload of a record are held against. Of a record that is damaged, or that nobody can open any more, nothing is.
 *
 * @returns `undefined` if it has no payload of its own
 */
export async function sealedPayloadOf(
  engine: Engine,
  token: string,
  record: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<SealedPayload | undefined> {
  let prefix: string | undefined;
  try {
    const { blob } = splitRecord(record).header;
    if (blob === undefined) return undefined;
    prefix = blobPrefix(token, encodeBase32(blob.blobId));
    const opened = await openOfToken(engine, openByToken, token, record, signal);
    return new SealedPayload(prefix, openingOf(opened));
  } catch (error) {
    const isClosed = SecureStoreError.is(error, 'KEY_DESTROYED') || SecureStoreError.is(error, 'ACCESS_DENIED');
    if (!isDamage(error) && !isClosed) throw error;
    return prefix === undefined ? undefined : new SealedPayload(prefix, undefined);
  }
}
