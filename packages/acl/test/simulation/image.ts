import type { Image } from '../../../objects/test/simulation/image.ts';
import { makeImage } from '../../../objects/test/simulation/image.ts';
import { payload } from '../../../objects/test/simulation/operations.ts';
import { AccessControl, addPrincipal, grantRole, setRole } from '../../src/index.ts';
import type { Rule } from '../../src/index.ts';
import { extensionsOf } from '@securestore/objects/internal';

/** Objects that are there from the beginning and are never deleted, and one that comes and goes. */
export const LASTING = ['a/1', 'a/2', 'b/1', 'b/large'] as const;
export const PASSING = 'b/passing';
export const KEYS: readonly string[] = [...LASTING, PASSING];

/** So large that it is streamed in several steps. */
const LARGE = 100_000;

export const USERS = ['alice', 'bob'] as const;

/** The roles that are granted and revoked in a schedule, as they begin. */
export const ROLES: Readonly<Record<'reader' | 'writer' | 'reader of a' | 'none of b', readonly Rule[]>> = {
  reader: [{ effect: 'allow', actions: ['read', 'list'] }],
  writer: [{ effect: 'allow', actions: ['write', 'delete'] }],
  'reader of a': [{ effect: 'allow', actions: ['read', 'list'], keys: ['a/*'] }],
  'none of b': [{ effect: 'deny', actions: ['*'], keys: ['b/**'] }],
};

export type RoleName = keyof typeof ROLES;
export const ROLE_NAMES = Object.keys(ROLES) as RoleName[];

/** A store with a policy, from which every schedule begins. */
export function makeAccessImage(): Promise<Image> {
  return makeImage(async (store) => {
    for (const key of KEYS) await store.store(key, payload('first', key === 'b/large' ? LARGE : 12));
    await new AccessControl(store, extensionsOf(store).policy).change([
      setRole('administrator', [{ effect: 'allow', actions: ['*'] }]),
      addPrincipal('admin', 'user'),
      grantRole('admin', 'administrator'),
      ...ROLE_NAMES.map((name) => setRole(name, ROLES[name])),
      ...USERS.map((name) => addPrincipal(name, 'user')),
      grantRole('alice', 'reader'),
      grantRole('alice', 'writer'),
      grantRole('bob', 'reader of a'),
    ]);
  });
}
