import { RecentCache } from '@securestore/crypto';
import type { Clock, Instant } from '@securestore/jobs';
import { elapsedSince, instant } from '@securestore/jobs';

/** At most twice as many bytes are held. */
const REMEMBERED_BYTES: number = 8 * 1024 * 1024;
/** Larger records are read again instead. */
const MAX_RECORD_BYTES: number = 16 * 1024;
/** What an entry takes beside its record, as measured: its name, and what its buffer has left over. */
const ENTRY_BYTES = 1024;

/** A record as it lies at the backend. */
export interface StoredRecord {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

/** A record, and since when it need not be there any more. */
export interface RememberedRecord {
  readonly stored: StoredRecord;
  readonly since: Instant;
}

function bytesOf(remembered: RememberedRecord | 'exists'): number {
  return ENTRY_BYTES + (remembered === 'exists' ? 0 : remembered.stored.bytes.length);
}

/** A small body may be part of all that came over the network with it, which would be kept too. */
function compact({ bytes, etag }: StoredRecord): StoredRecord {
  const isSmall = bytes.length <= MAX_RECORD_BYTES;
  return { bytes: isSmall && bytes.buffer.byteLength > MAX_RECORD_BYTES ? Buffer.from(bytes) : bytes, etag };
}

/**
 * What is believed to lie at a name, so that an overwrite needs no read. Never used to answer a read; a belief that is
 * out of date makes a conditional write fail, and is corrected then.
 */
export class RecordCache {
  readonly #records = new RecentCache<string, RememberedRecord | 'exists'>(REMEMBERED_BYTES, bytesOf);
  readonly #clock: Clock;
  readonly #believedFor: number;
  #cleared: Instant | undefined;

  /**
   * @param believedFor milliseconds after which a record is read again before it is copied to the history: it may have
   *   been replaced long ago, and collected, and must not come back
   */
  constructor(clock: Clock, believedFor: number) {
    this.#clock = clock;
    this.#believedFor = believedFor;
  }

  get(token: string): RememberedRecord | 'exists' | undefined {
    const found = this.#records.get(token);
    if (found === undefined || found === 'exists') return found;
    return elapsedSince(found.since, this.#clock) < this.#believedFor ? found : 'exists';
  }

  /** @param since when the request was sent: its answer may have been waiting for long */
  setRead(token: string, stored: StoredRecord, since: Instant): void {
    this.setWritten(token, compact(stored), since);
  }

  /** @param stored as it was sealed: its bytes are in the pool of `Buffer`, as a copy would be @param since as above */
  setWritten(token: string, stored: StoredRecord, since: Instant): void {
    // It may be an answer of the place that the store has left.
    if (this.#cleared !== undefined && elapsedSince(since, this.#clock) >= elapsedSince(this.#cleared, this.#clock)) {
      this.#records.delete(token);
      return;
    }
    this.#records.set(token, stored.bytes.length <= MAX_RECORD_BYTES ? { stored, since } : 'exists');
  }

  delete(token: string): void {
    this.#records.delete(token);
  }

  /** Forgets everything, and what was asked for before. */
  clear(): void {
    this.#cleared = instant(this.#clock);
    this.#records.clear();
  }
}
