import type { StorageBackend } from '@securestore/backend-api';
import type { RandomSource } from '@securestore/crypto';
import type { Clock } from '@securestore/jobs';
import type { HeadMonitor } from '../head/head-monitor.ts';

/** What is needed to seal and open the store's own objects. */
export interface SealingPorts {
  readonly backend: StorageBackend;
  readonly random: RandomSource;
  readonly monitor: HeadMonitor;
}

/** What the journal's writer, a part of the engine itself, needs of the others. */
export interface JournalPorts extends SealingPorts {
  readonly clock: Clock;
}
