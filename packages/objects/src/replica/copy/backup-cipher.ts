import type { BackupPurpose } from '@securestore/core-format';
import {
  asBuffer,
  isDamage,
  systemBodyKeyId,
  systemContext,
  ID_LENGTH,
  SecureStoreError,
} from '@securestore/core-format';
import type { BackupKeySet, RandomSource } from '@securestore/crypto';
import { openSystemBody, sealSystemBody } from '@securestore/crypto';
import { keyringWith } from '../../maintenance/keys/keys.ts';
import type { Engine } from '../../engine/engine.ts';
import type { HeadEdit } from '../../head/head-edit.ts';
import { isMember } from '../../head/unlock/owner-keys.ts';
import type { StoreState } from '../../head/store-state.ts';

const LABELS: Readonly<Record<BackupPurpose, string>> = {
  backupPoint: 'point of the backup',
  backupPage: 'page of the index',
  backupWork: 'state of a run',
};

/** What {@link BackupSeals} work with. */
export interface SealPorts {
  /** @throws SecureStoreError if there are none at hand */
  readonly keys: () => BackupKeySet;
  readonly suites: () => readonly number[];
  readonly random: RandomSource;
  /** Looks for newer keys. */
  readonly newer?: (signal: AbortSignal | undefined) => Promise<void>;
}

/**
 * Seals and opens what is stored at a destination of backups, under versions of the backup key, bound to the destination and to its own
 * name there.
 */
export class BackupSeals {
  readonly #ports: SealPorts;

  constructor(ports: SealPorts) {
    this.#ports = ports;
  }

  /** The keys, for what else is derived from them. @throws SecureStoreError `ACCESS_DENIED`, `UNSUPPORTED` */
  get keys(): BackupKeySet {
    return this.#ports.keys();
  }

  /** @param destination the id of the destination @throws SecureStoreError `ACCESS_DENIED`, `UNSUPPORTED` */
  seal(purpose: BackupPurpose, destination: Uint8Array, name: string, plaintext: Uint8Array): Buffer {
    const { keys, random } = this.#ports;
    return sealSystemBody(keys().primary, purpose, systemContext(destination, 0, name), plaintext, random);
  }

  /** The id of the key version that seals, in hex. @throws SecureStoreError `ACCESS_DENIED`, `UNSUPPORTED` */
  get primaryId(): string {
    return asBuffer(this.keys.primary.id).toString('hex');
  }

  /** The id, in hex, of the key version that something was sealed under which {@link open} opened. */
  keyIdOf(body: Uint8Array): string {
    return asBuffer(systemBodyKeyId(body)).toString('hex');
  }

  /** @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION`; `ACCESS_DENIED`, `UNSUPPORTED` if there are no keys */
  async open(
    purpose: BackupPurpose,
    destination: Uint8Array,
    name: string,
    body: Uint8Array,
    signal?: AbortSignal,
  ): Promise<Buffer> {
    const { keys, suites, newer } = this.#ports;
    // It may be sealed by a process that has followed the head further.
    if (newer !== undefined && !this.knows(body)) await newer(signal);
    const what = `the ${LABELS[purpose]} ${name}`;
    return openSystemBody(
      what,
      (id) => keys().version(id),
      suites(),
      purpose,
      systemContext(destination, 0, name),
      body,
    );
  }

  /** Whether the key version is at hand that something names; also if it names none, because it is damaged. */
  knows(body: Uint8Array): boolean {
    try {
      return this.#ports.keys().version(systemBodyKeyId(body)) !== undefined;
    } catch (error) {
      if (isDamage(error)) return true;
      throw error;
    }
  }
}

/** The error for a member to whom backups were not granted. */
export function backupsNotGranted(): SecureStoreError {
  const message = 'the group "backup" was not granted to this member';
  return new SecureStoreError('ACCESS_DENIED', message, { advice: [{ id: 'ask-owner' }] });
}

/** Why there are no keys of backups at hand. */
export function noBackupKeys(state: StoreState): SecureStoreError {
  return isMember(state)
    ? backupsNotGranted()
    : new SecureStoreError('UNSUPPORTED', 'the store has no encryption keys for backups: it was never backed up');
}

/**
 * The head with keys for backups; `undefined` if it has some.
 *
 * @throws SecureStoreError `ACCESS_DENIED` for a member
 */
export async function withBackupKeys(
  engine: Engine,
  state: StoreState,
  signal: AbortSignal | undefined,
): Promise<HeadEdit | undefined> {
  if (state.keys.backup !== undefined) return undefined;
  if (isMember(state)) throw noBackupKeys(state);
  return { keyring: await keyringWith(engine, state, 'backup', [engine.random(ID_LENGTH)], signal) };
}
