import type { KeyObject } from 'node:crypto';
import { createSecretKey } from 'node:crypto';
import type { KeyGroup, Keyring, KeyState } from '@securestore/core-format';
import { asBuffer, isZero, SecureStoreError } from '@securestore/core-format';
import type { DigestKeys } from './content-digest.ts';
import { digestKeys } from './content-digest.ts';
import { deriveKey, takeKey } from './derive.ts';
import { identityPrivateKey } from './identity.ts';
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

/** A keyring that was taken apart into key objects: what an open store works with. */
export interface KeySet {
  readonly rootNumber: number;
  readonly identity: KeyObject;
  readonly names: NameKeys;
  /** The purpose key of the category map. */
  readonly categoryMap: KeyObject;
  /** @throws SecureStoreError `KEY_DESTROYED` where the category has no primary key */
  category(id: Uint8Array): CategoryKeys;
  /** The key version that a record names. @throws SecureStoreError `INTEGRITY`, `KEY_DESTROYED` */
  version(id: Uint8Array, categoryId: Uint8Array): LoadedKey;
}

/** The purpose key under which the keyring is sealed. */
export function keyringKey(root: KeyObject): KeyObject {
  return deriveKey(root, 'keyring');
}

/** An id as a key of a map. */
const text = (id: Uint8Array): string => asBuffer(id).toString('latin1');

function loadGroup(group: KeyGroup, versions: Map<string, LoadedKey | 'destroyed'>): CategoryKeys | undefined {
  let primary: LoadedKey | undefined;
  for (const version of group.versions) {
    if (version.state === 'destroyed') {
      versions.set(text(version.id), 'destroyed');
      continue;
    }
    const loaded = {
      id: Buffer.from(version.id),
      label: Buffer.from(version.id).toString('hex'),
      suite: version.suite,
      state: version.state,
      groupId: Buffer.from(group.id),
      secret: createSecretKey(version.key),
    };
    versions.set(text(version.id), loaded);
    if (version.state === 'primary') primary = loaded;
  }
  return primary && { primary, digest: digestKeys(createSecretKey(group.digestKey)) };
}

/** Fills every key of `keyring` with zeros. */
export function wipeKeyring(keyring: Keyring): void {
  keyring.identitySeed.fill(0);
  keyring.nameKey.fill(0);
  for (const group of keyring.groups) {
    group.digestKey.fill(0);
    for (const version of group.versions) version.key.fill(0);
  }
}

/** Loads a keyring and wipes it. */
export function loadKeyring(keyring: Keyring): KeySet {
  if (isZero(keyring.nameKey)) throw new SecureStoreError('INTERNAL', 'the keyring was wiped before it was loaded');
  const versions = new Map<string, LoadedKey | 'destroyed'>();
  const categories = new Map<string, CategoryKeys | undefined>();
  for (const group of keyring.groups) {
    if (group.kind === 'category') categories.set(text(group.id), loadGroup(group, versions));
  }
  const nameKey = takeKey(Buffer.from(keyring.nameKey));
  const identity = identityPrivateKey(keyring.identitySeed);
  wipeKeyring(keyring);
  return {
    rootNumber: keyring.rootNumber,
    identity,
    names: { mac: deriveKey(nameKey, 'name mac'), encryption: deriveKey(nameKey, 'name encryption') },
    categoryMap: deriveKey(nameKey, 'category map'),
    category(id) {
      const keys = categories.get(text(id));
      if (keys !== undefined) return keys;
      if (categories.has(text(id))) {
        throw new SecureStoreError('KEY_DESTROYED', 'the keys of this category have been destroyed');
      }
      throw new SecureStoreError('INTEGRITY', 'the record is damaged: its category has no keys in this store');
    },
    version(id, categoryId) {
      const key = versions.get(text(id));
      if (key === 'destroyed') {
        throw new SecureStoreError(
          'KEY_DESTROYED',
          `the key version ${asBuffer(id).toString('hex')} of this record has been destroyed`,
        );
      }
      if (key === undefined || !key.groupId.equals(categoryId)) {
        throw new SecureStoreError(
          'INTEGRITY',
          'the record is damaged: it names a key version that its category has not',
        );
      }
      return key;
    },
  };
}
