import type { Head } from '@securestore/core-format';
import type { UnlockedSlot, UnlockMethod } from '@securestore/crypto';
import type { CryptoEventSource } from './crypto-event-source.ts';
import { unlockRoot } from './unlock.ts';

/** Opens the root key of a store, and tells what became of it. @throws SecureStoreError as `unlockRoot` does */
export async function unlockHead(
  head: Head,
  unlock: UnlockMethod,
  events: CryptoEventSource | undefined,
  signal: AbortSignal | undefined,
): Promise<UnlockedSlot> {
  events?.of(head);
  try {
    const unlocked = await unlockRoot(head, unlock, signal);
    events?.unlocked(unlock.type, unlocked.id);
    return unlocked;
  } catch (error) {
    events?.unlocked(unlock.type, undefined, error);
    throw error;
  }
}
