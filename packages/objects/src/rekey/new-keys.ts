import { createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Head, KeyGroup, Keyring, Slot } from '@securestore/core-format';
import { KEY_ID_LENGTH, KEY_LENGTH, SecureStoreError } from '@securestore/core-format';
import type { RandomSource } from '@securestore/crypto';
import { resealSlot } from '@securestore/crypto';

/** A group with a new primary version; the one before goes on opening what it sealed. */
function withNewPrimary(group: KeyGroup, now: number, random: RandomSource): KeyGroup {
  const last = group.versions.find(({ state }) => state === 'primary');
  // A destroyed category has none, and gets none; nor does one that is about to be destroyed.
  if (last === undefined || last.destroyAt > 0) return group;
  const next = {
    id: random(KEY_ID_LENGTH),
    suite: last.suite,
    state: 'primary',
    created: now,
    destroyAt: 0,
    key: random(KEY_LENGTH),
  } as const;
  const before = group.versions.map((version) =>
    version === last ? { ...version, state: 'enabled' as const } : version,
  );
  return { ...group, versions: [...before, next] };
}

/** A keyring with a new primary version in every group. @param now milliseconds since 1970 */
export function withNewPrimaries(keyring: Keyring, now: number, random: RandomSource): Keyring {
  return { ...keyring, groups: keyring.groups.map((group) => withNewPrimary(group, now, random)) };
}

/** A fresh root key. */
export function newRoot(random: RandomSource): KeyObject {
  const bytes = random(KEY_LENGTH);
  const root = createSecretKey(bytes);
  bytes.fill(0);
  return root;
}

/**
 * All slots with another root key, without their secrets.
 *
 * @throws SecureStoreError `UNSUPPORTED` where a slot is of a method that this release doesn't know, since it would be lost
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
      'a slot of the store is of a kind that this release does not know, and would be lost. Use a newer release',
    );
  }
  return Promise.all(known.map((slot) => resealSlot(slot, lineage, root)));
}
