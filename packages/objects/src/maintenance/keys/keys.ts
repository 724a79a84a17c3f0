import type { KeyGroup, Keyring, KeyVersion } from '@securestore/core-format';
import { asBuffer } from '@securestore/core-format';
import type { KeyVersionInfo } from '@securestore/crypto';
import { wipeKeyring } from '@securestore/crypto';
import type { Engine } from '../../engine/engine.ts';
import { inOrder, newGroup } from '../../engine/new-keys.ts';
import type { HeadEdit } from '../../head/head-edit.ts';
import { commitHead } from '../../engine/commit-head.ts';
import { rootOf } from '../../head/unlock/owner-keys.ts';
import { readKeyring } from '../../head/store-state.ts';
import type { StoreState } from '../../head/store-state.ts';
import type { KeyUsage } from './key-usage.ts';

/** What a key version may be used for: `destroying` ones wait to be destroyed, and open nothing. */
export type EncryptionKeyState = 'primary' | 'enabled' | 'disabled' | 'destroying' | 'destroyed';

/** A key version, as it may be shown. */
export interface EncryptionKeyInfo {
  readonly id: string;
  readonly kind: 'category' | 'journal' | 'audit' | 'backup';
  /** The name of the category whose objects it seals; absent for other kinds. */
  readonly category?: string;
  readonly state: EncryptionKeyState;
  /**
   * When a rotation, or the creation of the store, made it. A version that a migration added has the time of the one that it follows, so that
   * a rotation by age is not put off.
   */
  readonly created: Date;
  /** When it is to be destroyed; until then that can be undone. */
  readonly destroyAt?: Date;
  /**
   * Destinations of backups where a key that was just destroyed could not be removed: it is gone for good once `encryptionKeys.destroyDue` has
   * reached them.
   */
  readonly pendingAt?: readonly string[];
}

export const labelOf = ({ id }: KeyVersion): string => asBuffer(id).toString('hex');

/** A key version, as it may be shown. */
export function reportOf(state: StoreState, info: KeyVersionInfo): EncryptionKeyInfo {
  const report = {
    id: info.label,
    kind: info.kind,
    state: info.destroyAt > 0 ? ('destroying' as const) : info.state,
    created: new Date(info.created),
  };
  const named = info.kind === 'category' ? { ...report, category: state.categories.nameOf(info.groupId) } : report;
  return info.destroyAt > 0 ? { ...named, destroyAt: new Date(info.destroyAt) } : named;
}

/** All key versions, of each group oldest first. */
export async function listKeys({ monitor }: Engine, signal?: AbortSignal): Promise<EncryptionKeyInfo[]> {
  await monitor.refresh(signal);
  const { state } = monitor;
  return state.keys.versions.map((info) => reportOf(state, info));
}

/**
 * The keyring of the store after `edit`. It is the caller's to wipe; if `edit` fails or gives `undefined`, it is wiped here.
 *
 * @throws SecureStoreError `ACCESS_DENIED` for a member, and what reading the keyring throws
 */
export async function editedKeyring<K extends Keyring | undefined>(
  { backend }: Engine,
  state: StoreState,
  edit: (keyring: Keyring) => K,
  signal?: AbortSignal,
): Promise<K> {
  const keyring = await readKeyring(backend, state.head, rootOf(state), signal);
  let edited: K | undefined;
  try {
    edited = edit(keyring);
    return edited;
  } finally {
    if (edited === undefined) wipeKeyring(keyring);
  }
}

/**
 * The keyring of the store with new groups in it, one for each id. It is the caller's to wipe.
 *
 * @throws SecureStoreError as {@link editedKeyring}
 */
export async function keyringWith(
  engine: Engine,
  state: StoreState,
  kind: KeyGroup['kind'],
  ids: readonly Uint8Array[],
  signal: AbortSignal | undefined,
): Promise<Keyring> {
  const { clock, random } = engine;
  const { suite } = state.keys.journal.primary;
  const withGroups = (keyring: Keyring): Keyring => {
    const groups = ids.map((id) => newGroup(id, kind, suite, clock.now(), random));
    return { ...keyring, groups: inOrder([...keyring.groups, ...groups]) };
  };
  return editedKeyring(engine, state, withGroups, signal);
}

export type ChangeVersion = (version: KeyVersion, state: StoreState) => KeyVersion;

/** A plan that changes key versions; `undefined` if `change` leaves all as they are. */
export async function planVersions(
  engine: Engine,
  state: StoreState,
  change: ChangeVersion,
  signal: AbortSignal | undefined,
): Promise<HeadEdit | undefined> {
  const changed = (keyring: Keyring): Keyring | undefined => {
    let isChanged = false;
    const groups = keyring.groups.map((group) => ({
      ...group,
      versions: group.versions.map((version) => {
        const next = change(version, state);
        isChanged ||= next !== version;
        return next;
      }),
    }));
    return isChanged ? { ...keyring, groups } : undefined;
  };
  const keyring = await editedKeyring(engine, state, changed, signal);
  return keyring && { keyring };
}

/** Changes key versions in one commit. @returns whether anything changed */
export async function changeVersions(
  engine: Engine,
  change: ChangeVersion,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  return commitHead(engine, { signal }, (state) => planVersions(engine, state, change, signal));
}

/**
 * Retires the key versions of `candidates` under which nothing is stored any more by `usage`.
 *
 * @returns the ids of those that were retired now
 */
export async function retireUnused(
  engine: Engine,
  candidates: ReadonlySet<string>,
  usage: KeyUsage,
  signal?: AbortSignal,
): Promise<string[]> {
  // A record that can't be read may be stored under any of them.
  if (usage.unreadable.length > 0) return [];
  const retired = new Set<string>();
  await changeVersions(
    engine,
    (version) => {
      const id = labelOf(version);
      if (version.state !== 'enabled' || !candidates.has(id) || usage.counts.has(id)) return version;
      retired.add(id);
      return { ...version, state: 'disabled' };
    },
    signal,
  );
  return [...retired];
}
