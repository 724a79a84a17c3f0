import { assertStorable } from '@securestore/backend-api';
import type {
  BackupFinding,
  BackupVerifyReport,
  ChosenSnapshot,
  Connected,
  RecoveryWindow,
  RecoveryGap,
  RestoreReport,
  OnDamagedSnapshot,
  RollingReport,
  SnapshotInfo,
  VerifyDepth,
  VerifyProgress,
} from '@securestore/backup';
import type { OpenedBackup } from '@securestore/backup';
import { SecureStoreError } from '@securestore/core-format';
import type { UnlockMethod } from '@securestore/crypto';
import type { Job, JobContext, JobKind } from '@securestore/jobs';
import { startVolatile } from '@securestore/jobs';
import type { CallOptions, Clock, Logger, ObjectStore } from '@securestore/objects';
import { signalOf } from '@securestore/objects/internal';
import { checkBackupOptions, checkPlaceOptions } from '../options/check-options.ts';
import { backupConnect } from './connect.ts';
import { loadBackup } from './engines.ts';
import type { BackendOptions } from '../options/options.ts';

export type {
  BackupFinding,
  BackupVerifyReport,
  ChosenSnapshot,
  RecoveryGap,
  RestoreReport,
  RollingReport,
  SnapshotInfo,
  VerifyDepth,
};

/** How the backups at a destination are opened, without the store that they are of. */
export interface OpenBackupOptions extends CallOptions, Pick<BackendOptions, 'backends' | 'resolveFrom' | 'discovery'> {
  /** The unlock secret of the store: also a recovery code. */
  readonly unlock: UnlockMethod;
  /** The identity that the store must have. */
  readonly fingerprint?: string | undefined;
  /** Backend options for the store URLs of the call, by store URL. */
  readonly destinations?: Readonly<Record<string, BackendOptions>> | undefined;
  readonly logger?: Logger | undefined;
  readonly clock?: Clock | undefined;
}

/** Which recovery point is meant: the newest snapshot by default. */
export interface SnapshotChoice {
  /** The number of a snapshot. */
  readonly snapshot?: number | undefined;
  /**
   * A moment: the store with what was acknowledged before it, and without versions that carry its time or a later one as `modified`. In a gap,
   * the last moment before that is known.
   */
  readonly at?: Date | undefined;
}

export interface RestoreStoreOptions extends OpenBackupOptions, SnapshotChoice {
  /** Only objects whose names start with this; all by default. */
  readonly prefix?: string | undefined;
  /** Restores what is not damaged, and reports the rest; by default the first damage ends the restore. */
  readonly partial?: boolean | undefined;
}

export interface VerifyBackupOptions extends Omit<OpenBackupOptions, 'unlock'> {
  /** The unlock secret of the store; only the depth `unchanged` needs none. */
  readonly unlock?: UnlockMethod | undefined;
  /**
   * `unchanged` reads every file, and checks that it is as it was written. `complete` also checks that none is missing. `opens` also
   * decrypts everything in one snapshot, as restoring it would. By default `complete`, without `unlock` `unchanged`.
   */
  readonly depth?: VerifyDepth | undefined;
  /** The number of the snapshot that is opened; the newest by default. */
  readonly snapshot?: number | undefined;
}

/** The options of {@link SnapshotChoice}. */
const CHOICE = ['snapshot', 'at'] as const;

async function withPlace<T>(
  url: string,
  options: Omit<OpenBackupOptions, 'unlock'>,
  signal: AbortSignal | undefined,
  body: (place: Connected) => Promise<T>,
): Promise<T> {
  const place = await backupConnect(options, options.destinations).connect(url, signal);
  try {
    return await body(place);
  } finally {
    await place.close();
  }
}

async function withBackup<T>(
  url: string,
  options: OpenBackupOptions,
  signal: AbortSignal | undefined,
  body: (backup: OpenedBackup) => Promise<T>,
): Promise<T> {
  const { unlock, fingerprint, clock } = options;
  const { namingDestination, openBackup, withKeysOfNow } = await loadBackup();
  return withPlace(url, options, signal, (place) =>
    withKeysOfNow(async () => {
      using backup = await openBackup({ ...place, unlock, fingerprint, clock, signal });
      return await body(backup);
    }).catch((error: unknown) => {
      throw namingDestination(error, place.url);
    }),
  );
}

/** A job that the same call starts again. */
function started<R>(name: string, options: Omit<OpenBackupOptions, 'unlock'>, run: JobKind<object, R>['run']): Job<R> {
  const kind: JobKind<object, R> = {
    name,
    run,
    parse() {
      throw new SecureStoreError('UNSUPPORTED', `the job ${name} has no parameters and cannot be resumed`, {
        advice: [{ id: 'start-job-again', job: name }],
      });
    },
  };
  return startVolatile(kind, {}, { signal: signalOf(options), clock: options.clock });
}

