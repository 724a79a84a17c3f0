import type { RunningRotation, Slot, SlotType, UnknownSlot } from '@securestore/core-format';
import { asBuffer, SecureStoreError } from '@securestore/core-format';
import type { HeldSecret, UnlockMethod } from '@securestore/crypto';
import { holdSecret, wipeKeyring } from '@securestore/crypto';
import type { Engine } from '../../engine/engine.ts';
import type { HeadEdit } from '../../head/head-edit.ts';
import { commitHead } from '../../engine/commit-head.ts';
import type { StoreState } from '../../head/store-state.ts';
import type { Revoked } from './revocation.ts';
import { checkRevocable, planRevocation } from './revocation.ts';
import { withNewPrimaries, withNewRoot } from '../../engine/new-keys.ts';
import { checkDepthUnderWay, planTakeOver } from '../../engine/rotation-state.ts';
import { findOwnSlots, findSlots } from '../../head/unlock/unlock-root.ts';
import { slotLabel } from '../../head/unlock/slot-id.ts';
import { editedKeyring } from './keys.ts';
import { newSlot, openGivenSlot } from './slots.ts';

/** What a rotation does with secrets. */
export type Secrets =
  | { readonly oldUnlockSecret: UnlockMethod; readonly newUnlockSecret: UnlockMethod }
  /** Every secret stays, and new keys are made only if `isDue` says so of the newest state. */
  | { readonly isDue: (state: StoreState) => boolean }
  /** Every secret stays; members go, and what they were granted gets new keys. */
  | { readonly revoked: Revoked };

/** A slot that a rotation has removed. */
export interface RemovedSlot {
  readonly id: string;
  /** The kind of its secret. After `recoveryCode` and `shares`, the recovery kits of the slot open the store no more. */
  readonly method: SlotType;
}

/** Secrets that have been looked at, so that a rotation with a wrong one never begins. */
export type ReadySecrets =
  | {
      readonly before: HeldSecret;
      readonly after: HeldSecret;
      /** The slots that the old secret opens. */
      readonly slots: readonly string[];
      /** The slots that the new secret opens already. */
      readonly known: readonly string[];
      /** Whether the new secret is the old one. */
      readonly stays: boolean;
    }
  | Extract<Secrets, { isDue: unknown } | { revoked: unknown }>;

/**
 * Asks for the secrets and finds the slots of the old one. To be wiped with {@link wipeSecrets}.
 *
 * @throws SecureStoreError `UNLOCK_FAILED` if the old secret opens nothing
 */
export async function readySecrets(engine: Engine, secrets: Secrets, signal: AbortSignal): Promise<ReadySecrets> {
  if ('isDue' in secrets) return secrets;
  await engine.monitor.refresh(signal);
  engine.monitor.checkWritable();
  if ('revoked' in secrets) {
    await checkRevocable(engine.backend, engine.monitor.state, secrets.revoked, signal);
    return secrets;
  }
  const before = await holdSecret(secrets.oldUnlockSecret);
  let after: HeldSecret | undefined;
  try {
    after = await holdSecret(secrets.newUnlockSecret);
    const { head, events } = engine.monitor.state;
    const { slots, refusal } = await findSlots(head, before, signal);
    for (const slot of slots) events?.unlocked(before.type, slot.id);
    if (slots.length > 0) {
      const old = slots.map(slotLabel);
      const equal = before.equals(after);
      const known = equal ? [] : (await findOwnSlots(head, after, signal)).map(slotLabel);
      // Shares that differ give the same secret if they are of one set.
      return { before, after, slots: old, known, stays: equal || known.some((slot) => old.includes(slot)) };
    }
    const why = refusal === undefined ? '' : `: ${refusal.message}`;
    const failure = new SecureStoreError(
      'UNLOCK_FAILED',
      `the old unlock secret does not unlock the store${why}. Nothing was changed.`,
      { cause: refusal?.cause, advice: [{ id: 'check-unlock-secret' }] },
    );
    events?.unlocked(before.type, undefined, failure);
    throw failure;
  } catch (error) {
    before.wipe();
    after?.wipe();
    throw error;
  }
}

export function wipeSecrets(secrets: ReadySecrets | undefined): void {
  if (secrets === undefined || !('before' in secrets)) return;
  secrets.before.wipe();
  secrets.after.wipe();
}

/** The slots that a rotation removes, as they are before it. */
export function slotsRemovedBy({ head }: StoreState, secrets: ReadySecrets | undefined): RemovedSlot[] {
  if (secrets === undefined || !('before' in secrets) || secrets.stays) return [];
  const removed = head.slots.filter((slot): slot is Slot => isAmong(secrets.slots, slot));
  return removed.map((slot) => ({ id: slotLabel(slot), method: slot.method.type }));
}

