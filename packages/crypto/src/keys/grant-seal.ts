import type { Grant, GrantBox, GrantedKeys } from '@securestore/core-format';
import { asBuffer, copySecret, decodeGrantBox, encodeGrantBox, SecureStoreError } from '@securestore/core-format';
import { wipeGranted } from './key-set.ts';
import { openSealed, sealTo } from './seal-to.ts';
import { publicKeyOf } from '../unlock/slot-key-pair.ts';

/** The store and the generation of its head for which grants are written. */
export type GrantPlace = Pick<GrantBox, 'lineage' | 'instance' | 'generation'>;

/** What a member opened a store by: it also opens the grants of later heads, without the identity. */
export interface UnlockedGrant {
  /** The member's public key. */
  readonly id: Buffer;
  /** What was granted. Whoever loads it wipes it. */
  readonly granted: GrantedKeys;
  /**
   * The member's grant among those that a later head names; `undefined` if there is none.
   *
   * @throws SecureStoreError `INTEGRITY`
   */
  follow(grants: readonly Grant[], place: GrantPlace): Promise<UnlockedGrant | undefined>;
  /** Forgets the member's private key. */
  wipe(): void;
}

/** Keys as they are granted: none that open nothing from now on. */
function usable({ nameKey, groups }: GrantedKeys): GrantedKeys {
  const none = new Uint8Array(nameKey.length);
  return {
    nameKey,
    groups: groups.map((group) => ({
      ...group,
      versions: group.versions.map((version) => (version.destroyAt > 0 ? { ...version, key: none } : version)),
    })),
  };
}

/**
 * Seals keys to a member.
 *
 * @param granted the caller's to wipe
 * @throws SecureStoreError `INVALID_ARGUMENT` for a public key that nothing can be sealed to
 */
export async function sealGrant(publicKey: Uint8Array, place: GrantPlace, granted: GrantedKeys): Promise<Grant> {
  const box = encodeGrantBox({ ...place, publicKey, ...usable(granted) });
  try {
    return { publicKey, sealed: await sealTo(publicKey, box) };
  } finally {
    box.fill(0);
  }
}

function isFor(box: GrantBox, publicKey: Uint8Array, { lineage, instance, generation }: GrantPlace): boolean {
  return (
    asBuffer(box.lineage).equals(lineage) &&
    asBuffer(box.instance).equals(instance) &&
    box.generation === generation &&
    asBuffer(box.publicKey).equals(publicKey)
  );
}

async function openBox(privateKey: Uint8Array, { publicKey, sealed }: Grant, place: GrantPlace): Promise<GrantedKeys> {
  const opened = await openSealed(privateKey, sealed);
  if (opened === undefined) {
    throw new SecureStoreError('INTEGRITY', 'the grants of the store are damaged: a box does not decrypt');
  }
  try {
    const box = decodeGrantBox(opened);
    if (isFor(box, publicKey, place)) return box;
    wipeGranted(box);
    throw new SecureStoreError('INTEGRITY', 'the grants of the store are damaged: a box belongs to another place');
  } finally {
    opened.fill(0);
  }
}

async function follow(
  privateKey: Buffer,
  id: Buffer,
  grants: readonly Grant[],
  place: GrantPlace,
): Promise<UnlockedGrant | undefined> {
  const own = grants.find(({ publicKey }) => id.equals(publicKey));
  if (own === undefined) return undefined;
  return {
    id,
    granted: await openBox(privateKey, own, place),
    follow: (others, elsewhere) => follow(privateKey, id, others, elsewhere),
    wipe: () => void privateKey.fill(0),
  };
}

/**
 * Opens the grant of the holder of the X25519 private key `privateKey`; `undefined` if none is theirs. The grants must be
 * those that a verified head names: an attacker, too, can encrypt to a public key.
 *
 * @throws SecureStoreError `INTEGRITY`
 */
export async function openGrant(
  privateKey: Uint8Array,
  grants: readonly Grant[],
  place: GrantPlace,
): Promise<UnlockedGrant | undefined> {
  const own = copySecret(privateKey);
  let opened: UnlockedGrant | undefined;
  try {
    opened = await follow(own, publicKeyOf(own), grants, place);
    return opened;
  } finally {
    if (opened === undefined) own.fill(0);
  }
}
