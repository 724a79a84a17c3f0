import type { Grant, Keyring, Member } from '@securestore/core-format';
import {
  encodeGrants,
  encodeMembers,
  MAX_GRANTS_BYTES,
  policyName,
  SecureStoreError,
  systemContext,
} from '@securestore/core-format';
import { sealGrant, sealSystemBody } from '@securestore/crypto';
import type { Engine } from './engine.ts';
import { ownerKeys } from '../head/unlock/owner-keys.ts';
import type { StoreState } from '../head/store-state.ts';
import { grantedTo } from '../head/unlock/grants.ts';

const RANDOM_NAME_LENGTH = 16;

/** What is sealed for one place at the backend. */
export interface Sealed {
  readonly name: string;
  readonly body: Buffer;
}

/**
 * Seals the grants of all members for the next head.
 *
 * @param members in ascending order of their public keys
 * @param keyring the one that the next head has; the caller's to wipe
 * @throws SecureStoreError `TOO_LARGE` if no reader, or not this backend, takes so many; `ACCESS_DENIED` for a member
 */
export async function sealGrants(
  engine: Pick<Engine, 'random' | 'limits'>,
  state: StoreState,
  members: readonly Member[],
  keyring: Keyring,
): Promise<Sealed> {
  const { head, keys } = state;
  const { lineage, instance } = head;
  const generation = head.generation + 1;
  const place = { lineage, instance, generation };
  const name = policyName(generation, engine.random(RANDOM_NAME_LENGTH));
  const grants: Grant[] = [];
  for (const member of members) grants.push(await sealGrant(member.publicKey, place, grantedTo(member, keyring)));
  const key = { secret: ownerKeys(state).members, suite: keys.journal.primary.suite };
  const context = systemContext(instance, generation, name);
  const directory = sealSystemBody(key, 'members', context, encodeMembers(members), engine.random);
  const body = encodeGrants({ grants, directory });
  const limit = Math.min(MAX_GRANTS_BYTES, engine.limits.maxRecord);
  if (body.length <= limit) return { name, body };
  throw new SecureStoreError(
    'TOO_LARGE',
    `the grants of ${members.length} members would take ${body.length} bytes; the limit is ${limit}`,
    { advice: [{ id: 'list-members' }] },
  );
}
