import type { Head, Slot, SlotType, UnknownSlot } from '@securestore/core-format';
import { asBuffer, SecureStoreError } from '@securestore/core-format';
import type { HeldSecret, UnlockedSlot, UnlockMethod } from '@securestore/crypto';
import { formatRecipient, holdSecret, readRecipient, sealSlot, sealSlotTo } from '@securestore/crypto';
import type { Engine } from '../../engine/engine.ts';
import { commitHead } from '../../engine/commit-head.ts';
import { rootOf } from '../../head/unlock/owner-keys.ts';
import type { StoreState, Unlocked } from '../../head/store-state.ts';
import { findOwnSlots, slotContext } from '../../head/unlock/unlock-root.ts';
import { replaceCopiedKeys } from './rekey-replicas.ts';
import { slotLabel } from '../../head/unlock/slot-id.ts';

/** The recipient whose identity is to open the store, as `recipientOf` gives it. Its owner need not be there. */
export interface Recipient {
  readonly recipient: string;
}

/** What became of removing a slot. */
export interface SlotRemoval {
  /** Destinations of backups that could not be reached: its secret opens what is stored there, until the next backup is made there. */
  readonly pending: readonly string[];
}

/** A slot, as it may be shown: one way to unlock the store. */
export interface SlotInfo {
  /** Names the slot to {@link SlotAdministration.remove}. */
  readonly id: string;
  readonly method: SlotType | 'unknown';
  readonly created?: Date;
  /** Of the slot of a recipient: that recipient, as `recipientOf` gives it. */
  readonly recipient?: string;
  /** The id of the key wrapper that opens it. */
  readonly keyWrapper?: string;
  /** Whether this process opened the store by it. */
  readonly current: boolean;
}

/** Seals a slot for the root that the store has now. */
export async function newSlot(
  engine: Engine,
  state: StoreState,
  method: UnlockMethod | Recipient,
  signal?: AbortSignal,
): Promise<Slot> {
  const { head } = state;
  const root = { number: head.rootNumber, key: rootOf(state) };
  const now = engine.clock.now();
  if ('recipient' in method) return sealSlotTo(method.recipient, slotContext(head), root, now, engine.random);
  return sealSlot(method, slotContext(head), root, now, engine.random, signal);
}

/** Opens one given slot. @throws SecureStoreError `UNLOCK_FAILED` */
export async function openGivenSlot(
  head: Head,
  slot: Slot,
  secret: HeldSecret,
  signal?: AbortSignal,
): Promise<UnlockedSlot> {
  const opened = await secret.open(slot, slotContext(head), head.rootNumber, signal);
  if (opened !== undefined) return opened;
  throw new SecureStoreError('UNLOCK_FAILED', 'the unlock secret does not open its slot');
}

function infoOf(slot: Slot | UnknownSlot, unlocked: Unlocked): SlotInfo {
  if ('raw' in slot) return { id: '', method: 'unknown', current: false };
  const { method, publicKey } = slot;
  return {
    id: slotLabel(slot),
    method: method.type,
    created: new Date(slot.created),
    ...(method.type === 'recipient' ? { recipient: formatRecipient(publicKey) } : {}),
    ...(method.type === 'keyWrapper' ? { keyWrapper: method.wrapperId } : {}),
    current: unlocked.id.equals(asBuffer(slot.id)),
  };
}

export async function listSlots({ monitor }: Engine, signal?: AbortSignal): Promise<SlotInfo[]> {
  await monitor.refresh(signal);
  const { head, unlocked } = monitor.state;
  return head.slots.map((slot) => infoOf(slot, unlocked));
}

/** What a slot is made for; a secret is to be wiped. */
type Newcomer = Recipient | HeldSecret;

/** @throws SecureStoreError `ALREADY_EXISTS` if it opens the store as it is */
async function refuseTwice({ head }: StoreState, newcomer: Newcomer, signal: AbortSignal | undefined): Promise<void> {
  const slot =
    'recipient' in newcomer
      ? slotFor(head, await readRecipient(newcomer.recipient))
      : (await findOwnSlots(head, newcomer, signal))[0];
  if (slot === undefined) return;
  const what = 'recipient' in newcomer ? 'the recipient' : 'the unlock secret';
  throw new SecureStoreError('ALREADY_EXISTS', `${what} already unlocks the store by slot ${slotLabel(slot)}`);
}

/** The slot that was made for a recipient; `undefined` if there is none. */
export function slotFor(head: Head, publicKey: Uint8Array): Slot | undefined {
  return head.slots.find(
    (slot): slot is Slot =>
      !('raw' in slot) && slot.method.type === 'recipient' && Buffer.compare(slot.publicKey, publicKey) === 0,
  );
}

/**
 * @throws SecureStoreError `ALREADY_EXISTS` if it opens the store as it is; `TOO_LARGE` if the store has as many slots
 *   as it may; `INVALID_ARGUMENT`; `UNLOCK_FAILED` for a forged share among those of a slot; what a key wrapper throws
 */
export async function addSlot(
  engine: Engine,
  method: UnlockMethod | Recipient,
  signal?: AbortSignal,
): Promise<SlotInfo> {
  const newcomer = 'recipient' in method ? method : await holdSecret(method);
  let added: Slot | undefined;
  try {
    await commitHead(engine, { signal }, async (state) => {
      await refuseTwice(state, newcomer, signal);
      const slot = await newSlot(engine, state, 'recipient' in newcomer ? newcomer : newcomer.method, signal);
      added = slot;
      return { head: { slots: [...state.head.slots, slot] } };
    });
  } finally {
    if (!('recipient' in newcomer)) newcomer.wipe();
  }
  if (added === undefined) throw new SecureStoreError('INTERNAL', 'the added slot is missing');
  // So that it opens the backups that there are, too. If one can't be reached, the next backup there has it.
  await replaceCopiedKeys(engine, signal);
  return infoOf(added, engine.monitor.state.unlocked);
}

/**
 * Removes a slot, and waits until no process that opened the store by it begins to write any more. The root key stays: who has an
 * old copy of the head can still open it by the secret, until the keys are rotated.
 *
 * @throws SecureStoreError `NOT_FOUND`; `INVALID_ARGUMENT` for the last slot
 */
export async function removeSlot(engine: Engine, id: string, signal?: AbortSignal): Promise<SlotRemoval> {
  await commitHead(engine, { signal }, async ({ head }) => {
    const left = head.slots.filter((slot) => 'raw' in slot || slotLabel(slot) !== id);
    if (left.length === head.slots.length) {
      throw new SecureStoreError('NOT_FOUND', `slot ${id} does not exist`, { advice: [{ id: 'list-slots' }] });
    }
    if (left.every((slot) => 'raw' in slot)) {
      throw new SecureStoreError('INVALID_ARGUMENT', 'the last slot of a store cannot be removed', {
        advice: [{ id: 'add-slot' }],
      });
    }
    return { head: { slots: left } };
  });
  await engine.monitor.quiesce(signal);
  // With what is stored there now, the secret of the slot opens all backups.
  return { pending: await replaceCopiedKeys(engine, signal) };
}
