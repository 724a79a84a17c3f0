import type { Head } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import { fingerprintOf } from '@securestore/crypto';

/** What is remembered of a store outside of it. */
export interface AnchorRecord {
  /** Hex of the instance id. */
  readonly instance: string;
  readonly generation: number;
  readonly fingerprint: string;
  /** Hex of the digest of the checkpoint that the head names; absent where it names none. */
  readonly checkpoint?: string | undefined;
}

/** A memory outside the store, by location: against it an older copy of a whole store shows. */
export interface Anchor {
  read(location: string): Promise<AnchorRecord | undefined>;
  write(location: string, record: AnchorRecord): Promise<void>;
}

export function anchorOf(head: Head): AnchorRecord {
  const { checkpoint } = head.references;
  return {
    instance: Buffer.from(head.instance).toString('hex'),
    generation: head.generation,
    fingerprint: fingerprintOf(head.identity),
    ...(checkpoint === undefined ? {} : { checkpoint: Buffer.from(checkpoint.digest).toString('hex') }),
  };
}

/**
 * Compares a head, whose signature has been verified, with what is remembered of its location.
 *
 * @throws SecureStoreError `ROLLBACK` where the head is older, or belongs to another store
 */
export function checkAnchor(remembered: AnchorRecord, head: Head): void {
  const found = anchorOf(head);
  const refuse = (reason: string): never => {
    throw new SecureStoreError(
      'ROLLBACK',
      `${reason} (remembered: store ${remembered.fingerprint}, generation ${remembered.generation}; found: store ` +
        `${found.fingerprint}, generation ${found.generation}). If you put this there yourself, accept it once with acceptHead or, on the command line, --accept-head`,
    );
  };
  if (found.fingerprint !== remembered.fingerprint) refuse('another store than before lies at this location');
  if (found.instance === remembered.instance) {
    if (found.generation < remembered.generation) refuse('the head of the store is older than one seen before');
    // What was remembered by a release without checkpoints, or by an anchor that drops them, says nothing of them.
    const known = found.generation === remembered.generation && remembered.checkpoint !== undefined;
    if (known && found.checkpoint !== remembered.checkpoint) {
      refuse('the head of the store names another checkpoint than the one of the same generation that was seen before');
    }
    return;
  }
  const parent = Buffer.from(head.parent.instance).toString('hex');
  if (parent !== remembered.instance || head.parent.generation < remembered.generation) {
    refuse('a copy of the store that does not follow from the one seen before lies at this location');
  }
}
