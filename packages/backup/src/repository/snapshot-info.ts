import type { Point, SecureStoreError } from '@securestore/core-format';

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
