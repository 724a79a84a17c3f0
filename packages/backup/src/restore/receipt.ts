import type { SignedFacts } from '../repository/signed-statement.ts';
import { signedFacts } from '../repository/signed-statement.ts';

/** Domain label of the signature of a receipt. */
export const RECEIPT_USE = 'drill receipt';

/** What a drill has shown. Times are ISO 8601. */
export interface DrillFacts {
  readonly fingerprint: string;
  readonly destination: string;
  readonly snapshot: number;
  /** The moment that was restored. */
  readonly time: string;
  /** When the drill began, and how long restoring took, in milliseconds: what a recovery would take. */
  readonly begun: string;
  readonly recovery: number;
  readonly objects: number;
  readonly versions: number;
  readonly bytes: number;
  /** Objects that were compared with the store as it was at that moment; 0 where there was no store to compare with. */
  readonly compared: number;
  /** What was wrong, at most 100 of it. Objects have no names in it: `object`, and a digest that only the store can make. */
  readonly problems: readonly string[];
  readonly found: number;
  readonly ok: boolean;
}

/** A receipt of {@link DrillFacts}. */
export type DrillReceipt = SignedFacts;

/**
 * Reads a receipt.
 *
 * @param fingerprint of the store that is to have signed it
 * @throws SecureStoreError `INTEGRITY` where it is none, or another store's
 */
export function readReceipt(receipt: DrillReceipt, fingerprint: string): DrillFacts {
  return signedFacts(receipt, RECEIPT_USE, fingerprint) as DrillFacts;
}
