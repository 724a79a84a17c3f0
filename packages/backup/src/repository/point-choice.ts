import { SecureStoreError } from '@securestore/core-format';

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

function refuse(message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message);
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
