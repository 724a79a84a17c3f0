import { SecureStoreError } from '@securestore/core-format';
import { fingerprintOf, verifyAs } from '@securestore/crypto';

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
  /** What was wrong, at most 100 of it. */
  readonly problems: readonly string[];
  readonly found: number;
  readonly ok: boolean;
}

/** A receipt: the facts as text, and the signature of the store identity over it. */
export interface DrillReceipt {
  readonly facts: string;
  /** The Ed25519 public key of the store identity, in base64url. */
  readonly identity: string;
  readonly signature: string;
}

/**
 * Reads a receipt.
 *
 * @param fingerprint of the store that is to have signed it
 * @throws SecureStoreError `INTEGRITY` where it is none, or another store's
 */
export function readReceipt({ facts, identity, signature }: DrillReceipt, fingerprint: string): DrillFacts {
  const key = Buffer.from(identity, 'base64url');
  const isSigned =
    key.length === 32 &&
    fingerprintOf(key) === fingerprint &&
    verifyAs(key, RECEIPT_USE, Buffer.from(facts), Buffer.from(signature, 'base64url'));
  if (!isSigned) throw new SecureStoreError('INTEGRITY', 'the receipt was not signed by the store');
  return JSON.parse(facts) as DrillFacts;
}
