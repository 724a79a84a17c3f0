import type { StorageBackend } from '@securestore/backend-api';
import type { Grants, GrantedKeys, Head, KeyGroup, Member } from '@securestore/core-format';
import { decodeGrants, decodeMembers, SecureStoreError } from '@securestore/core-format';
import type { GrantPlace, UnlockSecretMethod, UnlockedGrant } from '@securestore/crypto';
import { openGrant, openSystemBody, unversioned } from '@securestore/crypto';
import { ownerKeys } from './owner-keys.ts';
import type { StoreState } from '../store-state.ts';
import { readPinned } from '../store-state.ts';

/** The grants that a head names, which binds them to its store and generation. */
interface PlacedGrants extends Grants {
  readonly place: GrantPlace;
  /** What binds the directory in them. */
  readonly context: Buffer;
}

async function readGrants(
  backend: StorageBackend,
  head: Head,
  signal: AbortSignal | undefined,
): Promise<PlacedGrants | undefined> {
  if (head.references.grants === undefined) return undefined;
  const { body, context, generation } = await readPinned(backend, head, 'grants', signal);
  const { lineage, instance } = head;
  return { ...decodeGrants(body), context, place: { lineage, instance, generation } };
}

/**
 * Opens what a verified head grants to the holder of an identity; `undefined` if that is nothing.
 *
 * @throws SecureStoreError `INTEGRITY`, and what the backend throws
 */
export async function unlockGrant(
  backend: StorageBackend,
  head: Head,
  identity: UnlockSecretMethod,
  signal: AbortSignal | undefined,
): Promise<UnlockedGrant | undefined> {
  const found = await readGrants(backend, head, signal);
  if (found === undefined) return undefined;
  const privateKey = await identity.secret();
  try {
    return await openGrant(privateKey, found.grants, found.place);
  } finally {
    privateKey.fill(0);
  }
}

/** The same grant as a later head names it; `undefined` if it was revoked. @throws SecureStoreError as {@link unlockGrant} */
export async function followGrant(
  backend: StorageBackend,
  head: Head,
  unlocked: UnlockedGrant,
): Promise<UnlockedGrant | undefined> {
  const found = await readGrants(backend, head, undefined);
  return found && unlocked.follow(found.grants, found.place);
}

/** The members of a store. @throws SecureStoreError `INTEGRITY`; `ACCESS_DENIED` for a member; what the backend throws */
export async function readMembers(
  backend: StorageBackend,
  state: StoreState,
  signal?: AbortSignal,
): Promise<readonly Member[]> {
  const { members: key } = ownerKeys(state);
  const found = await readGrants(backend, state.head, signal);
  if (found === undefined) return [];
  const what = 'the directory of members';
  const { suites } = state.head;
  const opened = openSystemBody(what, unversioned(key), suites, 'members', found.context, found.directory);
  const members = decodeMembers(opened);
  const agree =
    members.length === found.grants.length &&
    members.every(({ publicKey }, at) => Buffer.compare(publicKey, found.grants[at]?.publicKey ?? publicKey) === 0);
  if (agree) return members;
  throw new SecureStoreError('INTEGRITY', `${what} is damaged: its members are not those with grants`);
}

/** Whether the keys of a group are granted to a member. All of them write, so all have the journal. */
export function isGranted({ categories, groups }: Pick<Member, 'categories' | 'groups'>, group: KeyGroup): boolean {
  if (group.kind === 'journal') return true;
  if (group.kind === 'category') return categories.some((id) => Buffer.compare(id, group.id) === 0);
  return groups.includes(group.kind);
}

/** What a member is to have of a keyring; the keys are the same memory. */
export function grantedTo(member: Member, { nameKey, groups }: GrantedKeys): GrantedKeys {
  return { nameKey, groups: groups.filter((group) => isGranted(member, group)) };
}
