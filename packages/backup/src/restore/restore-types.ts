import type { CallOptions } from '@securestore/objects';
import type { RecoveryPointChoice } from '../repository/snapshot-info.ts';
import type { NamedObjects } from '../snapshot/snapshot-types.ts';
import type { RecoveryGap } from '../trust/moment.ts';
import type { DrillFacts, DrillReceipt, RestoreReceipt } from './receipts.ts';
import type { RestoreReport, RestoreStoreOptions } from './restore-store.ts';

/** The policies of {@link ConflictPolicy}. */
export const POLICIES = ['fail', 'skip', 'newer', 'overwrite', 'rename'] as const;

/**
 * What is done if the object exists as another version: `fail` refuses before anything is changed, `skip` leaves it,
 * `newer` replaces one that was stored before the restored version, `overwrite` any, `rename` restores beside it as `name (restored)`.
 *
 * If the record there is damaged, `overwrite` replaces it by a new version that continues its history, `rename` restores beside it,
 * `fail` refuses, and with the others the object counts as failed.
 */
export type ConflictPolicy = (typeof POLICIES)[number];

/** What was, or would be, done with an object. */
export interface RestoredObject {
  /** The name in the store. */
  readonly key: string;
  readonly type: 'create' | 'replace' | 'rename' | 'skip' | 'unchanged' | 'delete';
  /** Bytes of what is created, replaced or renamed; else 0. */
  readonly bytes: number;
}

/** A change that a restore makes, or would make. */
export interface RestoreChange {
  /** The name in the store. */
  readonly key: string;
  readonly type: 'create' | 'replace' | 'rename' | 'delete';
  /** The version in the backup that is restored; absent for a deletion. */
  readonly from?: string;
  /** The version in the store that is replaced or deleted, `damaged` for a record that can't be read; absent if nothing is there. */
  readonly before?: string;
}

/** Which objects are restored, and how. */
export interface RestoreIntoOptions {
  /** Only names that start with this. */
  readonly prefix?: string | undefined;
  /** Only these names. */
  readonly keys?: readonly string[] | undefined;
  /**
   * Restored names start with this instead of `prefix`. With `keys`, it is a folder with `/` at its end that all come into, under their whole
   * names, or the new name of a single one.
   */
  readonly into?: string | undefined;
  /** Default `fail`. */
  readonly conflict?: ConflictPolicy | undefined;
  /** Deletes what is there, under the restored names, and was not there then. Not together with `keys`, nor with `rename`. */
  readonly deleteExtra?: boolean | undefined;
  /** Tells what would be done, and does nothing. */
  readonly dryRun?: boolean | undefined;
  /** Reads back what was written, and compares it with the backup: what differs has failed. */
  readonly verify?: boolean | undefined;
  /** Called for every object when it is done, and with `dryRun` for what would be done. It is awaited. */
  readonly onObject?: ((object: RestoredObject) => Promise<void> | void) | undefined;
  /**
   * Asked before each change, and with `dryRun` about each that would be made. A change for which it returns `false` is not made, and the
   * object counts as failed with `CONFLICT`. A change that is made replaces the version that was named here, or fails.
   */
  readonly onChange?: ((change: RestoreChange) => boolean) | undefined;
  /** Called before each change that is made. */
  readonly onBegin?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?:
    | ((update: { phase: string; done?: number; bytes?: number; total?: number }) => void)
    | undefined;
}

/** What was, or would be, done. */
export interface RestoreIntoReport {
  readonly dryRun: boolean;
  /** Objects of the point that were meant, and looked at. */
  readonly compared: number;
  /** Objects that were not there. */
  readonly created: number;
  /** Objects that were there as another version. */
  readonly replaced: number;
  readonly renamed: number;
  /** Objects that were there as another version, and stayed. */
  readonly skipped: number;
  /** Objects that are as they were. */
  readonly unchanged: number;
  readonly deleted: number;
  /** Bytes of what is created, replaced and renamed. */
  readonly bytes: number;
  /** Objects that were read back, and are what the backup has; 0 without `verify`. */
  readonly verified: number;
  /** SHA-256, in hexadecimal, of what was done with each object. */
  readonly digest: string;
  /** Names of objects that are there as another version: the first 1,000. */
  readonly conflicts: readonly string[];
  readonly failed: readonly { readonly key: string; readonly code: string; readonly message: string }[];
}

export interface RestoreOptions
  extends CallOptions, RecoveryPointChoice, Omit<RestoreIntoOptions, 'signal' | 'onProgress' | 'onBegin'> {
  /** Who restores, for the receipt; by default the owner. In a session it is its principal. */
  readonly by?: string | undefined;
}

export interface RestoreStoreJobOptions
  extends
    CallOptions,
    RecoveryPointChoice,
    Pick<RestoreStoreOptions, 'prefix' | 'partial'>,
    Pick<RestoreOptions, 'by'> {}

/** What making a new store of a point did. */
export interface RestoreStoreJobReport extends RestoreReport {
  /** How long it took, in milliseconds. */
  readonly took: number;
  /** Absent for a member, who can't sign for the store. */
  readonly receipt?: RestoreReceipt;
}

/** What restoring into the store did. */
export interface RestoreJobReport extends RestoreIntoReport {
  /** The point that was restored, or the last one that is not after the moment. */
  readonly snapshot: number;
  /** What was restored is of this time: of `at`, or of the beginning of the gap that it is in. */
  readonly time: Date;
  /** The gap that `at` is in: what was stored in it before `at` is missing. */
  readonly gap?: RecoveryGap;
  /** How long it took, in milliseconds. */
  readonly took: number;
  /** Of a dry run: how long restoring may take, in milliseconds, going by the last restore or drill of this backup; absent if there was none. */
  readonly estimate?: number;
  /** Absent for a dry run, and for a member, who can't sign for the store. */
  readonly receipt?: RestoreReceipt;
  /** The number of the snapshot that was made before; absent if nothing could be lost. */
  readonly before?: number;
  /** As in the report of a restore to a new store. */
  readonly findings: readonly string[];
}

export interface DrillJobOptions extends CallOptions, RecoveryPointChoice {
  /** A store URL with nothing there for the restored store; by default memory. */
  readonly scratch?: string | undefined;
}

/** What a drill has shown, and the receipt of it. */
export interface DrillReport extends DrillFacts {
  /**
   * The names of the objects that are wrong, by what stands for them in `problems`; a session has those alone that may be listed by its
   * principal.
   */
  readonly names: Readonly<Record<string, string>>;
  /**
   * Objects that the snapshot has and of which the store has no record, though they were not deleted: its backend has lost them. They are no
   * finding about the backup.
   */
  readonly missing: NamedObjects;
  readonly receipt: DrillReceipt;
}
