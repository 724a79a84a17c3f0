import type { StorageBackend } from '@securestore/backend-api';
import type { JobProgress } from '@securestore/jobs';
import type { Anchor } from '@securestore/objects';

/** Where a store moves to. */
export interface MigrationTarget {
  /** Initialised. It stays yours. */
  readonly backend: StorageBackend;
  /** Without credentials, as processes that follow name it. */
  readonly location: string;
  /** Remembers the store there once it has moved, so that an older copy of it, or another store, shows. Without it nothing does. */
  readonly anchor?: Anchor | undefined;
}

/** Something that could not be moved, by its name at the backend. */
export interface FailedMove {
  readonly name: string;
  readonly code: string;
  readonly message: string;
}

/** What a migration did. */
export interface MigrationReport {
  /** Without credentials. */
  readonly from: string;
  readonly to: string;
  /** Whether the store is at `to` from now on. Otherwise it is where it was, because of what failed. */
  readonly moved: boolean;
  /** Objects that were looked at, deleted ones too. */
  readonly objects: number;
  /** Versions of objects that this run has written to where it moves to. */
  readonly versions: number;
  /** Written there by this run, in bytes, payloads among them. */
  readonly bytes: number;
  /** Changes that were followed while the store was in use. */
  readonly changes: number;
  /** Names that were found to differ when both sides were compared, or to be damaged there alone, and that were brought in line or removed. */
  readonly corrected: number;
  /**
   * What is not there as it should be: damaged in the store, missing, or too large for where it moves to; on the way back also what is
   * damaged there since it was left behind. The first 1,000.
   */
  readonly failed: readonly FailedMove[];
  readonly failures: number;
  /** How long nobody could read or write, in milliseconds; 0 where it has not moved, or had before. */
  readonly pause: number;
  /** What the journal of the store, or what is remembered of it, showed to be missing or damaged. */
  readonly alarms: readonly string[];
}

/** How a migration goes. */
export interface MoveOptions {
  /**
   * Moves the store though something is damaged, missing or too large: it is in the report, and as it was where the store was. Damaged
   * payloads come along as they are. By default the store stays where it is then.
   */
  readonly partial?: boolean | undefined;
  /** Copies and compares, and does not move the store yet: doing it again without this takes only what has changed. */
  readonly copyOnly?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Phases of a migration, as {@link JobProgress.phase} tells them, and what `done` counts in each. `total`, and with it `eta`, is known in
 * those that look at all objects: about, since some come and go meanwhile.
 */
export type MigrationPhase =
  /** Nothing is counted. */
  | 'preparing'
  /** Objects, deleted ones too; those that a run before has copied count as done. */
  | 'copying'
  /** Nothing: for up to six seconds, until whatever was being written when the copying began has come to an end. */
  | 'waiting for writes that were under way'
  /** Changes. */
  | 'following'
  /** Changes. Objects change about as fast as they can be followed: it goes on until they change more slowly. */
  | 'falling behind'
  /** Objects. */
  | 'comparing'
  /** Objects; of a store that is sealed anew on both sides. */
  | 'verifying'
  /** Changes, for six seconds, until everybody looks at the head often. */
  | 'announcing'
  /** Changes. The store is closed. */
  | 'moving'
  /** Changes, until it is interrupted. */
  | 'keeping the old side';

/** What adds to the progress of a migration. */
export interface MoveProgress extends Partial<Pick<JobProgress, 'total'>> {
  readonly phase?: MigrationPhase;
  readonly done?: number;
  readonly bytes?: number;
}
