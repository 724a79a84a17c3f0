import { SecureStoreError } from '@securestore/core-format';
import { fingerprintOf, verifyAs } from '@securestore/crypto';
import type { BackupArea } from '@securestore/objects/internal';

/** Facts as text, and the signature of the store identity over them. */
export interface SignedFacts {
  readonly facts: string;
  /** The Ed25519 public key of the store identity, in base64url. */
  readonly identity: string;
  readonly signature: string;
}

/** Signs facts as the store. @param use what they are of, which a signature is bound to @throws SecureStoreError `ACCESS_DENIED` for a member */
export function signFacts(area: BackupArea, use: string, facts: object): SignedFacts {
  const text = JSON.stringify(facts);
  const signature = area.sign(use, Buffer.from(text)).toString('base64url');
  return { facts: text, identity: Buffer.from(area.head.identity).toString('base64url'), signature };
}

/** Reads facts that a store has signed. @throws SecureStoreError `INTEGRITY` where it has not */
export function signedFacts(signed: SignedFacts, use: string, fingerprint: string): unknown {
  const { facts, identity, signature } = Object(signed) as Partial<Record<keyof SignedFacts, unknown>>;
  if (typeof facts === 'string' && typeof identity === 'string' && typeof signature === 'string') {
    const key = Buffer.from(identity, 'base64url');
    const isSigned =
      key.length === 32 &&
      fingerprintOf(key) === fingerprint &&
      verifyAs(key, use, Buffer.from(facts), Buffer.from(signature, 'base64url'));
    if (isSigned) return JSON.parse(facts) as unknown;
  }
  throw new SecureStoreError('INTEGRITY', 'the receipt was not signed by the store');
}
