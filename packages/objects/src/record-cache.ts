import { Lru } from '@securestore/crypto';

const MAX_RECORDS = 1024;
/** Larger records are read again instead. */
const MAX_RECORD_BYTES: number = 16 * 1024;

/** A record as it lies at the backend. */
export interface StoredRecord {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

/**
 * What is believed to lie at a name, so that an overwrite needs no read. Never used to answer a read; a belief that is
 * out of date makes a conditional write fail, and is corrected then.
 */
export class RecordCache {
  readonly #records = new Lru<string, StoredRecord | 'exists'>(MAX_RECORDS);

  get(token: string): StoredRecord | 'exists' | undefined {
    return this.#records.get(token);
  }

  set(token: string, record: StoredRecord): void {
    this.#records.set(token, record.bytes.length <= MAX_RECORD_BYTES ? record : 'exists');
  }

  delete(token: string): void {
    this.#records.delete(token);
  }

  clear(): void {
    this.#records.clear();
  }
}
