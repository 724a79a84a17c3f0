import type { CallOptions } from '@securestore/objects';
import type { FailedCopy } from '../repository/upload.ts';

/** Some objects. */
export interface NamedObjects {
  readonly count: number;
  /** The keys of the first 20, as far as they are known, and the caller may list them. */
  readonly keys: readonly string[];
}

/** What a snapshot is, and what was done for it. */
export interface SnapshotReport {
  readonly destination: string;
  /** By which it is called from now on. */
  readonly number: number;
  /** What was acknowledged before this is in it, by the clock of the store's backend. */
  readonly time: Date;
  readonly objects: number;
  /** Objects that are deleted, whose past is kept. */
  readonly deleted: number;
  readonly versions: number;
  /** Bytes of all that is in it, sealed. */
  readonly bytes: number;
  /** What was copied for it. */
  readonly copied: { readonly versions: number; readonly bytes: number };
  /** Versions that were there already and are under newer keys now. */
  readonly rewrapped: number;
  /** What the journal shows to be missing or damaged in the store, and what is wrong at the destination. */
  readonly findings: readonly string[];
  /** Those of `findings` that are about the destination. The snapshot does not need what was damaged there: it was copied again. */
  readonly destinationFindings: readonly string[];
  /**
   * Objects of the last snapshot of which the store has no record, though they were neither deleted nor purged: its backend has lost them.
   * This snapshot still has them. With more than 10,000 objects, only the first snapshot of a day looks for them; 0 otherwise.
   */
  readonly missing: NamedObjects;
  /**
   * Objects of the last snapshot that the store does not remember any more: deleted, purged or lost while its journal was not kept for this
   * destination. Only earlier snapshots have them.
   */
  readonly forgotten: NamedObjects;
  /** Records that could not be copied, and so are not in it. */
  readonly failed: readonly FailedCopy[];
}

/** What a snapshot is made with. */
export interface SnapshotOptions {
  readonly label?: string | undefined;
  /**
   * Up to this time, by the clock of the store's backend, it tells all that has happened since the newest point, since somebody has
   * followed the store; by default moments in between can't be told if something has changed.
   */
  readonly steadyUntil?: number | undefined;
  /** As {@link BackupOptions.takeOver}. */
  readonly takeOver?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onPhase?: ((phase: string) => void) | undefined;
  readonly onCopied?: ((versions: number, bytes: number) => void) | undefined;
}

/** Allows that the backups of another store become those of this one. */
export interface TakeOverOptions extends CallOptions {
  /**
   * Take over the backups of the store that this one was restored from: that store can then no longer use the destination. Without it,
   * such a destination is `CONFLICT`. Default `false`.
   */
  readonly takeOver?: boolean | undefined;
}

export interface BackupOptions extends TakeOverOptions {
  /** What the snapshot is called, at most 128 bytes of UTF-8. */
  readonly label?: string | undefined;
}
