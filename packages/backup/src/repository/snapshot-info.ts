import type { Point, SecureStoreError } from '@securestore/core-format';
import { refuse, refuseOption } from './errors.ts';

/** A recovery point. */
export interface SnapshotInfo {
  readonly number: number;
  /** What was acknowledged before this is in it, by the clock of the store's backend. */
  readonly time: Date;
  /** When it was made, by the clock of the process that made it. */
  readonly made: Date;
  readonly kind: 'snapshot' | 'changes';
  readonly label: string;
  readonly objects: number;
  readonly versions: number;
  /** Bytes of all that is in it, sealed. */
  readonly bytes: number;
  /** Bytes that were copied for it. */
  readonly copied: number;
}

/** Called for each damaged snapshot: only its number is known. */
export type OnDamagedSnapshot = (number: number, error: SecureStoreError) => void;

/** What is known of a point. */
export function infoOf({ number, time, made, kind, label, totals, added }: Point): SnapshotInfo {
  const { objects, versions, bytes } = totals;
  const [at, by] = [new Date(time), new Date(made)];
  return { number, time: at, made: by, kind, label, objects, versions, bytes, copied: added.bytes };
}

/** Which recovery point is meant: by default the newest, except those that a restore made first of what it replaced. */
export interface RecoveryPointChoice {
  /** The number of the point. */
  readonly snapshot?: number | undefined;
  /**
   * A moment: the store with what was acknowledged before it, and without versions that carry its time or a later one as `modified`. In a gap,
   * the last moment before that is known.
   */
  readonly at?: Date | undefined;
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkChoice(snapshot: unknown, at: unknown): void {
  if (snapshot !== undefined && at !== undefined) refuse('the options "snapshot" and "at" exclude each other');
  if (snapshot !== undefined && !(Number.isSafeInteger(snapshot) && Number(snapshot) > 0)) {
    refuseOption('snapshot', 'must be the number of a snapshot, a whole number from 1');
  }
  if (at !== undefined && !(at instanceof Date && Number.isFinite(at.getTime()))) {
    refuseOption('at', 'must be a valid Date');
  }
}