/** Keys and root of a rotation. @param slots the ones that are to open the store */
async function planRenewal(
  engine: Engine,
  state: StoreState,
  rotation: RunningRotation,
  slots = state.head.slots,
): Promise<HeadEdit> {
  checkDepthUnderWay(state, rotation.depth);
  const { head } = state;
  const renewed = await withNewRoot(head, slots, engine.random);
  const { rootNumber } = renewed.head;
  const keyring = await editedKeyring(engine, state, (before) => {
    const next = rotation.depth === 'unlock' ? before : withNewPrimaries(before, engine.clock.now(), engine.random);
    return { ...next, rootNumber };
  });
  return {
    ...renewed,
    head: { ...renewed.head, rotation },
    keyring,
    outdatesCheckpoint: rotation.depth === 'data',
  };
}

function isAmong(labels: readonly string[], slot: Slot | UnknownSlot): slot is Slot {
  return !('raw' in slot) && labels.includes(slotLabel(slot));
}

/**
 * The plan of a renewal that puts a slot of the new secret in the place of all that the old one opens. If the new secret has a
 * slot already, that one stays, so that whoever opened the store by it can follow, and there is no other to be forgotten.
 */
async function planReplacement(
  engine: Engine,
  state: StoreState,
  rotation: RunningRotation,
  { slots: old, known, after: secret }: Extract<ReadySecrets, { known: unknown }>,
  signal: AbortSignal,
): Promise<HeadEdit> {
  const { head, unlocked } = state;
  const oldSlot = head.slots.find((slot): slot is Slot => isAmong(old, slot));
  if (oldSlot === undefined) {
    throw new SecureStoreError('UNLOCK_FAILED', 'the old unlock secret was removed meanwhile. Nothing was changed.', {
      advice: [{ id: 'list-slots' }],
    });
  }
  const own = head.slots.find((slot): slot is Slot => isAmong(known, slot));
  const heir = own ?? (await newSlot(engine, state, secret.method, signal));
  const placed = own === undefined ? head.slots.map((slot) => (slot === oldSlot ? heir : slot)) : head.slots;
  const plan = await planRenewal(
    engine,
    state,
    rotation,
    placed.filter((slot) => !isAmong(old, slot)),
  );
  if (!head.slots.some((slot) => isAmong(old, slot) && unlocked.id.equals(asBuffer(slot.id)))) return plan;
  try {
    // This process opened the store by the secret that goes: from now on it is there by the new one.
    const sealed = plan.head?.slots?.find((slot): slot is Slot => !('raw' in slot) && slot.id === heir.id);
    if (sealed === undefined) throw new SecureStoreError('INTERNAL', 'the new slot is missing');
    const rootNumber = plan.head?.rootNumber ?? 0;
    return { ...plan, unlocked: await openGivenSlot({ ...head, rootNumber }, sealed, secret, signal) };
  } catch (error) {
    if (plan.keyring !== undefined) wipeKeyring(plan.keyring);
    throw error;
  }
}

/** The plan of a renewal, or of going on with one whose keys are new enough; `undefined` if nothing is to be done. */
async function planOf(
  engine: Engine,
  state: StoreState,
  rotation: RunningRotation,
  secrets: ReadySecrets,
  signal: AbortSignal,
): Promise<HeadEdit | undefined> {
  if ('isDue' in secrets) {
    if (secrets.isDue(state)) return planRenewal(engine, state, rotation);
    return state.head.rotation?.depth === rotation.depth ? planTakeOver(rotation) : undefined;
  }
  if ('revoked' in secrets) return planRevocation(engine, state, rotation, secrets.revoked, signal);
  // A secret that stays keeps its slot, so that everybody who opened the store by it can follow.
  if (secrets.stays) return planRenewal(engine, state, rotation);
  return planReplacement(engine, state, rotation, secrets, signal);
}

/**
 * Renews the root and what else the depth says, and the secret if there is a new one, in one commit. It takes over a
 * rotation to the same depth that is under way.
 *
 * @returns whether there is anything to do
 * @throws SecureStoreError `UNLOCK_FAILED` if the old secret has been removed meanwhile; `CONFLICT` if a rotation to
 *   another depth is under way
 */
export function renew(
  engine: Engine,
  rotation: RunningRotation,
  secrets: ReadySecrets,
  signal: AbortSignal,
): Promise<boolean> {
  return commitHead(engine, { signal }, (state) => planOf(engine, state, rotation, secrets, signal));
}
