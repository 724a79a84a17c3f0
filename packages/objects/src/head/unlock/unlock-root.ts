import type { Head, Slot } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import type { HeldSecret, SlotContext, UnlockedSlot, UnlockMethod } from '@securestore/crypto';
import { fingerprintBytes, holdSecret } from '@securestore/crypto';

/** What the slots of a store are bound to. */
export function slotContext({ lineage, identity }: Head): SlotContext {
  return { lineage, fingerprint: fingerprintBytes(identity) };
}

/** A slot, and what opening it gave. */
export interface OpenedSlot {
  readonly slot: Slot;
  readonly unlocked: UnlockedSlot;
}

/** The slots that a secret opens, up to `limit`; and why it was refused, if it was. */
async function openSlots(
  head: Head,
  secret: HeldSecret,
  limit: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly opened: readonly OpenedSlot[]; readonly refusal: SecureStoreError | undefined }> {
  const opened: OpenedSlot[] = [];
  let refusal: SecureStoreError | undefined;
  try {
    for (const slot of head.slots) {
      if (opened.length === limit) break;
      if ('raw' in slot) continue;
      try {
        const unlocked = await secret.open(slot, slotContext(head), head.rootNumber, signal);
        if (unlocked !== undefined) opened.push({ slot, unlocked });
      } catch (error) {
        // One slot that a key wrapper refuses says nothing of the next one.
        if (!SecureStoreError.is(error, 'UNLOCK_FAILED')) throw error;
        refusal = error;
      }
    }
    return { opened, refusal };
  } catch (error) {
    for (const { unlocked } of opened) unlocked.wipe();
    throw error;
  }
}

/** What was found for a secret. */
export interface FoundSlots {
  /** All slots that it opens: it may have been added twice. */
  readonly slots: readonly Slot[];
  /** Why a slot that it might have opened was not opened by it, if more is known than that. */
  readonly refusal: SecureStoreError | undefined;
}

/** Looks for the slots that a secret opens. */
export async function findSlots(head: Head, secret: HeldSecret, signal?: AbortSignal): Promise<FoundSlots> {
  const { opened, refusal } = await openSlots(head, secret, Infinity, signal);
  for (const { unlocked } of opened) unlocked.wipe();
  return { slots: opened.map(({ slot }) => slot), refusal };
}

/**
 * Looks for the slots that a secret opens, to make another one if there is none.
 *
 * @throws SecureStoreError `UNLOCK_FAILED` for shares of which some are of a slot of this store and some are not: the secret that
 *   they give together belongs to no slot
 */
export async function findOwnSlots(head: Head, secret: HeldSecret, signal?: AbortSignal): Promise<readonly Slot[]> {
  const { slots, refusal } = await findSlots(head, secret, signal);
  if (slots.length === 0 && refusal !== undefined && secret.type === 'shares') throw refusal;
  return slots;
}

/** @throws SecureStoreError `UNLOCK_FAILED`, `INTEGRITY`, and what a key wrapper throws */
export async function unlockRoot(head: Head, unlock: UnlockMethod, signal?: AbortSignal): Promise<UnlockedSlot> {
  const secret = await holdSecret(unlock);
  try {
    const { opened, refusal } = await openSlots(head, secret, 1, signal);
    const [first] = opened;
    if (first !== undefined) return first.unlocked;
    const advice = [{ id: 'check-unlock-secret' }] as const;
    if (refusal !== undefined) throw SecureStoreError.from(refusal, { advice: refusal.advice ?? advice });
    throw new SecureStoreError('UNLOCK_FAILED', reasonOf(head, unlock), { advice });
  } finally {
    secret.wipe();
  }
}

function reasonOf(head: Head, unlock: UnlockMethod): string {
  const [one, none] = LABELS[unlock.type];
  if (unlock.type === 'keyWrapper') return `the store has no slot of the key wrapper "${unlock.wrapper.id}"`;
  const some = head.slots.some(({ method }) => method.type === unlock.type);
  if (some) return `${one} does not unlock the store`;
  const message = `the store has no slot for ${none}`;
  // Without a slot, an identity may have been that of a member. What there was of one is gone.
  return unlock.type === 'recipient' ? `${message}, and the one given is not a member's, or was revoked` : message;
}

const LABELS: Readonly<Record<UnlockMethod['type'], readonly [one: string, any: string]>> = {
  passphrase: ['the passphrase', 'a passphrase'],
  keyFile: ['the key file', 'a key file'],
  rawKey: ['the raw key', 'a raw key'],
  recoveryCode: ['the recovery code', 'a recovery code'],
  shares: ['the secret of the shares', 'a set of shares'],
  recipient: ['the identity', 'an identity'],
  keyWrapper: ['the key wrapper', 'a key wrapper'],
};
