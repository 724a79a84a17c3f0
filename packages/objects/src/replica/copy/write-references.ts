import type { KeyObject } from 'node:crypto';
import type { StorageBackend } from '@securestore/backend-api';
import type { Head, Keyring, Reference } from '@securestore/core-format';
import {
  decodeCategoryMap,
  encodeCategoryMap,
  encodeKeyring,
  keyringName,
  policyName,
  sha256,
  systemContext,
} from '@securestore/core-format';
import type { KeySet, RandomSource } from '@securestore/crypto';
import { keyringKey, openSystemBody, sealSystemBody, unversioned } from '@securestore/crypto';
import { limitsFor } from '../../engine/limits.ts';
import { readMembers } from '../../head/grants.ts';
import { sealGrants } from '../../engine/seal-grants.ts';
import { ownerKeys } from '../../head/owner-keys.ts';
import type { StoreState } from '../../head/store-state.ts';
import { readPinned } from '../../head/store-state.ts';

const RANDOM_NAME_LENGTH = 16;

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
  const write = async (name: string, body: Buffer): Promise<Reference> => {
    await target.write(name, body, { signal });
    return { name, digest: sha256(body) };
  };
  const place = (name: string): Buffer => systemContext(instance, generation, name);
  const named = (name: string, purpose: 'keyring' | 'categoryMap' | 'policy', secret: KeyObject, plain: Uint8Array) =>
    write(name, sealSystemBody({ secret, suite }, purpose, place(name), plain, random));
  const freshName = (): string => policyName(generation, random(RANDOM_NAME_LENGTH));
  const map = await readPinned(source, before, 'categoryMap', signal);
  const key = unversioned(state.keys.categoryMap);
  const openedMap = openSystemBody('the category map', key, before.suites, 'categoryMap', map.context, map.body);
  const references: Partial<Record<'keyring' | 'categoryMap' | 'policy' | 'grants' | 'destinations', Reference>> = {};
  const encoded = encodeKeyring(keyring);
  try {
    const name = keyringName(generation, random(RANDOM_NAME_LENGTH));
    references.keyring = await named(name, 'keyring', keyringKey(root), encoded);
  } finally {
    encoded.fill(0);
  }
  const categories = encodeCategoryMap(decodeCategoryMap(openedMap));
  references.categoryMap = await named(freshName(), 'categoryMap', state.keys.categoryMap, categories);
  if (state.policy !== undefined) references.policy = await named(freshName(), 'policy', owner.policy, state.policy);
  if (state.destinations !== undefined && keys.backup !== undefined) {
    const name = freshName();
    const sealed = sealSystemBody(keys.backup.primary, 'destinations', place(name), state.destinations, random);
    references.destinations = await write(name, sealed);
  }
  const members = await readMembers(source, { ...state, head: before }, signal);
  if (members.length > 0) {
    const limits = limitsFor(target.capabilities);
    const sealed = await sealGrants({ random, limits }, { ...state, head: { ...before, instance } }, members, keyring);
    references.grants = await write(sealed.name, sealed.body);
  }
  return references;
}
