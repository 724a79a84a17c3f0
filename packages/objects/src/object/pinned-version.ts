import { SecureStoreError } from '@securestore/core-format';
import { BlobLease } from '../record/blob-lease.ts';
import type { Engine } from '../engine/engine.ts';
import { retained } from './find-version.ts';
import type { LiveRecord, Target } from '../record/open-record.ts';

function holdOf(engine: Engine, { token }: Target, { header, body }: LiveRecord): BlobLease | undefined {
  const { length, payload } = body;
  if (header.blob === undefined || payload.kind === 'inline') return undefined;
  return new BlobLease(engine, { token, reference: header.blob, length, chunkSize: payload.chunkSize });
}

function haveOneBlob(a: LiveRecord, b: LiveRecord): boolean {
  const [first, second] = [a.header.blob, b.header.blob];
  if (first === undefined || second === undefined) return first === second;
  return Buffer.compare(first.blobId, second.blobId) === 0;
}

/**
 * A version that is to be current again. Its last record may be collected before that, and its payload with it, so both are confirmed
 * before each attempt.
 */
export class PinnedVersion {
  readonly #engine: Engine;
  readonly #target: Target;
  #record: LiveRecord;
  #hold: BlobLease | undefined;

  constructor(engine: Engine, target: Target, record: LiveRecord) {
    this.#engine = engine;
    this.#target = target;
    this.#record = record;
    this.#hold = holdOf(engine, target, record);
  }

  /** As it was when it was confirmed last. */
  get record(): LiveRecord {
    return this.#record;
  }

  /** Whether its payload is still kept, if it has one. */
  holds(): boolean {
    return this.#hold?.holds() ?? true;
  }

  /** @throws SecureStoreError `NOT_FOUND` if it is gone or being collected, `INTEGRITY` if parts are missing */
  async confirm(signal: AbortSignal | undefined): Promise<void> {
    while (true) {
      const held = (await this.#hold?.confirm(false, signal)) ?? 'held';
      const now = await retained(this.#engine, this.#target, this.#record.header);
      if (now === undefined) {
        throw new SecureStoreError('NOT_FOUND', 'the version was purged or garbage-collected meanwhile');
      }
      if (!haveOneBlob(now, this.#record)) {
        // Its payload has been re-encrypted.
        this.#record = now;
        this.#hold = holdOf(this.#engine, this.#target, now);
        continue;
      }
      if (held === 'collected') throw new SecureStoreError('NOT_FOUND', 'the version is being garbage-collected');
      if (held === 'incomplete') {
        throw new SecureStoreError('INTEGRITY', 'the payload of the version is damaged: parts are missing');
      }
      return;
    }
  }
}
