import type { StorageBackend } from '@securestore/backend-api';
import type { KeyGroup, Keyring, Member, RunningRotation } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import { formatRecipient } from '@securestore/crypto';
import type { Engine } from '../../engine/engine.ts';
import type { HeadEdit } from '../../head/head-edit.ts';
import { isGranted, readMembers } from '../../head/unlock/grants.ts';
import type { StoreState } from '../../head/store-state.ts';
import { withNewPrimaries } from '../../engine/new-keys.ts';
import { checkDepthUnderWay } from '../../engine/rotation-state.ts';
import { editedKeyring } from './keys.ts';
import { slotFor } from './slots.ts';
import { slotLabel } from '../../head/unlock/slot-id.ts';

/**
 * The member with a name, and the others.
 *
 * @throws SecureStoreError `NOT_FOUND` if there is none; `CONFLICT` if a slot opens the whole store for them, so that
 *   nothing would be taken from them
 */
async function memberToRevoke(
  backend: StorageBackend,
  state: StoreState,
  name: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly member: Member; readonly others: readonly Member[] }> {
  const members = await readMembers(backend, state, signal);
  const member = members.find((other) => other.name === name);
  if (member === undefined) {
    throw new SecureStoreError('NOT_FOUND', `member ${JSON.stringify(name)} does not exist`, {
      advice: [{ id: 'list-members' }],
    });
  }
  const slot = slotFor(state.head, member.publicKey);
  if (slot !== undefined) {
    const id = slotLabel(slot);
    throw new SecureStoreError(
      'CONFLICT',
      `member ${JSON.stringify(name)} also unlocks the whole store by slot ${id}`,
      {
        advice: [{ id: 'remove-slot', slot: id }],
      },
    );
  }
  return { member, others: members.filter((other) => other !== member) };
}

/** Who is to be members no more: the one with this name, or all, also if it can't be read who they are. */
export type Revoked = { readonly name: string } | 'all';

/** Looks whether there is anything to revoke. @throws SecureStoreError as {@link memberToRevoke} */
export async function checkRevocable(
  backend: StorageBackend,
  state: StoreState,
  revoked: Revoked,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (revoked !== 'all') await memberToRevoke(backend, state, revoked.name, signal);
  else if (state.head.references.grants === undefined)
    throw new SecureStoreError('NOT_FOUND', 'the store has no members');
}

/** The plan that takes from members what they were granted: nothing of it seals anything from now on. */
export async function planRevocation(
  engine: Engine,
  state: StoreState,
  rotation: RunningRotation,
  revoked: Revoked,
  signal: AbortSignal,
): Promise<HeadEdit> {
  checkDepthUnderWay(state, rotation.depth);
  const { backend, clock, random } = engine;
  const found = revoked === 'all' ? undefined : await memberToRevoke(backend, state, revoked.name, signal);
  const member = found?.member;
  const isRenewed = member && ((group: KeyGroup): boolean => isGranted(member, group));
  const renewed = (before: Keyring): Keyring => withNewPrimaries(before, clock.now(), random, isRenewed);
  return {
    head: { rotation },
    members: found?.others ?? [],
    keyring: await editedKeyring(engine, state, renewed, signal),
    memberEvent: { type: 'member.revoked', ...(member && { recipient: formatRecipient(member.publicKey) }) },
  };
}
