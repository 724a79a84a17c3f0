import type { SignedFacts } from '../repository/signed-statement.ts';
import { signedFacts } from '../repository/signed-statement.ts';

/** What a restore has done. Times are ISO 8601. */
export interface RestoreFacts {
  /** The identity of the store that was restored into. */
  readonly fingerprint: string;
  /** Where the backup lies. */
  readonly source: string;
  /** Of the snapshot, or of the last point that is not after `at`. */
  readonly snapshot: number;
  /** The moment that was restored: that of the snapshot, or `at`, and in a gap an earlier one. */
  readonly time: string;
  /** The moment that somebody chose; absent where they chose a snapshot by its number, or the newest. */
  readonly at?: string;
  readonly begun: string;
  /** How long it took, in milliseconds. */
  readonly took: number;
  /** Who did it: the principal of a session, or `[root]` for whoever unlocks the store. */
  readonly by: string;
  /** What was chosen: everything where neither is there. */
  readonly prefix?: string;
  /** How many keys were named, where they were. */
  readonly keys?: number;
  readonly into?: string;
  /** Where a new store was made of it. */
  readonly to?: string;
  readonly conflict: string;
  readonly deleteExtra: boolean;
  readonly created: number;
  readonly replaced: number;
  readonly renamed: number;
  readonly skipped: number;
  readonly unchanged: number;
  readonly deleted: number;
  readonly failed: number;
  readonly bytes: number;
  /** Objects that were read back and compared with the backup, byte by byte; 0 where nobody asked for that. */
  readonly verified: number;
  /** SHA-256, in hexadecimal, of what was done with each object, in the order of the point: see `docs/guides/backup.md`. */
  readonly digest: string;
  readonly ok: boolean;
}

/** A receipt of {@link RestoreFacts}. */
export type RestoreReceipt = SignedFacts;

/** Domain label of the signature of a receipt. */
export const RESTORE_RECEIPT_USE = 'restore receipt';

/**
 * Reads the receipt of a restore.
 *
 * @param fingerprint of the store that is to have signed it
 * @throws SecureStoreError `INTEGRITY` where it is none, or another store's
 */
export function readRestoreReceipt(receipt: RestoreReceipt, fingerprint: string): RestoreFacts {
  return signedFacts(receipt, RESTORE_RECEIPT_USE, fingerprint) as RestoreFacts;
}
