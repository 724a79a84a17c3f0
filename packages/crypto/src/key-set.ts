import type { KeyObject } from 'node:crypto';
import { createSecretKey } from 'node:crypto';
import type { GrantedKeys, KeyGroup, KeyGroupKind, Keyring, KeyState, KeyVersion } from '@securestore/core-format';
import { asBuffer, isZero, SecureStoreError } from '@securestore/core-format';
import type { DigestKeys } from './content-digest.ts';
import { digestKeys } from './content-digest.ts';
import { deriveKey, takeKey } from './derive.ts';
import { identityPrivateKey } from './identity.ts';
import type { KeyOperation, UsedKey } from './key-use.ts';
import type { NameKeys } from './names.ts';
import type { RecordKey } from './record-seal.ts';

/** A key version with its secret loaded. */
export interface LoadedKey extends RecordKey {
  readonly id: Buffer;
  /** The id as text, for callers and reports. */
  readonly label: string;
  readonly state: KeyState;
  readonly groupId: Buffer;
}

/** The keys of one category. */
export interface CategoryKeys {
  /** What new records are sealed under. */
  readonly primary: LoadedKey;
  readonly digest: DigestKeys;
}

/** The keys of what keeps a store's work: hints, registrations, jobs, checkpoints, markers. */
export interface JournalKeys {
  readonly primary: LoadedKey;
  /** For names of the store's own objects; it outlives the versions. */
  readonly digest: DigestKeys;
  /** `undefined` where there is no such version, or it has been retired or destroyed. */
  version(id: Uint8Array): LoadedKey | undefined;
}

/** The keys of the audit log of a store. */
export interface AuditKeys {
  readonly primary: LoadedKey;
  /** For hashes of names; it outlives the versions. */
  readonly names: KeyObject;
  /** For {@link veilIds} of names; likewise. */
  readonly nameIds: KeyObject;
  /** Retired ones too: the log stays as it was written. `undefined` where there is none, or it has been destroyed. */
  version(id: Uint8Array): LoadedKey | undefined;
}

/** The keys of the backups of a store. */
export interface BackupKeySet {
  readonly primary: LoadedKey;
  /** For where pages of an index end; it outlives the versions. */
  readonly digest: DigestKeys;
  /** Retired ones too: what was backed up stays as it was written. `undefined` where there is none, or it has been destroyed. */
  version(id: Uint8Array): LoadedKey | undefined;
}

/** What may be told of a key version. */
export interface KeyVersionInfo {
  /** The id as text. */
  readonly label: string;
  readonly kind: KeyGroupKind;
  readonly groupId: Buffer;
  readonly suite: number;
  readonly state: KeyState;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** When it is to be destroyed, in milliseconds since 1970; 0 where it isn't. */
  readonly destroyAt: number;
}

/** What the root key leads to, and no grant: who has it unlocks the whole store. */
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
  /** Absent where the store was opened by a member. */
  readonly owner?: OwnerKeys | undefined;
  readonly names: NameKeys;
  /** The purpose key of the category map. */
  readonly categoryMap: KeyObject;
  /** The purpose key of the location that the store moves to. */
  readonly migration: KeyObject;
  readonly journal: JournalKeys;
  /** Absent where the store was never audited. */
  readonly audit: AuditKeys | undefined;
  /** Absent where the store was never backed up, or this was not granted. */
  readonly backup: BackupKeySet | undefined;
  /** All key versions, of each group oldest first. */
  readonly versions: readonly KeyVersionInfo[];
  /** @throws SecureStoreError `KEY_DESTROYED` where the category has no primary key, `ACCESS_DENIED` where it wasn't granted */
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

/** An id as a key of a map. */
const text = (id: Uint8Array): string => asBuffer(id).toString('latin1');

/** A key version that is destroyed, or is to be, and so opens nothing. */
type Unusable = { readonly groupId: Buffer; readonly destroyAt: number };

/** Is told what every key version of a {@link KeySet} does. It must not throw. */
export type KeyUseListener = (
  key: UsedKey,
  operation: KeyOperation,
  from: Uint8Array | undefined,
  failure: unknown,
) => void;

function loadVersion(
  { kind, id: group }: KeyGroup,
  { id, suite, state, key }: KeyVersion,
  listener: KeyUseListener | undefined,
): LoadedKey {
  const label = asBuffer(id).toString('hex');
  const groupId = Buffer.from(group);
  const loaded = { id: Buffer.from(id), label, suite, state, groupId, secret: createSecretKey(key) };
  if (listener === undefined) return loaded;
  const used = { label, kind, groupId, suite };
  return { ...loaded, onUse: (operation, from, failure) => listener(used, operation, from, failure) };
}

