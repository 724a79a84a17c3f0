import type { Point, SecureStoreError } from '@securestore/core-format';
import { refuse } from './errors.ts';

/** A moment that can be restored. */
export interface SnapshotInfo {
  readonly number: number;
  /** What was acknowledged before this is in it, by the clock of the store's backend. */
  readonly time: Date;
  /** When it was made, by the clock of whoever made it. */
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

/** Told of a snapshot that is damaged: its number is all that is known of it. */
export type OnDamagedSnapshot = (number: number, error: SecureStoreError) => void;

/** What is known of a point. */
export function infoOf({ number, time, made, kind, label, totals, added }: Point): SnapshotInfo {
  const { objects, versions, bytes } = totals;
  const [at, by] = [new Date(time), new Date(made)];
  return { number, time: at, made: by, kind, label, objects, versions, bytes, copied: added.bytes };
}

/** What is meant of a backup: by default the newest point that was not made before a restore, of what that replaced. */
export interface PointChoice {
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
  if (snapshot !== undefined && at !== undefined) refuse('give either "snapshot" or "at"');
  if (snapshot !== undefined && !(Number.isSafeInteger(snapshot) && Number(snapshot) > 0)) {
    refuse('the option "snapshot" must be the number of a snapshot, a whole number from 1');
  }
  if (at !== undefined && !(at instanceof Date && Number.isFinite(at.getTime()))) {
    refuse('the option "at" must be a Date that is a moment');
  }
}
