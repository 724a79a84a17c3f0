import type { StorageBackend } from '@securestore/backend-api';
import type { NameCipher, RandomSource } from '@securestore/crypto';
import type { Clock } from '@securestore/jobs';
import type { HeadWatcher } from './freshness.ts';
import type { JournalWriter } from './journal/journal-writer.ts';
import type { KeyedMutex } from './keyed-mutex.ts';
import type { RecordCache } from './record-cache.ts';

/** What the parts of the engine share. */
export interface Engine {
  readonly backend: StorageBackend;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly watcher: HeadWatcher;
  readonly names: NameCipher;
  readonly cache: RecordCache;
  /** Mutations of one object by this process take turns instead of losing races to each other. */
  readonly turns: KeyedMutex;
  readonly limits: Limits;
  readonly journal: JournalWriter;
}

/** How payloads are cut for the backend at hand. */
export interface Limits {
  /** The largest payload in the record itself, in bytes. */
  readonly inline: number;
  readonly maxRecord: number;
  readonly chunkSize: number;
  /** Chunks in each part. */
  readonly chunksPerPart: number;
}
