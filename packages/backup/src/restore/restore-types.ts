import type { CallOptions } from '@securestore/objects';
import type { PointChoice } from '../repository/point-choice.ts';
import type { RecoveryGap } from '../trust/moment.ts';
import type { DrillFacts, DrillReceipt } from './receipt.ts';
import type { RestoreIntoOptions, RestoreIntoReport } from './restore-into-types.ts';
import type { RestoreReceipt } from './restore-receipt.ts';
import type { RestoreReport, RestoreStoreOptions } from './restore-store.ts';

export interface RestoreOptions extends CallOptions, PointChoice, Omit<RestoreIntoOptions, 'signal' | 'onProgress'> {
  /** Who restores, for the receipt; by default whoever has the store. Of a session it is its principal. */
  readonly by?: string | undefined;
}

export interface RestoreStoreJobOptions
  extends CallOptions, PointChoice, Pick<RestoreStoreOptions, 'prefix' | 'partial'>, Pick<RestoreOptions, 'by'> {}

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
  /** Of a dry run: how long restoring may take, in milliseconds, going by the last restore or drill of this backup; absent where there was none. */
  readonly estimate?: number;
  /** Absent for a dry run, and for a member, who can't sign for the store. */
  readonly receipt?: RestoreReceipt;
  /** The number of the snapshot that was made before; absent where nothing could be lost. */
  readonly before?: number;
  /** What is to be looked at, as where a new store is made of a snapshot. */
  readonly warnings: readonly string[];
}

export interface DrillJobOptions extends CallOptions, PointChoice {
  /** A location at which nothing is, for the restored store; by default memory. */
  readonly scratch?: string | undefined;
}

/** What a drill has shown, and the receipt of it. */
export interface DrillReport extends DrillFacts {
  /**
   * The names of the objects that are wrong, by what stands for them in `problems`; a session has those alone that may be listed by its
   * principal.
   */
  readonly names: Readonly<Record<string, string>>;
  readonly receipt: DrillReceipt;
}
