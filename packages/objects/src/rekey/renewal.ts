import type { Slot } from '@securestore/core-format';
import { asBuffer, SecureStoreError } from '@securestore/core-format';
import type { UnlockMethod } from '@securestore/crypto';
import { wipeKeyring } from '@securestore/crypto';
import type { Engine } from '../engine.ts';
import type { HeadPlan } from '../head-change.ts';
import { changeHead } from '../head-change.ts';
import type { StoreState } from '../state.ts';
import { readKeyring } from '../state.ts';
import { withNewPrimaries, withNewRoot } from './new-keys.ts';
import type { RotationDepth } from './rotate.ts';
import type { HeldSecret } from './slots.ts';
import { findSlots, holdSecret, newSlot, openGivenSlot, slotLabel } from './slots.ts';

/** What a rotation does with secrets. */
export type Secrets =
  | { readonly oldKey: UnlockMethod; readonly newKey: UnlockMethod }
  /** Every secret stays, and new keys are made only where `isDue` says so of the newest state. */
  | { readonly isDue: (state: StoreState) => boolean };

/** What shows, later and elsewhere, whether a change of the keys took place. */
export interface BeforeRenewal {
  /** The number of the root key before. */
  readonly root: number;
  /** The slot that was to be replaced. */
  readonly slot?: string;
  /** The key version of the journal that was to be replaced, since destroying keys renews the root key, too. */
  readonly journal?: string;
}

/** Remembers what shows whether the change took place, before it does. */
type Remember = (before: BeforeRenewal) => Promise<void>;

/** Whether the change took place that `before` was remembered for. */
export function tookPlace({ root, slot, journal }: BeforeRenewal, { head, keys }: StoreState): boolean {
  if (head.rootNumber <= root || keys.journal.primary.label === journal) return false;
  return !head.slots.some((other) => !('raw' in other) && slotLabel(other) === slot);
}

function beforeRenewal({ head, keys }: StoreState, depth: RotationDepth): BeforeRenewal {
  const { label } = keys.journal.primary;
  return depth === 'unlock' ? { root: head.rootNumber } : { root: head.rootNumber, journal: label };
}

/** Keys and root of a rotation. @param slots the ones that are to open the store */
async function planRenewal(
  engine: Engine,
  { head, unlocked }: StoreState,
  depth: RotationDepth,
  slots = head.slots,
): Promise<HeadPlan> {
  const renewed = await withNewRoot(head, slots, engine.random);
  const before = await readKeyring(engine.backend, head, unlocked.root);
  const keyring = depth === 'unlock' ? before : withNewPrimaries(before, engine.clock.now(), engine.random);
  return {
    ...renewed,
    keyring: { ...keyring, rootNumber: renewed.head.rootNumber },
    dropCheckpoint: depth === 'data',
  };
}

/** The plan of a renewal that puts a slot of `secret` in the place of all that the old secret opens. */
async function planReplacement(
  engine: Engine,
  state: StoreState,
  depth: RotationDepth,
  { old, others }: { readonly old: string; readonly others: readonly string[] },
  secret: HeldSecret,
): Promise<HeadPlan> {
  const { head, unlocked } = state;
  const oldSlot = head.slots.find((slot): slot is Slot => !('raw' in slot) && slotLabel(slot) === old);
  if (oldSlot === undefined) {
    throw new SecureStoreError('UNLOCK_FAILED', 'the old secret has been removed meanwhile; nothing was changed');
  }
  const fresh = await newSlot(engine, state, secret);
  const left = head.slots.filter((slot) => 'raw' in slot || !others.includes(slotLabel(slot)));
  const slots = left.map((slot) => (slot === oldSlot ? fresh : slot));
  const plan = await planRenewal(engine, state, depth, slots);
  if (!unlocked.id.equals(asBuffer(oldSlot.id))) return plan;
  try {
    // This process opened the store by the secret that goes: from now on it is there by the new one.
    const sealed = plan.head?.slots?.find((slot): slot is Slot => !('raw' in slot) && slot.id === fresh.id);
    if (sealed === undefined) throw new SecureStoreError('INTERNAL', 'the new slot is missing');
    const rootNumber = plan.head?.rootNumber ?? 0;
    return { ...plan, unlocked: await openGivenSlot({ ...head, rootNumber }, sealed, secret) };
  } catch (error) {
    if (plan.keyring !== undefined) wipeKeyring(plan.keyring);
    throw error;
  }
}

async function replaceSecret(
  engine: Engine,
  { oldKey, newKey }: { readonly oldKey: UnlockMethod; readonly newKey: UnlockMethod },
  depth: RotationDepth,
  remember: Remember,
  signal: AbortSignal,
): Promise<void> {
  const before = await holdSecret(oldKey);
  const after = await holdSecret(newKey);
  try {
    const { state } = engine.watcher;
    const [old = '', ...others] = (await findSlots(state.head, before)).map(slotLabel);
    // A secret that stays keeps its slot, so that everybody who opened the store by it can follow.
    const kept = before.equals(after);
    await remember({ ...beforeRenewal(state, depth), ...(kept ? {} : { slot: old }) });
    const plan = (newest: StoreState): Promise<HeadPlan> =>
      kept ? planRenewal(engine, newest, depth) : planReplacement(engine, newest, depth, { old, others }, after);
    await changeHead(engine, plan, signal);
  } finally {
    before.wipe();
    after.wipe();
  }
}

/**
 * Renews the root and what else `depth` says, and the secret where there is a new one, in one commit.
 *
 * @throws SecureStoreError `UNLOCK_FAILED` where the old secret opens nothing
 */
export async function renew(
  engine: Engine,
  depth: RotationDepth,
  secrets: Secrets,
  remember: Remember,
  signal: AbortSignal,
): Promise<void> {
  await engine.watcher.refresh(signal);
  if ('oldKey' in secrets) return replaceSecret(engine, secrets, depth, remember, signal);
  await remember(beforeRenewal(engine.watcher.state, depth));
  await changeHead(
    engine,
    async (state) => (secrets.isDue(state) ? planRenewal(engine, state, depth) : undefined),
    signal,
  );
  return undefined;
}
