import type { KeyObject } from 'node:crypto';
import type { StorageBackend } from '@securestore/backend-api';
import type { Head, Keyring, Reference } from '@securestore/core-format';
import { decodeCategoryMap, encodeCategoryMap, encodeKeyring, sha256 } from '@securestore/core-format';
import type { KeySet, RandomSource } from '@securestore/crypto';
import { keyringKey, openSystemBody, unversioned } from '@securestore/crypto';
import { limitsFor } from '../../engine/limits.ts';
import { readMembers } from '../../head/unlock/grants.ts';
import { sealReference } from '../../engine/head-references.ts';
import type { Sealed } from '../../engine/seal-grants.ts';
import { sealGrants } from '../../engine/seal-grants.ts';
import { ownerKeys } from '../../head/unlock/owner-keys.ts';
import type { StoreState } from '../../head/store-state.ts';
import { readPinned } from '../../head/store-state.ts';

/** A store that is made of another one, and of the same identity. */
export interface Founding {
  /** What is known of that one. */
  readonly state: StoreState;
  /** Its head: the new one is of the next generation. */
  readonly before: Head;
  /** Where lies what that head names. */
  readonly source: StorageBackend;
  readonly target: StorageBackend;
  /** Of the new store. */
  readonly instance: Uint8Array;
  /** Of the new store, and what it loads as. */
  readonly keyring: Keyring;
  readonly keys: KeySet;
  /** Of the new store. */
  readonly root: KeyObject;
  readonly random: RandomSource;
}

/** Writes what the head of the new store names, each sealed anew. @throws SecureStoreError what the backends throw */
export async function writeFoundedReferences(
  founding: Founding,
  signal: AbortSignal | undefined,
): Promise<Head['references']> {
  const { state, before, source, target, instance, keyring, keys, root, random } = founding;
  const owner = ownerKeys(state);
  const generation = before.generation + 1;
  const { suite } = keys.journal.primary;
  const write = async ({ name, body }: Sealed): Promise<Reference> => {
    await target.write(name, body, { signal });
    return { name, digest: sha256(body) };
  };
  const writeSealed = (purpose: 'keyring' | 'categoryMap' | 'policy', secret: KeyObject, plaintext: Uint8Array) =>
    write(sealReference(purpose, { instance, generation }, { secret, suite }, plaintext, random));
  const map = await readPinned(source, before, 'categoryMap', signal);
  const key = unversioned(state.keys.categoryMap);
  const openedMap = openSystemBody('the category map', key, before.suites, 'categoryMap', map.context, map.body);
  const references: Partial<Record<'keyring' | 'categoryMap' | 'policy' | 'grants' | 'destinations', Reference>> = {};
  const encoded = encodeKeyring(keyring);
  try {
    references.keyring = await writeSealed('keyring', keyringKey(root), encoded);
  } finally {
    encoded.fill(0);
  }
  const categories = encodeCategoryMap(decodeCategoryMap(openedMap));
  references.categoryMap = await writeSealed('categoryMap', state.keys.categoryMap, categories);
  if (state.policy !== undefined) references.policy = await writeSealed('policy', owner.policy, state.policy);
  if (state.destinations !== undefined && keys.backup !== undefined) {
    const { primary } = keys.backup;
    const place = { instance, generation };
    references.destinations = await write(sealReference('destinations', place, primary, state.destinations, random));
  }
  const members = await readMembers(source, { ...state, head: before }, signal);
  if (members.length > 0) {
    const limits = limitsFor(target.capabilities);
    const sealed = await sealGrants({ random, limits }, { ...state, head: { ...before, instance } }, members, keyring);
    references.grants = await write(sealed);
  }
  return references;
}
