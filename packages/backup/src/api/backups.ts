import type { StorageBackend } from '@securestore/backend-api';
import { lazyPart } from '@securestore/core-format';
import type { Job } from '@securestore/jobs';
import type { CallOptions, ObjectStore, SecureStorage } from '@securestore/objects';
import type { BackupArea, CopyKeeper } from '@securestore/objects/internal';
import { changeInTime, extensionsOf, inTime } from '@securestore/objects/internal';
import { backupJobId, backupKind, checkTakeOver, isJobOf, startBackup } from './backup-job.ts';
import type { BackupOptions, SnapshotReport, TakeOverOptions } from '../snapshot/snapshot-types.ts';
import type {
  DrillJobOptions,
  DrillReport,
  RestoreJobReport,
  RestoreOptions,
  RestoreStoreJobOptions,
  RestoreStoreJobReport,
} from '../restore/restore-types.ts';
import type {
  ContinuousBackup,
  ContinuousStatus,
  ContinuousBackupOptions,
  SynchronousOptions,
} from '../continuous/continuous-types.ts';
import type { Follower } from '../continuous/continuous.ts';
import type { RestorePorts } from '../restore/restore-jobs.ts';
import { endRestore, startDrill, startRestore, startRestoreStore } from '../restore/restore-jobs.ts';
import type { BackupVerifyReport } from '../repository/findings.ts';
import type { CurrentReplicationStatus } from '../trust/replication-status.ts';
import { waitForOther } from '../continuous/wait-for-other.ts';
import type { ForgetReport } from '../prune/forget.ts';
import type { ChosenSnapshot } from '../trust/moment.ts';
import type { OnDamagedSnapshot, RecoveryPointChoice, SnapshotInfo } from '../repository/snapshot-info.ts';
import type { Connect } from '../trust/destinations.ts';
import { Destinations } from '../trust/destinations.ts';
import type { RegisteredDestination } from '../trust/registry.ts';
import { registryOf } from '../trust/registry.ts';
import type { RetainOptions, RetentionReport } from '../prune/retain.ts';
import type { RetentionSettings } from '../retention/index.ts';
import { checkRolling } from '../verify/rolling/within.ts';
import type { VerifyOptions } from '../verify/verify-destination.ts';
import type { RecoveryWindow } from '../trust/recovery-windows.ts';

const loadWork = lazyPart('backups', () => import('./backup-work.ts'));

/** The backups of a store that is open. The first call loads the work of all calls. */
export class Backups {
  readonly #area: BackupArea;
  readonly #store: ObjectStore;
  readonly #destinations: Destinations;
  /** The continuous backups of this process, by the URL of the destination. */
  readonly #followers = new Map<string, Follower>();

  /** @param connect how other places are reached */
  constructor(store: ObjectStore, connect: Connect) {
    this.#area = extensionsOf(store).backup;
    this.#store = store;
    this.#destinations = new Destinations(this.#area, connect);
    this.#area.addKind(backupKind(this.#ports));
    this.#area.keepCopies(this.#keeper());
  }

