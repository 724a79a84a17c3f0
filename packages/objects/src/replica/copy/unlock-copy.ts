import type { StorageBackend } from '@securestore/backend-api';
import type { BackupKeys, Head } from '@securestore/core-format';
import { generationOf, HEAD_NAME, SecureStoreError, splitRecord } from '@securestore/core-format';
import type { RandomSource } from '@securestore/crypto';
import { fingerprintOf, NameCipher, randomPool, checkRecordKey } from '@securestore/crypto';
import type { Clock } from '@securestore/jobs';
import { instant, systemClock } from '@securestore/jobs';
import { engineOf } from '../../engine/create-engine.ts';
import type { Engine } from '../../engine/engine.ts';
import { isMember } from '../../head/unlock/owner-keys.ts';
import { openLoose } from '../../record/open-record.ts';
import type { ReadHead, StoreState } from '../../head/store-state.ts';
import { loadState, parseHead } from '../../head/store-state.ts';
import { checkIdentity } from '../../head/trust/check-identity.ts';
import { TokenNames } from '../../record/encoded-names.ts';
import { unlockHead } from '../../head/unlock/unlock-head.ts';
import { checkCopied, keysBackend, keysObject } from './read-only-backend.ts';
import { BackupSeals, backupsNotGranted } from './backup-cipher.ts';
import { isSameStore } from '../../head/ancestry.ts';
import type { OpenSettings } from '../../head/open-settings.ts';

/** What opens a copy of a store; if the store itself is open, its own keys do. */
export interface CopySettings extends Pick<
  OpenSettings,
  'url' | 'unlock' | 'fingerprint' | 'clock' | 'random' | 'signal'
> {
  readonly keys: BackupKeys;
}

interface CopyParts {
  readonly settings: Omit<CopySettings, 'unlock'>;
  readonly read: ReadHead;
  readonly state: StoreState;
  /** The head of the store that is open, if its policy is the one that counts. */
  readonly live?: Head;
}

/** Of when it is who may open a store that is made of a copy, and do what with it. */
export interface CopiedAccess {
  /** When the head was written, by its process, that slots, members and keys are of: what was taken away later is not. */
  readonly time: Date;
  /** The generation of that head. */
  readonly generation: number;
  /** Absent if there is none. */
  readonly policy?: {
    /** The generation of the head with which it was changed last: the greater one is the newer one. */
    readonly version: number;
    /** All changes up to then are in it. */
    readonly time: Date;
    /** Whose it is: that of the destination; or of the store, which was open, and whose policy took the place of the other one. */
    readonly source: 'destination' | 'store';
  };
}

/** A copy of a store, unlocked: what opens everything in it, without a store that is open. Made by {@link unlockCopy}. */
export class UnlockedCopy {
  /** For {@link foundStore}. */
  readonly state: StoreState;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly #settings: Omit<CopySettings, 'unlock'>;
  readonly #read: ReadHead;
  readonly #live: Head | undefined;
  #names: NameCipher | undefined;

  constructor({ settings, read, state, live }: CopyParts) {
    this.#live = live;
    this.#settings = settings;
    this.#read = read;
    this.state = state;
    this.clock = settings.clock ?? systemClock();
    this.random = settings.random ?? randomPool();
  }

  get keys(): BackupKeys {
    return this.#settings.keys;
  }

  /** As the copy has it. */
  get head(): Head {
    return this.#read.head;
  }

  /** Of when it is who may do what in a store that is made of this. */
  get access(): CopiedAccess {
    const { time, generation } = this.head;
    const of = this.#live ?? this.head;
    const name = of.references.policy?.name;
    const version = name === undefined ? undefined : generationOf(name);
    const source = this.#live === undefined ? 'destination' : 'store';
    return {
      time: new Date(time),
      generation,
      ...(version !== undefined && { policy: { version, time: new Date(of.time), source } }),
    };
  }

  get fingerprint(): string {
    return fingerprintOf(this.head.identity);
  }

  /** How new key versions are, by their ids in hex: the newer of a group, the greater. A member knows those that were granted. */
  get keyOrder(): ReadonlyMap<string, number> {
    return keyOrderOf(this.state);
  }

  /** What opens what is stored beside it. */
  get seals(): BackupSeals {
    const { keys, head } = this.state;
    return new BackupSeals({
      keys() {
        if (keys.backup !== undefined) return keys.backup;
        throw backupsNotGranted();
      },
      suites: () => head.suites,
      random: this.random,
    });
  }

  /** For messages; without credentials. */
  get url(): string {
    return this.#settings.url;
  }

