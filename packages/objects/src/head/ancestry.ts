import type { Head } from '@securestore/core-format';
import { encodeHead, MAX_ANCESTORS, MAX_PAST_INSTANCES, SecureStoreError, sha256 } from '@securestore/core-format';

/** What later heads call a head by. */
export function headDigest(head: Head): Buffer {
  return sha256(encodeHead(head));
}

/** The ancestors of the head that comes after `head`. */
export function ancestorsAfter(head: Head): Uint8Array[] {
  return [headDigest(head), ...head.ancestors].slice(0, MAX_ANCESTORS);
}

/** The instances that a store was before it becomes another one than that of `head`, the newest first. */
export function pastInstancesAfter({ instance, instances = [] }: Head): Uint8Array[] {
  return [instance, ...instances].slice(0, MAX_PAST_INSTANCES);
}

/**
 * Whether `later` is the head of `generation` with `digest`, or follows from it: two that don't mean that an attacker shows
 * different people different stores. Beyond {@link MAX_ANCESTORS} generations it can't be determined, and is believed.
 */
export function followsFrom(later: Head, generation: number, digest: Uint8Array): boolean {
  const distance = later.generation - generation;
  if (distance > MAX_ANCESTORS) return true;
  if (distance < 0) return false;
  const told = distance === 0 ? headDigest(later) : later.ancestors[distance - 1];
  return told !== undefined && Buffer.compare(told, digest) === 0;
}

/** What tells stores apart: the keys of one are those of another of the same identity and lineage. */
export type StoreIds = Pick<Head, 'identity' | 'lineage'>;

export const isSameStore = (a: StoreIds, b: StoreIds): boolean =>
  Buffer.compare(a.identity, b.identity) === 0 && Buffer.compare(a.lineage, b.lineage) === 0;

/** Whether `head` is of the instance that a store has, or becomes by a migration. */
export const isInstance = ({ instance }: Pick<Head, 'instance'>, of: Pick<Head, 'instance'>): boolean =>
  Buffer.compare(instance, of.instance) === 0;

/** Whether `head` is of an instance, or of one that was made from it, by any number of moves and restores. */
export function descendsFrom({ instance, parent, instances = [] }: Head, of: Pick<Head, 'instance'>): boolean {
  return [instance, parent.instance, ...instances].some((one) => Buffer.compare(one, of.instance) === 0);
}

/** The store is at its URL, as another instance than before. */
export function anotherInstance(): SecureStoreError {
  return new SecureStoreError('LOCKED', 'the store has been restored or moved since it was opened', {
    reason: 'replaced',
    advice: [{ id: 'reopen-store' }],
  });
}

/**
 * Checks that a head may come after one that is known.
 *
 * @throws SecureStoreError `ROLLBACK` if it doesn't follow from it, `LOCKED` if the store has become another instance
 */
export function checkFollows(head: Head, known: Head): void {
  if (!isSameStore(head, known)) {
    throw new SecureStoreError('ROLLBACK', 'another store has taken the place of the one that was opened');
  }
  if (!isInstance(head, known)) {
    throw anotherInstance();
  }
  if (head.generation < known.generation) {
    throw new SecureStoreError(
      'ROLLBACK',
      `the head of the store went back from generation ${known.generation} to ${head.generation}`,
    );
  }
  if (!followsFrom(head, known.generation, headDigest(known)) || head.rootNumber < known.rootNumber) {
    // An older copy was put back and has been changed since, or different processes are shown different heads.
    throw new SecureStoreError(
      'ROLLBACK',
      `the head of the store, generation ${head.generation}, does not follow from generation ${known.generation}, which was seen before`,
    );
  }
}
