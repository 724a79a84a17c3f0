import type { KeyObject } from 'node:crypto';
import { createSecretKey } from 'node:crypto';
import type { GrantedKeys, KeyGroup, KeyGroupKind, KeyState, KeyVersion } from '@securestore/core-format';
import { asBuffer, SecureStoreError } from '@securestore/core-format';
import type { DigestKeys } from '../primitives/content-digest.ts';
import { digestKeys } from '../primitives/content-digest.ts';
import { deriveKey } from '../primitives/derive.ts';
import { HmacKey } from '../primitives/hmac.ts';
import type { KeyUseListener, OnKeyUse } from '../primitives/key-use.ts';
import type { PayloadKeys } from '../seal/payload-keys.ts';

/** A key version with its secret loaded. */
export interface LoadedVersion<Secret> {
  readonly id: Buffer;
  /** The id as text, for callers and reports. */
  readonly label: string;
  readonly suite: number;
  readonly state: KeyState;
  readonly groupId: Buffer;
  readonly secret: Secret;
  /** Called for everything that is encrypted and decrypted under it, if there is a listener. */
  readonly onUse?: OnKeyUse | undefined;
}

/** A key version of a category. */
export interface LoadedKey extends LoadedVersion<HmacKey> {
  /** Of records that were opened under any key version of the keyring. */
  readonly payloadKeys: PayloadKeys;
}

/** A key version of the store's own objects. */
export type LoadedSystemKey = LoadedVersion<KeyObject>;

/** The keys of one category. */
export interface CategoryKeys {
  /** What new records are sealed under. */
  readonly primary: LoadedKey;
  readonly digest: DigestKeys;
}

/** The keys of what keeps a store's work: hints, registrations, jobs, checkpoints, markers. */
export interface JournalKeys {
  readonly primary: LoadedSystemKey;
  /** For names of the store's own objects; it outlives the versions. */
  readonly digest: DigestKeys;
  /** `undefined` if there is no such version, or it has been retired or destroyed. */
  version(id: Uint8Array): LoadedSystemKey | undefined;
}

/** The keys of the audit log of a store. */
export interface AuditKeys {
  readonly primary: LoadedSystemKey;
  /** For hashes of names; it outlives the versions. */
  readonly names: KeyObject;
  /** For {@link veilIds} of names; likewise. */
  readonly nameIds: KeyObject;
  /** Retired ones too: the log stays as it was written. `undefined` if there is none, or it has been destroyed. */
  version(id: Uint8Array): LoadedSystemKey | undefined;
}

/** The keys of the backups of a store. */
export interface BackupKeySet {
  readonly primary: LoadedSystemKey;
  /** For where pages of an index end; it outlives the versions. */
  readonly digest: DigestKeys;
  /** Retired ones too: what was backed up stays as it was written. `undefined` if there is none, or it has been destroyed. */
  version(id: Uint8Array): LoadedSystemKey | undefined;
}

/** An id as a key of a map. */
export const idText = (id: Uint8Array): string => asBuffer(id).toString('latin1');

/** A key version that is destroyed, or is to be, and so opens nothing. */
export type Unusable = { readonly groupId: Buffer; readonly destroyAt: number };

/** @param load the secret of a version; it keeps nothing of the bytes, which are wiped */
function loadVersion<Secret>(
  { kind, id: group }: KeyGroup,
  { id, suite, state, key }: KeyVersion,
  load: (key: Uint8Array) => Secret,
  listener: KeyUseListener | undefined,
): LoadedVersion<Secret> {
  const label = asBuffer(id).toString('hex');
  const groupId = Buffer.from(group);
  const loaded = { id: Buffer.from(id), label, suite, state, groupId, secret: load(key) };
  if (listener === undefined) return loaded;
  const used = { label, kind, groupId, suite };
  return { ...loaded, onUse: (operation, from, failure) => listener(used, operation, from, failure) };
}

/**
 * Loads the key versions of a group into `versions`.
 *
 * @returns the primary one; `undefined` if none of them is
 */
function loadVersions<Version>(
  group: KeyGroup,
  versions: Map<string, Version | Unusable>,
  load: (version: KeyVersion) => Version,
): Version | undefined {
  let primary: Version | undefined;
  const groupId = Buffer.from(group.id);
  for (const version of group.versions) {
    if (version.state === 'destroyed' || version.destroyAt > 0) {
      versions.set(idText(version.id), { groupId, destroyAt: version.destroyAt });
      continue;
    }
    const loaded = load(version);
    versions.set(idText(version.id), loaded);
    if (version.state === 'primary') primary = loaded;
  }
  return primary;
}

/**
 * Loads the keys of a category, and puts each of its versions into `versions`.
 *
 * @returns `undefined` if none of them is the primary one
 */
export function loadCategory(
  group: KeyGroup,
  versions: Map<string, LoadedKey | Unusable>,
  payloadKeys: PayloadKeys,
  listener: KeyUseListener | undefined,
): CategoryKeys | undefined {
  const primary = loadVersions(group, versions, (version) => ({
    ...loadVersion(group, version, (key) => new HmacKey(key), listener),
    payloadKeys,
  }));
  return primary && { primary, digest: digestKeys(createSecretKey(group.digestKey)) };
}

/** A group of which there is one at most. */
interface SystemGroup {
  readonly primary: LoadedSystemKey;
  readonly digestKey: KeyObject;
  readonly version: (id: Uint8Array) => LoadedSystemKey | undefined;
}

function loadSystemGroup(
  keyring: GrantedKeys,
  kind: Exclude<KeyGroupKind, 'category'>,
  listener: KeyUseListener | undefined,
): SystemGroup | undefined {
  const groups = keyring.groups.filter((group) => group.kind === kind);
  const [group] = groups;
  if (group === undefined) return undefined;
  const versions = new Map<string, LoadedSystemKey | Unusable>();
  const primary = loadVersions(group, versions, (version) => loadVersion(group, version, createSecretKey, listener));
  if (groups.length > 1 || primary === undefined) {
    throw new SecureStoreError('INTEGRITY', `the keyring is damaged: its ${kind} key is missing, or there are several`);
  }
  return {
    primary,
    digestKey: createSecretKey(group.digestKey),
    version(id) {
      const found = versions.get(idText(id));
      return found !== undefined && 'secret' in found ? found : undefined;
    },
  };
}

export function loadJournal(keyring: GrantedKeys, listener: KeyUseListener | undefined): JournalKeys {
  const keys = loadSystemGroup(keyring, 'journal', listener);
  if (keys === undefined) throw new SecureStoreError('INTEGRITY', 'the keyring is damaged: its journal key is missing');
  return {
    primary: keys.primary,
    digest: digestKeys(keys.digestKey),
    version(id) {
      const found = keys.version(id);
      // An attacker may have a retired one.
      return found?.state === 'disabled' ? undefined : found;
    },
  };
}

export function loadAudit(keyring: GrantedKeys, listener: KeyUseListener | undefined): AuditKeys | undefined {
  const keys = loadSystemGroup(keyring, 'audit', listener);
  if (keys === undefined) return undefined;
  const { primary, digestKey, version } = keys;
  const names = deriveKey(digestKey, 'audit names');
  return { primary, names, nameIds: deriveKey(digestKey, 'audit name ids'), version };
}

export function loadBackup(keyring: GrantedKeys, listener: KeyUseListener | undefined): BackupKeySet | undefined {
  const keys = loadSystemGroup(keyring, 'backup', listener);
  return keys && { primary: keys.primary, digest: digestKeys(keys.digestKey), version: keys.version };
}
