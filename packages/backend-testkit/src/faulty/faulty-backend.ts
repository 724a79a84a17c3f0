import type { StorageBackend } from '@securestore/backend-api';

/** A wrapper that breaks one promise of the contract and keeps the others. */
export interface FaultyBackend {
  readonly name: string;
  /** The promise that it breaks. */
  readonly breaks: string;
  /** The concern of the suite that finds it, whatever else it may trip over. */
  readonly foundBy: string;
  readonly wrap: (inner: StorageBackend) => StorageBackend;
}
