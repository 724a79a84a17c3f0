import type { BackupKeys } from '@securestore/core-format';
import { asBuffer, SecureStoreError, splitRecord, tokenOf } from '@securestore/core-format';
import type { BackupKeySet } from '@securestore/crypto';
import { fingerprintOf, rewrapRecord, signAs } from '@securestore/crypto';
import type { StateStorage } from '@securestore/jobs';
import { noBackupKeys, withBackupKeys, BackupSeals } from '../replica/copy/backup-cipher.ts';
import type { CopiedHead } from '../replica/copy/copy-head.ts';
import { copyHead } from '../replica/copy/copy-head.ts';
import { keptStates } from '../replica/copy/state-store.ts';
import { keyOrderOf, copyOfStore } from '../replica/copy/unlock-copy.ts';
import { RestoreLock } from '../replica/copy/restore-lock.ts';
import type { UnlockedCopy } from '../replica/copy/unlock-copy.ts';
import type { CopyKeeper, MutationGate } from '../engine/engine.ts';
import { commitHead } from '../engine/commit-head.ts';
import { markAt, unregisterConsumer } from '../journal/open-consumer.ts';
import { damaged } from '../journal/alarms.ts';
import type { Change } from '../journal/resolve-hints.ts';
import { lookAt } from '../journal/resolve-hints.ts';
import { isQuiescent } from '../journal/announce.ts';
import { ownerKeys } from '../head/unlock/owner-keys.ts';
import { readName } from '../object/list.ts';
import { StoreArea } from './extension.ts';
import { TokenNames } from '../record/encoded-names.ts';
import type { Logger } from '../api/types.ts';

/**
 * What a backup needs of a store: its ciphertext, what changes in it, and the keys of its backups. What a backup is the engine does
 * not know: `@securestore/backup` does.
 */
export class BackupArea extends StoreArea {
  /** What names and tokens have to do with each other. */
  readonly names: TokenNames = new TokenNames(() => this.engine.names);
  readonly #restoring = new RestoreLock(this.engine);
  #onClose: (() => Promise<void>) | undefined;

  get url(): string {
    return this.parts.url;
  }

  /** Logs what goes wrong outside of calls. */
  get logger(): Logger | undefined {
    return this.parts.logger;
  }

  /** Has `listener` called when the store is closed, after its last call has ended. */
  onClose(listener: () => Promise<void>): void {
    this.#onClose = listener;
  }

  /** For the store, before it forgets its keys. */
  async close(): Promise<void> {
    await this.#onClose?.();
  }

  /** Makes sure that what is known of the head is not older than five seconds. @throws SecureStoreError `UNAVAILABLE`, `ROLLBACK`, `INTEGRITY`, `LOCKED` */
  async confirm(signal?: AbortSignal): Promise<void> {
    this.checkOpen();
    await this.engine.monitor.acknowledge(signal);
    this.engine.monitor.checkFollowing();
  }

