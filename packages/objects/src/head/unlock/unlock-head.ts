import type { StorageBackend } from '@securestore/backend-api';
import type { Head } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import type { UnlockedSlot, UnlockMethod } from '@securestore/crypto';
import type { CryptoEventSource } from '../crypto-event-source.ts';
import { unlockGrant } from './grants.ts';
import type { Unlocked } from '../store-state.ts';
import { unlockRoot } from './unlock-root.ts';

/** Opens a slot or, for an identity that has none, what was granted to it. */
async function unlockAny(
  backend: StorageBackend,
  head: Head,
  unlock: UnlockMethod,
  signal: AbortSignal | undefined,
): Promise<Unlocked> {
  try {
    return await unlockRoot(head, unlock, signal);
  } catch (error) {
    if (unlock.type !== 'recipient' || !SecureStoreError.is(error, 'UNLOCK_FAILED')) throw error;
    const granted = await unlockGrant(backend, head, unlock, signal);
    if (granted === undefined) throw error;
    return granted;
  }
}

/**
 * The rotation that is under way may have replaced the secret. The head says in clear that there is one, so an outsider learns
 * no more by this.
 */
function amidRotation(head: Head, error: unknown): unknown {
  if (head.rotation === undefined || !SecureStoreError.is(error, 'UNLOCK_FAILED')) return error;
  const message = `${error.message.replace(/\.$/, '')}. A rotation that has not ended may have replaced it.`;
  return SecureStoreError.from(error, { message, advice: [{ id: 'use-new-secret' }, ...(error.advice ?? [])] });
}

/**
 * Opens what a secret leads to, and tells what became of it. The head must be known to be that of the store.
 *
 * @throws SecureStoreError as `unlockRoot` and `unlockGrant` do
 */
export async function unlockHead(
  backend: StorageBackend,
  head: Head,
  unlock: UnlockMethod,
  events: CryptoEventSource | undefined,
  signal: AbortSignal | undefined,
): Promise<Unlocked> {
  events?.of(head);
  try {
    const unlocked = await unlockAny(backend, head, unlock, signal);
    events?.unlocked(unlock.type, 'root' in unlocked ? unlocked.id : undefined);
    return unlocked;
  } catch (error) {
    events?.unlocked(unlock.type, undefined, error);
    throw amidRotation(head, error);
  }
}

/**
 * Opens a slot by a secret that is asked for again. Tried again and again, it is told only when it opens one.
 *
 * @throws SecureStoreError as `unlockRoot` does
 */
export async function unlockAgain(
  head: Head,
  unlock: UnlockMethod,
  events: CryptoEventSource | undefined,
  signal: AbortSignal,
): Promise<UnlockedSlot> {
  const unlocked = await unlockRoot(head, unlock, signal);
  events?.unlocked(unlock.type, unlocked.id);
  return unlocked;
}
