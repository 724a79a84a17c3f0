import { ID_LENGTH, SecureStoreError } from '@securestore/core-format';
import { inOrder, newGroup } from '../../engine/new-keys.ts';
import type { Engine } from '../../engine/engine.ts';
import type { HeadPlan } from '../../head/head-edit.ts';
import { isMember, rootOf } from '../../head/owner-keys.ts';
import type { StoreState } from '../../head/store-state.ts';
import { readKeyring } from '../../head/store-state.ts';

/** Why there are no keys of backups at hand. */
export function noBackupKeys(state: StoreState): SecureStoreError {
  return isMember(state)
    ? new SecureStoreError('ACCESS_DENIED', 'the keys of backups were not granted to this member')
    : new SecureStoreError('UNSUPPORTED', 'the store was never backed up: it has no keys for it');
}

/**
 * The head with keys for backups; `undefined` where it has some.
 *
 * @throws SecureStoreError `ACCESS_DENIED` for a member
 */
export async function withBackupKeys(
  engine: Engine,
  state: StoreState,
  signal: AbortSignal | undefined,
): Promise<HeadPlan | undefined> {
  if (state.keys.backup !== undefined) return undefined;
  if (isMember(state)) throw noBackupKeys(state);
  const { backend, clock, random } = engine;
  const keyring = await readKeyring(backend, state.head, rootOf(state), signal);
  const group = newGroup(random(ID_LENGTH), 'backup', state.keys.journal.primary.suite, clock.now(), random);
  return { keyring: { ...keyring, groups: inOrder([...keyring.groups, group]) } };
}