function loadGroup(
  group: KeyGroup,
  versions: Map<string, LoadedKey | Unusable>,
  listener: KeyUseListener | undefined,
): CategoryKeys | undefined {
  let primary: LoadedKey | undefined;
  const groupId = Buffer.from(group.id);
  for (const version of group.versions) {
    if (version.state === 'destroyed' || version.destroyAt > 0) {
      versions.set(text(version.id), { groupId, destroyAt: version.destroyAt });
      continue;
    }
    const loaded = loadVersion(group, version, listener);
    versions.set(text(version.id), loaded);
    if (version.state === 'primary') primary = loaded;
  }
  return primary && { primary, digest: digestKeys(createSecretKey(group.digestKey)) };
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

/** A group of which there is one at most. */
interface SystemGroup extends Omit<CategoryKeys, 'digest'> {
  readonly digestKey: KeyObject;
  readonly version: (id: Uint8Array) => LoadedKey | undefined;
}

function loadSystemGroup(
  keyring: GrantedKeys,
  kind: Exclude<KeyGroupKind, 'category'>,
  listener: KeyUseListener | undefined,
): SystemGroup | undefined {
  const groups = keyring.groups.filter((group) => group.kind === kind);
  const [group] = groups;
  if (group === undefined) return undefined;
  const versions = new Map<string, LoadedKey | Unusable>();
  const primary = loadGroup(group, versions, listener)?.primary;
  if (groups.length > 1 || primary === undefined) {
    throw new SecureStoreError('INTEGRITY', `the keyring is damaged: it has no ${kind} key, or several`);
  }
  return {
    primary,
    digestKey: createSecretKey(group.digestKey),
    version(id) {
      const found = versions.get(text(id));
      return found !== undefined && 'secret' in found ? found : undefined;
    },
  };
}

function loadJournal(keyring: GrantedKeys, listener: KeyUseListener | undefined): JournalKeys {
  const keys = loadSystemGroup(keyring, 'journal', listener);
  if (keys === undefined) throw new SecureStoreError('INTEGRITY', 'the keyring is damaged: it has no journal key');
  return {
    primary: keys.primary,
    digest: digestKeys(keys.digestKey),
    version(id) {
      const found = keys.version(id);
      // A retired one may be in anybody's hands.
      return found?.state === 'disabled' ? undefined : found;
    },
  };
}

function loadAudit(keyring: GrantedKeys, listener: KeyUseListener | undefined): AuditKeys | undefined {
  const keys = loadSystemGroup(keyring, 'audit', listener);
  if (keys === undefined) return undefined;
  const { primary, digestKey, version } = keys;
  const names = deriveKey(digestKey, 'audit names');
  return { primary, names, nameIds: deriveKey(digestKey, 'audit name ids'), version };
}

function loadBackup(keyring: GrantedKeys, listener: KeyUseListener | undefined): BackupKeySet | undefined {
  const keys = loadSystemGroup(keyring, 'backup', listener);
  return keys && { primary: keys.primary, digest: digestKeys(keys.digestKey), version: keys.version };
}

/**
 * Loads a keyring and wipes it.
 *
 * @param listener is told of everything that is sealed and opened under its key versions
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

/** @param refuse says why there are no keys of a category */
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
  for (const group of granted.groups) {
    if (group.kind !== 'category') continue;
    const destroyAt = Math.max(0, ...group.versions.map((version) => version.destroyAt));
    categories.set(text(group.id), loadGroup(group, versions, listener) ?? { destroyAt });
  }
  const nameKey = takeKey(Buffer.from(granted.nameKey));
  return {
    names: { mac: deriveKey(nameKey, 'name mac'), encryption: deriveKey(nameKey, 'name encryption') },
    categoryMap: deriveKey(nameKey, 'category map'),
    migration: deriveKey(nameKey, 'migration'),
    journal,
    audit,
    backup,
    versions: infos,
    category(id) {
      const keys = categories.get(text(id)) ?? refuse('its category has no keys in this store');
      return 'primary' in keys ? keys : destroyed('the key of this category is', keys.destroyAt);
    },
    has: (id) => categories.has(text(id)),
    isDestroyed(id) {
      const keys = categories.get(text(id));
      return keys !== undefined && !('primary' in keys);
    },
    knows: (id) => versions.has(text(id)),
    version(id, categoryId) {
      if (!categories.has(text(categoryId))) refuse('its category has no keys in this store');
      const known = versions.get(text(id));
      if (known === undefined || !known.groupId.equals(categoryId)) {
        throw new SecureStoreError(
          'INTEGRITY',
          'the record is damaged: it names a key version that its category has not',
        );
      }
      if ('secret' in known) return known;
      return destroyed(`the key version ${asBuffer(id).toString('hex')} of this record is`, known.destroyAt);
    },
  };
}
