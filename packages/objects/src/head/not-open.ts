import { SecureStoreError } from '@securestore/core-format';
import { closedBy } from './move/cutover-wait.ts';
import { movedAway } from './move/follow-redirect.ts';
import { storeUrlOf } from './move/sealed-location.ts';
import type { StoreState } from './store-state.ts';

/** The store was made for a drill. */
export function isScratch(): SecureStoreError {
  return new SecureStoreError('LOCKED', 'the store was made for a drill, and only drills open it', {
    reason: 'scratch',
  });
}

/** Why a store that is not open takes no changes. */
export function notOpen(state: Pick<StoreState, 'head' | 'keys'>): SecureStoreError {
  const { head } = state;
  if (head.state === 'closing') return closedBy(head, storeUrlOf(state));
  if (head.state === 'moved') return movedAway(storeUrlOf(state));
  if (head.state === 'scratch') return isScratch();
  return new SecureStoreError('LOCKED', 'the store takes no writes: a restore of the whole store has not ended', {
    reason: 'restoring',
    advice: [{ id: 'resume-restore' }, { id: 'give-up-restore' }],
  });
}