  /**
   * The engine over a backend that shows what the copy holds. It can be read; what would change it fails with `READ_ONLY`.
   *
   * @param view serves the head of the copy and what it names, too
   */
  engineOver(view: StorageBackend): Engine {
    const begun = instant(this.clock);
    const context = { backend: view, url: this.url, random: this.random };
    return engineOf(context, this.clock, { begun, read: this.#read, state: this.state });
  }

  get #cipher(): NameCipher {
    return (this.#names ??= new NameCipher(this.state.keys.names, this.head.naming, this.head.lineage));
  }

  /** What its names and tokens have to do with each other. */
  get names(): TokenNames {
    return new TokenNames(() => this.#cipher);
  }

  /** The name that a token says; `undefined` if only a live record would tell it. @throws SecureStoreError `INTEGRITY` */
  nameIn(token: string): string | undefined {
    return this.names.nameIn(token);
  }

  /** The name of the object of which a record is stored at a token; `undefined` if only a live record would tell it. @throws SecureStoreError `INTEGRITY` */
  nameOf(token: string, record: Uint8Array): string | undefined {
    const names = this.#cipher;
    const named = this.nameIn(token);
    if (named !== undefined) return named;
    const opened = openLoose(this.state, record, names, token);
    return opened.kind === 'object' ? opened.body.name : undefined;
  }

  /**
   * Makes sure that the key of a record opens, and not what is in it. Of what a member was not granted, or what was destroyed with its
   * category, nothing is said.
   *
   * @throws SecureStoreError `INTEGRITY`; `KEY_DESTROYED` if everything was brought under newer keys before that one went
   */
  checkKey(record: Uint8Array): void {
    const { keys } = this.state;
    const split = splitRecord(record);
    const { header, envelope } = split;
    const isAtHand = keys.has(header.categoryId) || !isMember(this.state);
    if (!isAtHand || keys.isDestroyed(header.categoryId)) return;
    const { id, suite, secret } = keys.version(envelope.keyId, header.categoryId);
    checkRecordKey(split, { id, suite, secret });
  }

  /** Forgets the private keys by which it was opened. */
  wipe(): void {
    this.state.unlocked.wipe();
  }
}

/** What a copy has no more: it holds objects alone. */
function withoutCheckpoint(head: Head): Head {
  const { checkpoint: _, formerCheckpoint: __, ...references } = head.references;
  return { ...head, references };
}

function headOf(keys: BackupKeys): ReadHead {
  const body = keysObject(keys, HEAD_NAME);
  if (body === undefined) throw new SecureStoreError('INTEGRITY', 'the backup has no head');
  return parseHead({ body, etag: '1' });
}

/** A copy of a store that is open, by its own keys. @throws SecureStoreError `INTEGRITY` if it is of another store */
export function copyOfStore(state: StoreState, settings: Omit<CopySettings, 'unlock'>): UnlockedCopy {
  const read = headOf(settings.keys);
  if (!isSameStore(read.head, state.head))
    throw new SecureStoreError('INTEGRITY', `the backup is of another store, not of ${settings.url}`);
  return new UnlockedCopy({
    settings,
    read,
    state: { ...state, head: withoutCheckpoint(read.head), opensRetired: true },
    live: state.head,
  });
}

/**
 * Unlocks a copy of a store by a secret that opens the store.
 *
 * @throws SecureStoreError `UNLOCK_FAILED`; `INTEGRITY` if it is damaged or of another store than `fingerprint` says;
 *   `INVALID_ARGUMENT` if an identity or key wrapper is given without one
 */
export async function unlockCopy(settings: CopySettings): Promise<UnlockedCopy> {
  const { keys, url, unlock, fingerprint, signal } = settings;
  const backend = keysBackend(keys);
  const read = headOf(keys);
  await checkIdentity(read.head, { backend, url, unlock, fingerprint });
  checkCopied(keys, read.head);
  const unlocked = await unlockHead(backend, read.head, unlock, undefined, signal);
  try {
    const loaded = await loadState(backend, read.head, unlocked, { opensRetired: true }, signal);
    return new UnlockedCopy({ settings, read, state: { ...loaded, head: withoutCheckpoint(read.head) } });
  } catch (error) {
    unlocked.wipe();
    throw error;
  }
}

/** How new key versions are, by their ids in hex: the newer of a group, the greater. A member knows those that were granted. */
export function keyOrderOf({ keys }: StoreState): ReadonlyMap<string, number> {
  return new Map(keys.versions.map(({ label }, at) => [label, at + 1]));
}
