import type { Head, Slot, SlotType } from '@securestore/core-format';
import { asBuffer, SecureStoreError } from '@securestore/core-format';
import type { UnlockedSlot, UnlockMethod } from '@securestore/crypto';
import { fingerprintBytes, openSlot, sealSlot } from '@securestore/crypto';
import type { Engine } from '../engine.ts';
import { changeHead } from '../head-change.ts';
import type { StoreState } from '../state.ts';
import { slotLabel } from './slot-label.ts';

/** One way of unlocking a store, as it may be shown. */
export interface SlotInfo {
  /** Names the slot to {@link SlotAdministration.remove}. */
  readonly id: string;
  readonly method: SlotType | 'unknown';
  readonly created?: Date;
  /** Whether this process opened the store by it. */
  readonly current: boolean;
}

/** A secret that is asked for once and used several times. */
export interface HeldSecret extends UnlockMethod {
  /** Wiped by {@link HeldSecret.wipe}. */
  readonly bytes: Buffer;
  /** Whether the other one is the same secret, used in the same way. */
  equals(other: HeldSecret): boolean;
  wipe(): void;
}

export async function holdSecret(unlock: UnlockMethod): Promise<HeldSecret> {
  const { type } = unlock;
  const scheme = await unlock.scheme?.();
  const bytes = await unlock.secret();
  const kept = scheme === undefined ? {} : { scheme: async () => scheme };
  const held = { type, ...kept, bytes, secret: async () => Buffer.from(bytes), wipe: () => void bytes.fill(0) };
  return { ...held, equals: (other) => other.type === type && bytes.equals(other.bytes) };
}

function contextOf(head: Head): { lineage: Uint8Array; fingerprint: Uint8Array } {
  return { lineage: head.lineage, fingerprint: fingerprintBytes(head.identity) };
}

/** Seals a slot for the root that the store has now. */
export async function newSlot(engine: Engine, state: StoreState, unlock: UnlockMethod): Promise<Slot> {
  const { head, unlocked } = state;
  const root = { number: head.rootNumber, key: unlocked.root };
  return sealSlot(unlock, contextOf(head), root, engine.clock.now(), engine.random);
}

/** Opens one given slot. @throws SecureStoreError `UNLOCK_FAILED` */
export async function openGivenSlot(head: Head, slot: Slot, unlock: UnlockMethod): Promise<UnlockedSlot> {
  const secret = await unlock.secret();
  try {
    const opened = await openSlot(slot, secret, contextOf(head), head.rootNumber);
    if (opened !== undefined) return opened;
  } finally {
    secret.fill(0);
  }
  throw new SecureStoreError('UNLOCK_FAILED', 'the secret does not open its slot');
}

/** All slots that a secret opens: it may have been added twice. @throws SecureStoreError `UNLOCK_FAILED` where there is none */
export async function findSlots({ head, events }: StoreState, unlock: UnlockMethod): Promise<Slot[]> {
  const found: Slot[] = [];
  const secret = await unlock.secret();
  try {
    for (const slot of head.slots) {
      if ('raw' in slot || slot.method.type !== unlock.type) continue;
      const opened = await openSlot(slot, secret, contextOf(head), head.rootNumber);
      opened?.wipe();
      if (opened === undefined) continue;
      events?.unlocked(unlock.type, slot.id);
      found.push(slot);
    }
  } finally {
    secret.fill(0);
  }
  if (found.length > 0) return found;
  const failure = new SecureStoreError(
    'UNLOCK_FAILED',
    'the old secret does not unlock the store; nothing was changed',
  );
  events?.unlocked(unlock.type, undefined, failure);
  throw failure;
}

export async function listSlots({ watcher }: Engine, signal?: AbortSignal): Promise<SlotInfo[]> {
  await watcher.refresh(signal);
  const { head, unlocked } = watcher.state;
  return head.slots.map((slot) =>
    'raw' in slot
      ? { id: '', method: 'unknown', current: false }
      : {
          id: slotLabel(slot),
          method: slot.method.type,
          created: new Date(slot.created),
          current: unlocked.id.equals(asBuffer(slot.id)),
        },
  );
}

/** @throws SecureStoreError `TOO_LARGE` where the store has as many slots as it may */
export async function addSlot(engine: Engine, unlock: UnlockMethod, signal?: AbortSignal): Promise<SlotInfo> {
  const secret = await holdSecret(unlock);
  let added: Slot | undefined;
  try {
    await changeHead(
      engine,
      async (state) => {
        added = await newSlot(engine, state, secret);
        return { head: { slots: [...state.head.slots, added] } };
      },
      signal,
    );
  } finally {
    secret.wipe();
  }
  const slots = await listSlots(engine, signal);
  const found = slots.find(({ id }) => added !== undefined && id === slotLabel(added));
  if (found === undefined) throw new SecureStoreError('INTERNAL', 'the slot that was added is not there');
  return found;
}

/**
 * Removes a slot, and waits until no process that opened the store by it begins to write any more. The root key stays: who has an
 * old copy of the head can still open it by the secret, until the keys are rotated.
 *
 * @throws SecureStoreError `NOT_FOUND`; `INVALID_ARGUMENT` for the last slot
 */
export async function removeSlot(engine: Engine, id: string, signal?: AbortSignal): Promise<void> {
  await changeHead(
    engine,
    async ({ head }) => {
      const left = head.slots.filter((slot) => 'raw' in slot || slotLabel(slot) !== id);
      if (left.length === head.slots.length) throw new SecureStoreError('NOT_FOUND', `there is no slot ${id}`);
      if (left.every((slot) => 'raw' in slot)) {
        throw new SecureStoreError('INVALID_ARGUMENT', 'the last slot cannot be removed; add another one first');
      }
      return { head: { slots: left } };
    },
    signal,
  );
  await engine.watcher.settle(signal);
}
