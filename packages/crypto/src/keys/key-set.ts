import type { KeyObject } from 'node:crypto';
import type { GrantedKeys, KeyGroup, KeyGroupKind, Keyring, KeyState } from '@securestore/core-format';
import { asBuffer, isZero, SecureStoreError } from '@securestore/core-format';
import { deriveHmacKey, deriveKey, takeKey } from '../primitives/derive.ts';
import { identityPrivateKey } from './identity.ts';
import type { AuditKeys, BackupKeySet, CategoryKeys, JournalKeys, LoadedKey, Unusable } from './key-groups.ts';
import { idText, loadAudit, loadBackup, loadCategory, loadJournal } from './key-groups.ts';
import type { KeyUseListener } from '../primitives/key-use.ts';
import type { NameKeys } from '../names/names.ts';
import { PayloadKeys } from '../seal/payload-keys.ts';

/** What may be shown of a key version. */
export interface KeyVersionInfo {
  /** The id as text. */
  readonly label: string;
  readonly kind: KeyGroupKind;
  readonly groupId: Buffer;
  readonly suite: number;
  readonly state: KeyState;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** When it is to be destroyed, in milliseconds since 1970; 0 if it isn't. */
  readonly destroyAt: number;
}

/** What the root key leads to, and no grant: its holder unlocks the whole store. */
export interface OwnerKeys {
  readonly rootNumber: number;
  readonly identity: KeyObject;
  /** The purpose key of the access policy. */
  readonly policy: KeyObject;
  /** Under which API tokens are hashed. */
  readonly apiTokens: KeyObject;
  /** The purpose key of the directory of members. */
  readonly members: KeyObject;
}

/** A keyring, or what a member was granted of it, taken apart into key objects: what an open store works with. */
export interface KeySet {
  /** Absent if the store was opened by a member. */
  readonly owner?: OwnerKeys | undefined;
  readonly names: NameKeys;
  /** The purpose key of the category map. */
  readonly categoryMap: KeyObject;
  /** The purpose key of the store URL that the store moves to. */
  readonly migration: KeyObject;
  readonly journal: JournalKeys;
  /** Absent if the store was never audited. */
  readonly audit: AuditKeys | undefined;
  /** Absent if the store was never backed up, or this was not granted. */
  readonly backup: BackupKeySet | undefined;
  /** All key versions, of each group oldest first. */
  readonly versions: readonly KeyVersionInfo[];
  /** @throws SecureStoreError `KEY_DESTROYED` if the category has no primary key, `ACCESS_DENIED` if it wasn't granted */
  category(id: Uint8Array): CategoryKeys;
  /** Whether the keys of a category are here, usable or not: a member has those that were granted. */
  has(id: Uint8Array): boolean;
  /** Whether the keys of a category have been destroyed, or are to be: nothing of it can be opened. */
  isDestroyed(id: Uint8Array): boolean;
  /** Whether there is a key version of a category with this id, usable or not. */
  knows(id: Uint8Array): boolean;
  /** The key version that a record names. @throws SecureStoreError `INTEGRITY`, `KEY_DESTROYED`, `ACCESS_DENIED` */
  version(id: Uint8Array, categoryId: Uint8Array): LoadedKey;
}

/** The purpose key under which the keyring is sealed. */
export function keyringKey(root: KeyObject): KeyObject {
  return deriveKey(root, 'keyring');
}

/** Fills every key of `keyring` with zeros. */
export function wipeKeyring(keyring: Keyring): void {
  keyring.identitySeed.fill(0);
  wipeGranted(keyring);
}

/** Fills all of these keys with zeros. */
export function wipeGranted({ nameKey, groups }: GrantedKeys): void {
  nameKey.fill(0);
  for (const group of groups) {
    group.digestKey.fill(0);
    for (const version of group.versions) version.key.fill(0);
  }
}

function destroyed(what: string, at: number): never {
  throw new SecureStoreError(
    'KEY_DESTROYED',
    at === 0 ? `${what} destroyed` : `${what} scheduled to be destroyed on ${new Date(at).toISOString()}`,
  );
}