/** Turns the progress of a phase into what has been added, for a job. */
function stepwise(progress: JobContext<object>['progress']): VerifyProgress {
  let [phase, done, bytes] = ['', 0, 0];
  return (now) => {
    if (now.phase !== phase) done = 0;
    const update = { phase: now.phase, done: Math.max(0, now.done - done), bytes: Math.max(0, now.bytes - bytes) };
    progress(now.total === undefined ? update : { ...update, total: now.total });
    ({ phase, done, bytes } = now);
  };
}

/** Whether a destination has backups. @throws SecureStoreError what the backend throws */
export async function hasBackup(url: string, options: Omit<OpenBackupOptions, 'unlock'> = {}): Promise<boolean> {
  checkPlaceOptions(options);
  const signal = signalOf(options);
  const { isBackup } = await loadBackup();
  return withPlace(url, options, signal, ({ backend }) => isBackup(backend, signal));
}

export interface ListSnapshotsOptions extends OpenBackupOptions {
  /** Called for each damaged snapshot; without it the first one ends the call. */
  readonly onDamaged?: OnDamagedSnapshot | undefined;
}

/** The snapshots at a destination, the newest first. @throws SecureStoreError `NOT_FOUND`, `UNLOCK_FAILED`, `INTEGRITY`; what the backend throws */
export async function listSnapshots(url: string, options: ListSnapshotsOptions): Promise<SnapshotInfo[]> {
  checkBackupOptions(options, ['onDamaged']);
  const signal = signalOf(options);
  return withBackup(url, options, signal, (backup) => Array.fromAsync(backup.list(signal, options.onDamaged)));
}

/**
 * The spans of time of which every moment can be restored, the newest first. What was stored after the end of the first one is not backed up.
 *
 * @throws SecureStoreError as {@link listSnapshots}
 */
export async function listWindows(url: string, options: OpenBackupOptions): Promise<RecoveryWindow[]> {
  checkBackupOptions(options);
  const signal = signalOf(options);
  return withBackup(url, options, signal, (backup) => backup.windows(signal));
}

/**
 * Runs `body` with a store that has the content of a snapshot. It can be read as any store; it cannot be changed.
 *
 * @throws SecureStoreError as {@link listSnapshots}, and what `body` throws
 */
export async function readSnapshot<T>(
  url: string,
  options: OpenBackupOptions & SnapshotChoice,
  body: (store: ObjectStore, snapshot: ChosenSnapshot) => Promise<T>,
): Promise<T> {
  checkBackupOptions(options, CHOICE);
  const signal = signalOf(options);
  return withBackup(url, options, signal, (backup) => backup.read(options, body, signal));
}

/**
 * Creates a store from a snapshot, at a store URL with nothing there: with the identity, keys of objects and unlock secrets of the store that it is of, and
 * new encryption keys. That store isn't needed. The same call resumes an interrupted restore.
 *
 * The job rejects with `ALREADY_EXISTS` if `to` is not empty, `NOT_FOUND` if the snapshot does not exist, `UNLOCK_FAILED`,
 * `INTEGRITY` if the backup is damaged, unless `partial`; and what the backends throw.
 */
export function restoreStore(source: string, to: string, options: RestoreStoreOptions): Job<RestoreReport> {
  checkBackupOptions(options, [...CHOICE, 'prefix', 'partial']);
  return started('restore-store', options, ({ signal, progress }) =>
    withBackup(source, options, signal, async (backup) => {
      const target = await backupConnect(options, options.destinations).connect(to, signal);
      try {
        assertStorable(target.backend.capabilities, target.backend.name);
        const phase = 'restoring';
        progress({ phase });
        const tell = stepwise(progress);
        const onProgress = (now: { done: number; bytes: number; total: number }): void => tell({ phase, ...now });
        const { restoreStoreTo } = await loadBackup();
        return await restoreStoreTo(backup, target.backend, { ...options, signal, onProgress });
      } finally {
        await target.close();
      }
    }),
  );
}

/**
 * Reads every file of a backup, and reports what is damaged and what that affects. Without `unlock` it detects accidental changes of files, so
 * that their operator can run it.
 *
 * The job rejects with what prevents reading: `NOT_FOUND`, `UNLOCK_FAILED`, `UNAVAILABLE`; `INVALID_ARGUMENT` for a depth that needs
 * `unlock` without it. Findings are no errors: they are in the report.
 */
export function verifyBackup(url: string, options: VerifyBackupOptions = {}): Job<BackupVerifyReport> {
  checkPlaceOptions(options, ['depth', 'snapshot']);
  const { unlock, depth = unlock === undefined ? 'unchanged' : 'complete' } = options;
  return started('verify-backup', options, async ({ signal, progress }) => {
    const onProgress = stepwise(progress);
    const { scrubBackup, verifyOpenedBackup } = await loadBackup();
    if (depth === 'unchanged') {
      return withPlace(url, options, signal, (place) => scrubBackup(place, { signal, onProgress }));
    }
    if (unlock === undefined) {
      throw new SecureStoreError('INVALID_ARGUMENT', `the option "unlock" is needed for the depth "${depth}"`, {
        option: 'unlock',
      });
    }
    return withBackup(url, { ...options, unlock }, signal, (backup) =>
      verifyOpenedBackup(backup, { ...options, depth, signal, onProgress }),
    );
  });
}