  #keys(): BackupKeySet {
    const { backup } = this.state.keys;
    if (backup !== undefined) return backup;
    throw noBackupKeys(this.state);
  }

  /** Whether there are keys for backups, and they are at hand. */
  get hasKeys(): boolean {
    return this.state.keys.backup !== undefined;
  }

  /** How new key versions are, by their ids: the newer of a group, the greater. A member knows those that were granted. */
  get keyOrder(): ReadonlyMap<string, number> {
    return keyOrderOf(this.state);
  }

  /** When the key that seals backups now was made, in milliseconds since 1970; `undefined` if there is none. */
  get sealsSince(): number | undefined {
    const { versions } = this.state.keys;
    return versions.find(({ kind, state }) => kind === 'backup' && state === 'primary')?.created;
  }

  /** What seals and opens what a destination holds. */
  get seals(): BackupSeals {
    return new BackupSeals({
      keys: () => this.#keys(),
      suites: () => this.head.suites,
      random: this.random,
      newer: async (signal) => void (await this.refresh(signal)),
    });
  }

  /**
   * Gets the store ready to be backed up: makes keys for it, if there are none.
   *
   * @returns whether every change from now on is announced for sure, so that a pass needs not wait for others
   * @throws SecureStoreError `ACCESS_DENIED` if a member would be the first
   */
  async prepare(signal?: AbortSignal): Promise<boolean> {
    this.checkOpen();
    // Asked first: making keys changes the head.
    const settled = await isQuiescent(this.engine, signal);
    await this.makeKeys(signal);
    return settled;
  }

  /**
   * A digest of everything that was confirmed under `label`: as long as it is the same, the store remembers each deletion since. `undefined` if the journal
   * is not kept for it.
   *
   * @throws SecureStoreError `FORMAT_VERSION`, and what the backend throws
   */
  async markOf(label: string, signal?: AbortSignal): Promise<string | undefined> {
    this.checkOpen();
    return markAt(this.engine, label, signal);
  }

  /** Ends what was opened under `label`: the journal is not kept for it any more. */
  async unregister(label: string): Promise<void> {
    this.checkOpen();
    await unregisterConsumer(this.engine, label);
  }

  /** Makes keys for backups, if the store has none. @throws SecureStoreError `ACCESS_DENIED` for a member */
  async makeKeys(signal?: AbortSignal): Promise<void> {
    if (this.hasKeys) return;
    await commitHead(this.engine, { signal }, (state) => withBackupKeys(this.engine, state, signal));
    this.#keys();
  }

  /**
   * The head as it is stored at the backend, and what it names: all that opening a copy of the store takes, sealed as it is.
   *
   * @throws SecureStoreError `INTEGRITY`, `ROLLBACK`, and what the backend throws
   */
  async copyHead(signal?: AbortSignal): Promise<CopiedHead> {
    this.checkOpen();
    return copyHead(this.engine, signal);
  }

  /** Where the store is backed up, as it is known now; `undefined` if nothing is registered. The same as long as nothing changes. */
  get destinations(): Uint8Array | undefined {
    return this.state.destinations;
  }

  /**
   * Replaces the list of destinations, in one change of the head.
   *
   * @param next is given what there is, and is asked again if another change comes first; `undefined` if nothing is to be changed
   * @throws SecureStoreError `ACCESS_DENIED` for a member; `CONFLICT`, `LOCKED`; what `next` throws
   */
  async changeDestinations(
    next: (current: Uint8Array | undefined) => Uint8Array | undefined,
    signal?: AbortSignal,
  ): Promise<void> {
    this.checkOpen();
    await this.makeKeys(signal);
    await commitHead(this.engine, { signal }, async (state) => {
      const destinations = next(state.destinations);
      return destinations && { destinations };
    });
  }

  /** Has the copies of the store follow its keys: asked by rotations, and when keys are destroyed. */
  keepCopies(keeper: CopyKeeper): void {
    this.engine.copies.keeper = keeper;
  }

  /**
   * A record of a copy under the key of now; `undefined` if it is so already, or its category has been destroyed. It says nothing of
   * whether the record is genuine: what opens it sees that.
   *
   * @throws SecureStoreError `INTEGRITY` if its key is unknown or does not open it; `ACCESS_DENIED` for a member
   */
  rewrap(record: Uint8Array): Buffer | undefined {
    const { header, envelope } = splitRecord(record);
    const { keys } = this.state;
    if (keys.isDestroyed(header.categoryId)) return undefined;
    const { primary } = keys.category(header.categoryId);
    if (primary.id.equals(envelope.keyId)) return undefined;
    return rewrapRecord(record, keys.version(envelope.keyId, header.categoryId), primary);
  }

  /** Whether all keys of a category have been destroyed: its records need none any more. */
  isDestroyed(categoryId: Uint8Array): boolean {
    return this.state.keys.isDestroyed(categoryId);
  }

  /** Whether a key version is the one that seals now, by its id. */
  isPrimary(keyId: Uint8Array): boolean {
    const label = asBuffer(keyId).toString('hex');
    return this.state.keys.versions.some((version) => version.label === label && version.state === 'primary');
  }

  /** Whether a key version was retired, by its id: nothing of the store is encrypted under it any more, and who had it may have it still. */
  isRetired(keyId: Uint8Array): boolean {
    const label = asBuffer(keyId).toString('hex');
    return this.state.keys.versions.some((version) => version.label === label && version.state === 'disabled');
  }

  /** What is kept in the store under labels: of backups, and not part of any. A damaged one is empty. Every member has its key. */
  get states(): StateStorage {
    return keptStates(this.engine);
  }

  /** The identity of the store. */
  get fingerprint(): string {
    return fingerprintOf(this.head.identity);
  }

  /** Whether the secret that opened the store was replaced: it may be had again once its source has it. */
  get isLockedOut(): boolean {
    return this.engine.monitor.isLockedOut;
  }

  /** Signs as the store does, for what is to be shown to others. @throws SecureStoreError `ACCESS_DENIED` for a member */
  sign(use: string, bytes: Uint8Array): Buffer {
    return signAs(ownerKeys(this.state).identity, use, bytes);
  }

  /** Has every mutation of this process wait until it is copied elsewhere, too; `undefined` for none. */
  guardMutations(gate: MutationGate | undefined): void {
    this.engine.copies.gate = gate;
  }

  /** A copy of this store, opened with the keys of the store itself. @throws SecureStoreError `INTEGRITY` if it is of another one */
  openCopy(keys: BackupKeys): UnlockedCopy {
    this.checkOpen();
    const { url, clock, random } = this;
    return copyOfStore(this.state, { keys, url, clock, random });
  }

  /**
   * Lets only this process write while `body` restores the store: others get `LOCKED`. It begins 6 s after the change, when all
   * others know of it. If the process ends in between, the store stays so until a restore of it ends.
   */
  async whileRestoring<T>(body: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#restoring.during(body, signal);
  }

  /**
   * Has this process write to a store that is being restored, also by another one, to resume that: for as long as its job runs, which
   * has to note its end.
   *
   * @returns what ends that: to be called in any case, since the other one may still be at it
   */
  goOnRestoring(): () => void {
    return this.#restoring.goOn();
  }

  /** Opens the store to writers again. */
  async endRestoring(signal?: AbortSignal): Promise<void> {
    await this.#restoring.end(signal);
  }

  /**
   * The record at a name under `o/` or `h/`, opened and found genuine; `undefined` if there is none, or none that can be opened any more.
   *
   * @throws SecureStoreError `INTEGRITY` if it is damaged, and what the backend throws
   */
  async changeAt(name: string, signal?: AbortSignal): Promise<Change | undefined> {
    const found = await this.engine.backend.read(name, { signal });
    if (found === undefined) return undefined;
    const token = tokenOf(name) ?? '';
    const looked = await lookAt(this.engine, token, found.body, signal);
    if (looked === 'destroyed') return undefined;
    if (looked === 'damaged') throw new SecureStoreError('INTEGRITY', damaged('damaged-record', name).message);
    return { token, header: looked.header, record: found.body, name };
  }

  /** The name of the live object at a token that does not tell it; `undefined` if it was deleted meanwhile, or is not to be had. */
  nameAt(token: string, signal?: AbortSignal): Promise<string | undefined> {
    return readName(this.engine, token, signal);
  }
}