function infoOf(group: KeyGroup): KeyVersionInfo[] {
  return group.versions.map(({ id, suite, state, created, destroyAt }) => ({
    label: asBuffer(id).toString('hex'),
    kind: group.kind,
    groupId: Buffer.from(group.id),
    suite,
    state,
    created,
    destroyAt,
  }));
}

/**
 * Loads a keyring and wipes it.
 *
 * @param listener called for everything that is encrypted and decrypted under its key versions
 */
export function loadKeyring(keyring: Keyring, listener?: KeyUseListener): KeySet & { readonly owner: OwnerKeys } {
  const keys = loadKeys(keyring, listener, (what) => {
    throw new SecureStoreError('INTEGRITY', `the record is damaged: ${what}`);
  });
  const seed = takeKey(Buffer.from(keyring.identitySeed));
  const policy = deriveKey(seed, 'policy');
  const owner = {
    rootNumber: keyring.rootNumber,
    identity: identityPrivateKey(keyring.identitySeed),
    policy,
    apiTokens: deriveKey(policy, 'api tokens'),
    members: deriveKey(seed, 'members'),
  };
  wipeKeyring(keyring);
  return { ...keys, owner };
}

/** Loads the keys that a member was granted, and wipes them. @param listener as for {@link loadKeyring} */
export function loadGranted(granted: GrantedKeys, listener?: KeyUseListener): KeySet {
  const keys = loadKeys(granted, listener, () => {
    throw new SecureStoreError('ACCESS_DENIED', 'the category of the record was not granted to this member');
  });
  wipeGranted(granted);
  return keys;
}

/** @param refuse throws, with why there are no keys of a category */
function loadKeys(
  granted: GrantedKeys,
  listener: KeyUseListener | undefined,
  refuse: (what: string) => never,
): Omit<KeySet, 'owner'> {
  if (isZero(granted.nameKey)) throw new SecureStoreError('INTERNAL', 'the keyring was wiped before it was loaded');
  const versions = new Map<string, LoadedKey | Unusable>();
  const categories = new Map<string, CategoryKeys | Pick<Unusable, 'destroyAt'>>();
  const journal = loadJournal(granted, listener);
  const audit = loadAudit(granted, listener);
  const backup = loadBackup(granted, listener);
  const infos = granted.groups.flatMap(infoOf);
  const payloadKeys = new PayloadKeys();
  for (const group of granted.groups) {
    if (group.kind !== 'category') continue;
    const destroyAt = Math.max(0, ...group.versions.map((version) => version.destroyAt));
    categories.set(idText(group.id), loadCategory(group, versions, payloadKeys, listener) ?? { destroyAt });
  }
  const nameKey = takeKey(Buffer.from(granted.nameKey));
  return {
    names: { mac: deriveHmacKey(nameKey, 'name mac'), encryption: deriveKey(nameKey, 'name encryption') },
    categoryMap: deriveKey(nameKey, 'category map'),
    migration: deriveKey(nameKey, 'migration'),
    journal,
    audit,
    backup,
    versions: infos,
    category(id) {
      const keys = categories.get(idText(id)) ?? refuse('its category has no keys in this store');
      return 'primary' in keys ? keys : destroyed('the encryption key of this category is', keys.destroyAt);
    },
    has: (id) => categories.has(idText(id)),
    isDestroyed(id) {
      const keys = categories.get(idText(id));
      return keys !== undefined && !('primary' in keys);
    },
    knows: (id) => versions.has(idText(id)),
    version(id, categoryId) {
      if (!categories.has(idText(categoryId))) refuse('its category has no keys in this store');
      const known = versions.get(idText(id));
      if (known === undefined || !known.groupId.equals(categoryId)) {
        throw new SecureStoreError(
          'INTEGRITY',
          'the record is damaged: it names a key version that its category does not have',
        );
      }
      if ('secret' in known) return known;
      return destroyed(`the key version ${asBuffer(id).toString('hex')} of this record is`, known.destroyAt);
    },
  };
}
