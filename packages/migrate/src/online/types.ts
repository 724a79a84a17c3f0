import type { StorageBackend } from '@securestore/backend-api';
import type { JobProgress } from '@securestore/jobs';
import type { Anchor } from '@securestore/objects';

/** The target of a migration. */
export interface MigrationTarget {
  /** Initialised. The caller closes it. */
  readonly backend: StorageBackend;
  /** Without credentials, as processes that follow name it. */
  readonly url: string;
  /** Remembers the store at the target once it has moved, so that an older copy of it, or another store, is detected. Without it nothing detects that. */
  readonly anchor?: Anchor | undefined;
}

/** Something that could not be moved. */
export interface MigrationFailure {
  /** Its name at the backend. */
  readonly name: string;
  /** The key of the object that it belongs to, if the name tells it. */
  readonly key?: string;
  readonly code: string;
  readonly message: string;
}

/** What a migration did. */
export interface MigrationReport {
  /** Without credentials. */
  readonly source: string;
  readonly target: string;
  /** Whether the store is at `to` from now on. Otherwise it is at the source, because of what failed. */
  readonly migrated: boolean;
  /** Objects that were read, deleted ones too. */
  readonly objects: number;
  /** Versions of objects that this run has written to the target. */
  readonly versions: number;
  /** Written there by this run, in bytes, payloads among them. */
  readonly bytes: number;
  /** Changes that were applied while the store was in use. */
  readonly changes: number;
  /** Names that differed when both sides were compared, or were damaged at the target alone, and were copied again or removed. */
  readonly corrected: number;
  /**
   * Objects that are not at the target as they should be: damaged in the store, missing, or too large for the target; on the way back also
   * those that were damaged there when the store left. The first 1,000.
   */
  readonly failed: readonly MigrationFailure[];
  readonly failures: number;
  /** How long the store could not be read or written, in milliseconds; 0 if it has not moved, or had before. */
  readonly pause: number;
  /** What the journal of the store, or the state of its reader, showed to be missing or damaged. */
  readonly findings: readonly string[];
}

/** How a store is migrated. */
export interface CopyStoreOptions {
  /**
   * Moves the store though objects are damaged, missing or too large: they are in the report, and as they were at the source. Damaged
   * payloads are copied as they are. By default the store stays at the source then.
   */
  readonly partial?: boolean | undefined;
  /** Copies and compares, and does not move the store yet: the same call without this only copies what has changed. */
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
  | 'applying changes'
  /** Changes. Objects change about as fast as they can be followed: the phase lasts until they change more slowly. */
  | 'falling behind'
  /** Objects. */
  | 'comparing'
  /** Objects; of a re-encrypted store on both sides. */
  | 'verifying'
  /** Changes, for six seconds, until all processes read the head often. */
  | 'announcing'
  /** Changes. The store is closed. */
  | 'switching'
  /** Changes, until it is interrupted. */
  | 'replicating back';

/** What adds to the progress of a migration. */
export interface MoveProgress extends Partial<Pick<JobProgress, 'total'>> {
  readonly phase?: MigrationPhase;
  readonly done?: number;
  readonly bytes?: number;
}