  /**
   * Backs up what changes while the store is in use: a moment after it was acknowledged, every change can be restored, to the second.
   * Begins with a snapshot if there is none. One process at a time does it for a destination; the others' changes are shipped too.
   *
   * @throws SecureStoreError `LOCKED` if another process is at it; as {@link backup} rejects
   */
  async startContinuous(destination: string, options: ContinuousBackupOptions = {}): Promise<ContinuousBackup> {
    const ports = { ...this.#ports, followers: this.#followers, jobId: backupJobId(destination) };
    const url = this.#destinations.named(destination);
    const { follow } = await loadWork();
    return follow(ports, url, options);
  }

  /** How the continuous backups of this process go, by destination. */
  get continuousBackups(): ReadonlyMap<string, ContinuousStatus> {
    return new Map([...this.#followers].map(([url, { status }]) => [url, status]));
  }

  /**
   * What is known of the continuous backup to a destination, whichever process makes it: also of one that was killed, and of one that
   * was ended; `undefined` if there was none within the last seven days.
   *
   * @throws SecureStoreError `INVALID_ARGUMENT` for what is no store URL
   */
  continuousStatus(destination: string, options?: CallOptions): Promise<CurrentReplicationStatus | undefined> {
    const ports = { ...this.#ports, followers: this.#followers };
    return inTime('backups.continuousStatus', options, async (signal) => {
      this.#area.checkOpen();
      const { replicationStatusFrom } = await loadWork();
      return replicationStatusFrom(ports, destination, signal);
    });
  }

  /**
   * Has writes of this process wait until they are backed up by another one that follows the destination.
   *
   * @returns what ends that
   */
  waitForBackup(destination: string, options: SynchronousOptions = {}): () => Promise<void> {
    return waitForOther(this.#ports, this.#destinations.named(destination), options);
  }

  /**
   * Makes a snapshot at a destination, which is registered by the first: what has changed since the last one is copied, as ciphertext.
   *
   * The job rejects with `NOT_FOUND` if the store was backed up there, and no backup is there any more: its disk may not be mounted. It
   * rejects with `LOCKED` if another process is at it, `ALREADY_EXISTS` if the backups of another store lie there,
   * `CONFLICT` if those of another copy of this one do, also of the store that this one was restored from without `takeOver`, or if the
   * destination was unregistered since it was asked for, `ACCESS_DENIED`, `INTEGRITY`, `TOO_LARGE`, and what the backends throw.
   */
  backup(destination: string, options: BackupOptions = {}): Job<SnapshotReport> {
    return startBackup(this.#ports, this.#followers, destination, options);
  }

  /**
   * The snapshots that can be restored, the newest first. `onDamaged` is called for each snapshot that is damaged; without it,
   * the first damaged snapshot ends the call.
   *
   * @throws SecureStoreError `NOT_FOUND`, `INTEGRITY`; `CONFLICT` if another copy of the store has taken the backups over; what the backend throws
   */
  list(
    destination: string,
    { onDamaged, ...options }: CallOptions & { readonly onDamaged?: OnDamagedSnapshot } = {},
  ): Promise<SnapshotInfo[]> {
    return inTime('backups.list', options, (signal) =>
      this.#destinations.opened(destination, signal, (backup) => Array.fromAsync(backup.list(signal, onDamaged))),
    );
  }

  /** The spans of time that can be restored, the newest first. @throws as {@link list} */
  windows(destination: string, options?: CallOptions): Promise<RecoveryWindow[]> {
    return inTime('backups.windows', options, (signal) =>
      this.#destinations.opened(destination, signal, async (backup, { url }) => {
        // Asked first: what comes after it goes further.
        const replication = await this.continuousStatus(url, { signal });
        return backup.windows(signal, replication?.reached);
      }),
    );
  }

  /** Runs `body` with the store as it was at a point, which can be read and not changed. */
  read<T>(
    destination: string,
    choice: RecoveryPointChoice,
    body: (store: ObjectStore, point: ChosenSnapshot) => Promise<T>,
    options?: CallOptions,
  ): Promise<T> {
    return changeInTime('backups.read', options, this.#area.clock, (signal) =>
      this.#destinations.opened(destination, signal, (backup) => backup.read(choice, body, signal)),
    );
  }

  /**
   * Runs `body` with the store as it was at a point, by default the newest of all, as a backend that only reads.
   *
   * @throws SecureStoreError as {@link list}
   */
  view<T>(
    destination: string,
    choice: RecoveryPointChoice,
    body: (view: StorageBackend) => Promise<T>,
    options?: CallOptions,
  ): Promise<T> {
    return changeInTime('backups.view', options, this.#area.clock, (signal) =>
      this.#destinations.opened(destination, signal, async (backup) => {
        const isGiven = choice.snapshot !== undefined || choice.at !== undefined;
        const moment = await (isGiven ? backup.choose(choice, signal) : backup.newest(signal));
        return body(await backup.view(moment, signal));
      }),
    );
  }

  /**
   * Opens the newest snapshot for a repair of the store.
   *
   * @param body is given the snapshot, as {@link view} does, and the objects in it that the store has lost, by their tokens: none that may
   *   have been deleted since, and none at all if the store remembers a newer snapshot there, which may have newer versions
   * @throws SecureStoreError as {@link list}
   */
  repairing<T>(
    destination: string,
    body: (view: StorageBackend, lost: AsyncIterable<string>) => Promise<T>,
    options?: CallOptions,
  ): Promise<T> {
    return changeInTime('backups.repairing', options, this.#area.clock, (signal) =>
      this.#destinations.opened(destination, signal, async (backup, found) => {
        const { lossJudge, lostAmong } = await loadWork();
        const moment = await backup.newest(signal);
        const view = await backup.view(moment, signal);
        const isLost =
          (await backup.rollback({}, signal)) === undefined
            ? await lossJudge(this.#area, found, moment.point, signal)
            : async () => false;
        return body(view, lostAmong(this.#area, view, isLost, signal));
      }),
    );
  }

  /**
   * Reads every file of a backup, and opens what is in it if the depth says so; with `within`, only what is due. What is wrong is in
   * the report.
   *
   * @throws SecureStoreError `INVALID_ARGUMENT`; what keeps it from looking, and with `within` what keeps it from remembering what it has
   *   read
   */
  verify(
    destination: string,
    { signal: stop, timeout, within, ...options }: VerifyOptions = {},
  ): Promise<BackupVerifyReport> {
    checkRolling(within, options);
    return inTime('backups.verify', { signal: stop, timeout }, async (signal) => {
      const { verifyDestination } = await loadWork();
      return verifyDestination(this.#ports, destination, { ...options, within, signal });
    });
  }

  /**
   * Restores a snapshot to a scratch place, opens everything, compares it with this store as it was then, measures how long recovering
   * took, removes it again, and signs what it found. A backup that can't be restored fails it.
   *
   * The job rejects with what keeps it from being done; that the backup is bad is in the receipt, and `ok` is false.
   */
  drill(destination: string, options: DrillJobOptions = {}): Job<DrillReport> {
    return startDrill(this.#ports, destination, options);
  }

  /**
   * Restores objects of a point into this store, each as a new version. If the whole store is restored in place, others get `LOCKED`
   * until that is done, and a snapshot is made first.
   *
   * @param target what is written through, by default the store: a session may write less
   */
  restore(
    destination: string,
    options: RestoreOptions = {},
    target: SecureStorage = this.#store,
  ): Job<RestoreJobReport> {
    return startRestore(this.#ports, destination, options, target);
  }

  /**
   * Makes a new store of a point, at a store URL with nothing there: the secrets of this one open it. What was interrupted is gone on with by the
   * same call.
   *
   * The job rejects with `ALREADY_EXISTS` if something lies there, `NOT_FOUND`, `INTEGRITY` if the backup is damaged, unless `partial`.
   */
  restoreStore(destination: string, to: string, options: RestoreStoreJobOptions = {}): Job<RestoreStoreJobReport> {
    return startRestoreStore(this.#ports, destination, to, options);
  }

  /**
   * Opens the store to writers again where a restore in place was given up.
   *
   * @throws SecureStoreError `LOCKED` while one is under way
   */
  endRestore(options?: CallOptions): Promise<void> {
    return this.#changing('backups.endRestore', options, (signal) => endRestore(this.#ports, signal));
  }

  /** Brings keys to the destinations of the store; one that has none needs nothing loaded for that. */
  #keeper(): CopyKeeper {
    const load = lazyPart('backups', async () => {
      const { DestinationKeeper } = await loadWork();
      return new DestinationKeeper(this.#area, this.#destinations);
    });
    return {
      rekey: async (signal) => (await load()).rekey(signal),
      replaceKeys: async (signal) => (await load()).replaceKeys(signal),
      bringAccess: async (signal) => (await load()).bringAccess(signal),
    };
  }

  get #ports(): RestorePorts {
    return { area: this.#area, destinations: this.#destinations, store: this.#store };
  }

  #changing<T>(
    operation: string,
    options: CallOptions | undefined,
    body: (signal: AbortSignal | undefined) => Promise<T>,
  ): Promise<T> {
    return changeInTime(operation, options, this.#area.clock, body);
  }

  /**
   * Whether something is the URL of a destination that is registered, by what is known here; of what is no store URL, `false`. So it
   * is of one with credentials: with others the same name may be that of another place.
   */
  isRegistered(destination: unknown): boolean {
    return this.#destinations.isDestination(destination);
  }

  /** Whether a job backs up to a destination that is registered, under the name that it is registered by. */
  isJobOfRegistered(id: string): boolean {
    return isJobOf(registryOf(this.#area), id);
  }

  /** Where the store is backed up. */
  async destinations(): Promise<readonly RegisteredDestination[]> {
    this.#area.checkOpen();
    return registryOf(this.#area).destinations;
  }

  /**
   * Registers a destination before anything is backed up there: so a member who was granted the keys of backups can do it. If nothing is at
   * the URL of a registered destination, another one begins there.
   *
   * @throws SecureStoreError `ACCESS_DENIED` for a member; as {@link backup} rejects
   */
  register(destination: string, { takeOver, ...options }: TakeOverOptions = {}): Promise<void> {
    checkTakeOver(takeOver);
    return this.#changing('backups.register', options, async (signal) => {
      const { registerDestination } = await loadWork();
      return registerDestination(this.#ports, destination, takeOver === true, signal);
    });
  }

  /** Says how much of the past a destination keeps. @throws SecureStoreError `NOT_FOUND` if it is not registered */
  async setRetention(destination: string, retention: RetentionSettings, options?: CallOptions): Promise<void> {
    const { checkRetention, setRetention } = await loadWork();
    checkRetention(retention);
    await this.#changing('backups.setRetention', options, (signal) =>
      setRetention(this.#ports, destination, retention, signal),
    );
  }

  /**
   * Ends that a destination follows the store: nothing there is removed, but it is neither brought under new keys nor asked before keys
   * are destroyed.
   *
   * @param destination its store URL or its id
   * @throws SecureStoreError `NOT_FOUND` if it is not registered; `CONFLICT` if several are registered at the store URL
   */
  unregister(destination: string, options?: CallOptions): Promise<void> {
    return this.#changing('backups.unregister', options, async (signal) => {
      const { unregisterDestination } = await loadWork();
      return unregisterDestination(this.#ports, destination, signal);
    });
  }

  /**
   * Removes what a destination keeps no longer, and what then nothing needs. The newest snapshot stays in any case.
   *
   * @throws SecureStoreError `INVALID_ARGUMENT` if nothing says what is kept; `INTEGRITY` if a snapshot is damaged, unless `damaged`
   */
  retain(destination: string, { signal: stop, timeout, ...options }: RetainOptions = {}): Promise<RetentionReport> {
    return this.#changing('backups.retain', { signal: stop, timeout }, async (signal) => {
      const { retainDestination } = await loadWork();
      return retainDestination(this.#ports, destination, { ...options, signal });
    });
  }

  /**
   * Removes points of a destination, and what then nothing needs.
   *
   * @param choose which are to go, of those that there are and of the damaged ones, of which there is nothing but their numbers
   */
  forget(
    destination: string,
    choose: (points: readonly SnapshotInfo[], damaged: readonly number[]) => readonly number[],
    options?: CallOptions,
  ): Promise<ForgetReport> {
    return this.#changing('backups.forget', options, (signal) =>
      this.#destinations.opened(destination, signal, async (backup, found) => {
        const { forgetAt } = await loadWork();
        return forgetAt(this.#area, backup, found, choose, signal);
      }),
    );
  }
}
