import type { KeyObject } from 'node:crypto';
import { SecureStoreError } from '@securestore/core-format';
import type { OwnerKeys } from '@securestore/crypto';
import type { StoreState } from '../store-state.ts';

/** Whether the store was opened by a member, who has a part of its keys. */
export function isMember({ unlocked }: Pick<StoreState, 'unlocked'>): boolean {
  return !('root' in unlocked);
}

/** @throws SecureStoreError `ACCESS_DENIED` if the store was opened by a member */
export function checkOwner(state: Pick<StoreState, 'unlocked'>): void {
  if (isMember(state)) refuseMember();
}

function refuseMember(): never {
  throw new SecureStoreError('ACCESS_DENIED', 'only an owner can do this: the store was opened as a member', {
    advice: [{ id: 'ask-owner' }],
  });
}

/** The keys that only an owner has. @throws SecureStoreError `ACCESS_DENIED` for a member */
export function ownerKeys({ keys }: Pick<StoreState, 'keys'>): OwnerKeys {
  return keys.owner ?? refuseMember();
}

/** The root key. @throws SecureStoreError `ACCESS_DENIED` for a member */
export function rootOf({ unlocked }: Pick<StoreState, 'unlocked'>): KeyObject {
  return 'root' in unlocked ? unlocked.root : refuseMember();
}
