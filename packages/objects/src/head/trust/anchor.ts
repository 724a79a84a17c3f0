import type { AuditLink, Head } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import { fingerprintOf } from '@securestore/crypto';
import { descendsFrom, followsFrom, headDigest } from '../ancestry.ts';
import { endText } from './audit-segment-ends.ts';

/** What is remembered of a store outside of it. */
export interface AnchorRecord {
  /** Hex of the instance id. */
  readonly instance: string;
  readonly generation: number;
  readonly fingerprint: string;
  /** Hex of the digest of the head, by which later heads tell that they follow from it. */
  readonly head?: string;
  /** Of an audited store: how far the segments of its log went, each as text. */
  readonly audit?: readonly string[];
}

/** A memory outside the store, by store URL: against it an older copy of a whole store shows. */
export interface Anchor {
  read(url: string): Promise<AnchorRecord | undefined>;
  write(url: string, record: AnchorRecord): Promise<void>;
  /** All that is remembered of stores with a fingerprint, at whatever URL: it explains why a store is refused. Default nothing. */
  find?(fingerprint: string): Promise<readonly KnownStore[]>;
}

/** A store as it is remembered at one of its URLs. */
export interface KnownStore extends AnchorRecord {
  readonly url: string;
}

/** @param ends how far the segments of the audit log are known to go */
export function anchorOf(head: Head, ends: readonly AuditLink[] = []): AnchorRecord {
  return {
    ...(ends.length === 0 ? {} : { audit: ends.map(endText) }),
    instance: Buffer.from(head.instance).toString('hex'),
    generation: head.generation,
    fingerprint: fingerprintOf(head.identity),
    head: headDigest(head).toString('hex'),
  };
}

/**
 * Compares a head, whose signature has been verified, with what is remembered of its URL.
 *
 * @throws SecureStoreError `ROLLBACK` if the head is older, or belongs to another store
 */
export function checkAnchor(remembered: AnchorRecord, head: Head): void {
  const found = anchorOf(head);
  const refuse = (reason: string): never => {
    throw new SecureStoreError(
      'ROLLBACK',
      `${reason}. Remembered: store ${remembered.fingerprint}, generation ${remembered.generation}. Found: store ` +
        `${found.fingerprint}, generation ${found.generation}.`,
      { advice: [{ id: 'accept-rollback' }] },
    );
  };
  if (found.fingerprint !== remembered.fingerprint) refuse('the store at this URL is another one than before');
  if (found.instance === remembered.instance) {
    if (found.generation < remembered.generation) refuse('the head of the store is older than one seen before');
    const { head: digest } = remembered;
    if (digest !== undefined && !followsFrom(head, remembered.generation, Buffer.from(digest, 'hex'))) {
      refuse('the head of the store does not follow from the one seen before');
    }
    return;
  }
  const parent = Buffer.from(head.parent.instance).toString('hex');
  if (parent !== remembered.instance || head.parent.generation < remembered.generation) {
    refuse('the store at this URL is a copy that does not follow from the one seen before');
  }
}

/** Whether a head at another URL may be a later state of what is remembered of the same store. That it is the latest, nothing shows. */
export function mayFollow({ instance, generation, head: digest }: AnchorRecord, head: Head): boolean {
  if (head.generation < generation) return false;
  const known = Buffer.from(instance, 'hex');
  if (Buffer.compare(head.instance, known) !== 0) return descendsFrom(head, { instance: known });
  return digest === undefined || followsFrom(head, generation, Buffer.from(digest, 'hex'));
}
