import type { BlobGeometry } from '@securestore/core-format';
import { blobGeometry, blobPrefix, encodeBase32, partLength, partName } from '@securestore/core-format';
import type { Instant } from '@securestore/jobs';
import { elapsedSince, instant } from '@securestore/jobs';
import type { Engine } from '../engine/engine.ts';
import type { HeldBlob } from './carry-pending-parts.ts';
import { carryParts } from './carry-pending-parts.ts';
import { entriesUnder } from '../util/listing.ts';
import { claimMarker } from './blob-markers.ts';
import { tryAgain } from '../util/try-again.ts';

/** What became of an attempt to make sure of a blob: its parts are being deleted, or some of them are gone. */
export type LeaseResult = 'held' | 'collected' | 'incomplete';

async function isComplete(
  engine: Engine,
  { token, reference, length, chunkSize }: HeldBlob,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const geometry: BlobGeometry = blobGeometry(length, chunkSize, reference.partSize);
  const prefix = blobPrefix(token, encodeBase32(reference.blobId));
  let next = 0;
  for await (const { key, size } of entriesUnder(engine.backend, prefix, { signal })) {
    if (next === geometry.parts) return true;
    if (key !== partName(token, reference.blobId, next) || size !== partLength(geometry, next)) return false;
    next += 1;
  }
  return next === geometry.parts;
}

/**
 * Keeps the parts of a blob from the collector until a record names it. Since the collector leaves alone what is
 * younger than the grace period, nothing needs to be done in the first half of it; after that, claims do it.
 */
export class BlobLease {
  readonly #engine: Engine;
  readonly #blob: HeldBlob;
  #since: Instant | undefined;
  /** The place, counted, where its parts are: see `RelocatableBackend`. */
  #epoch: number | undefined;

  /**
   * @param since when its first part was about to be written; `undefined` for one that was there before
   * @param epoch where the store was then: see `RelocatableBackend`
   */
  constructor(engine: Engine, blob: HeldBlob, since?: Instant, epoch: number | undefined = engine.place?.epoch) {
    this.#engine = engine;
    this.#blob = blob;
    this.#since = since;
    this.#epoch = epoch;
  }

  /** Whether a record that is sent now may name the blob: what {@link confirm} made sure of has not lapsed since. */
  holds(): boolean {
    const { clock, gracePeriod } = this.#engine;
    return this.#since !== undefined && elapsedSince(this.#since, clock) < gracePeriod / 2;
  }

  /**
   * To be called before each attempt to commit a record that names the blob.
   *
   * @param doubtful whether an earlier attempt may have taken effect, so that the blob may have been purged since
   * @throws SecureStoreError what the backend throws
   */
  async confirm(doubtful: boolean, signal: AbortSignal | undefined): Promise<LeaseResult> {
    const { place } = this.#engine;
    if (place !== undefined && place.epoch !== this.#epoch) {
      const { epoch } = place;
      if (!(await carryParts(place, this.#blob, signal))) return 'incomplete';
      this.#epoch = epoch;
      return this.confirm(doubtful, signal);
    }
    if (!doubtful && this.holds()) return 'held';
    const begun = instant(this.#engine.clock);
    const { token, reference } = this.#blob;
    if (!(await claimMarker(this.#engine, token, reference.blobId, signal))) return 'collected';
    // From here on nobody begins to delete them: what is there stays.
    if (!(await isComplete(this.#engine, this.#blob, signal))) return 'incomplete';
    this.#since = begun;
    return 'held';
  }
}

/** @throws SecureStoreError `UNAVAILABLE` if the payload that was written is not there as a whole any more */
export async function confirmWritten(
  hold: BlobLease,
  doubtful: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  if ((await hold.confirm(doubtful, signal)) === 'held') return;
  const message = 'the payload was removed before the object was stored: that took too long, or the object was purged';
  throw tryAgain('UNAVAILABLE', message);
}
