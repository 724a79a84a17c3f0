import type { KeyObject } from 'node:crypto';
import type { Head, KeyGroup, Keyring, Slot } from '@securestore/core-format';
import { KEY_ID_LENGTH, KEY_LENGTH, SecureStoreError } from '@securestore/core-format';
import type { RandomSource } from '@securestore/crypto';
import { resealSlot, takeKey } from '@securestore/crypto';

/** @param now milliseconds since 1970 */
export function newGroup(
  id: Uint8Array,
  kind: KeyGroup['kind'],
  suite: number,
  now: number,
  random: RandomSource,
): KeyGroup {
  const version = {
    id: random(KEY_ID_LENGTH),
    suite,
    state: 'primary',
    created: now,
    destroyAt: 0,
    key: random(KEY_LENGTH),
  } as const;
  return { id, kind, digestKey: random(KEY_LENGTH), versions: [version] };
}

/** Groups in the order of a keyring. */
export function inOrder(groups: readonly KeyGroup[]): KeyGroup[] {
  return groups.toSorted((a, b) => Buffer.compare(a.id, b.id));
}

/** A group with a new primary version; the one before still opens what it sealed. */
function withNewPrimary(group: KeyGroup, now: number, random: RandomSource): KeyGroup {
  const last = group.versions.find(({ state }) => state === 'primary');
  // A destroyed category has none, and gets none.
  if (last === undefined) return group;
  const next = {
    id: random(KEY_ID_LENGTH),
    suite: last.suite,
    state: 'primary',
    created: now,
    // One that waits to be destroyed still waits; if that is undone, it seals nothing under the old key.
    destroyAt: last.destroyAt,
    key: random(KEY_LENGTH),
  } as const;
  const before = group.versions.map((version) =>
    version === last ? { ...version, state: 'enabled' as const } : version,
  );
  return { ...group, versions: [...before, next] };
}

/** A keyring with a new primary version in every group, or in those that `isMeant` says. @param now milliseconds since 1970 */
export function withNewPrimaries(
  keyring: Keyring,
  now: number,
  random: RandomSource,
  isMeant: (group: KeyGroup) => boolean = () => true,
): Keyring {
  const groups = keyring.groups.map((group) => (isMeant(group) ? withNewPrimary(group, now, random) : group));
  return { ...keyring, groups };
}

/**
 * All slots with another root key, without their secrets.
 *
 * @throws SecureStoreError `UNSUPPORTED` if a slot is of a method that this release doesn't know, since it would be lost
 */
export async function resealSlots(
  slots: Head['slots'],
  lineage: Uint8Array,
  root: { readonly number: number; readonly key: KeyObject },
): Promise<Slot[]> {
  const known = slots.filter((slot): slot is Slot => !('raw' in slot));
  if (known.length < slots.length) {
    throw new SecureStoreError(
      'UNSUPPORTED',
      'a slot of the store is of a method that this release does not know, and would be lost',
      { advice: [{ id: 'use-newer-release' }] },
    );
  }
  return Promise.all(known.map((slot) => resealSlot(slot, lineage, root)));
}

/**
 * The part of a plan for the head that renews the root key; the keyring must have the number, too.
 *
 * @param slots the ones that are to open the store
 * @throws SecureStoreError as {@link resealSlots}
 */
export async function withNewRoot(
  { lineage, rootNumber }: Head,
  slots: Head['slots'],
  random: RandomSource,
): Promise<{ readonly head: Pick<Head, 'slots' | 'rootNumber'>; readonly root: KeyObject }> {
  const root = { number: rootNumber + 1, key: takeKey(random(KEY_LENGTH)) };
  return { head: { slots: await resealSlots(slots, lineage, root), rootNumber: root.number }, root: root.key };
}
