import { createHash } from 'node:crypto';
import type { StorageBackend } from '@securestore/backend-api';
import { asBuffer, SecureStoreError } from '@securestore/core-format';
import type { Job, JobKind } from '@securestore/jobs';
import type { BackupArea, CallOptions, ObjectStore, SecureStorage } from '@securestore/objects';
import { findDestination, prepareDestination } from './destination.ts';
import type { Destination, FoundDestination } from './destination.ts';
import type { ForgetReport } from './forget.ts';
import { forgetPoints } from './forget.ts';
import type { PointChoice, SnapshotInfo } from './opened-backup.ts';
import { OpenedBackup } from './opened-backup.ts';
import type { RegisteredDestination, RetentionSettings } from './registry.ts';
import { changeRegistry, registryOf } from './registry.ts';
import { rekeyDestination } from './rekey.ts';
import type { RestoreIntoOptions, RestoreIntoReport } from './restore-into.ts';
import { checkRestoreInto, restoreInto } from './restore-into.ts';
import type { SnapshotReport } from './snapshot.ts';
import { makeSnapshot, readerLabel } from './snapshot.ts';
import type { BackupVerifyReport, VerifyBackupOptions } from './verify-backup.ts';
import { verifyOpenedBackup } from './verify-backup.ts';

/** A backend that is ready, at a location without credentials. */
export interface Connected {
  readonly backend: StorageBackend;
  readonly location: string;
  /** Closes the backend. */
  close(): Promise<void>;
}

/** How other places are reached. */
export interface Connect {
  /** Gets the backend of a location ready. */
  connect(location: string, signal: AbortSignal | undefined): Promise<Connected>;
  /** What a location is called from anywhere, without credentials. @throws SecureStoreError `INVALID_ARGUMENT` */
  nameOf(location: string): string;
}

export interface BackupOptions extends CallOptions {
  /** What the snapshot is called, at most 128 bytes of UTF-8. */
  readonly label?: string | undefined;
}

export interface RestoreOptions extends CallOptions, PointChoice, Omit<RestoreIntoOptions, 'signal' | 'onProgress'> {}

export interface VerifyOptions extends CallOptions, Omit<VerifyBackupOptions, 'signal'> {}

/** What restoring into the store did. */
export interface RestoreJobReport extends RestoreIntoReport {
  /** The point that was restored. */
  readonly snapshot: number;
  readonly time: Date;
  /** The number of the snapshot that was made before; absent where nothing could be lost. */
  readonly before?: number;
}

const BACKUP_OPTIONS: ReadonlySet<string> = new Set(['label']);
const RESTORE_OPTIONS: ReadonlySet<string> = new Set([
  'at',
  'snapshot',
  'prefix',
  'keys',
  'into',
  'conflict',
  'deleteExtra',
  'dryRun',
]);
const MAX_LABEL_BYTES = 128;

interface BackupParameters {
  readonly location: string;
  readonly label: string;
}

/** The id of the job that backs up to a destination: one at a time does. */
export function backupJobId(location: string): string {
  return `backup-${createHash('sha256').update(location).digest('hex').slice(0, 16)}`;
}

function refuse(message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message);
}

function checkLabel(label: unknown): asserts label is string {
  if (typeof label !== 'string' || Buffer.byteLength(label) > MAX_LABEL_BYTES || /[\u0000-\u001f\u007f]/.test(label)) {
    refuse(`the label of a snapshot must be text of at most ${MAX_LABEL_BYTES} bytes without control characters`);
  }
}

/** The backups of a store that is open. */
export class Backups {
  readonly #area: BackupArea;
  readonly #store: ObjectStore;
  readonly #connect: Connect;
  /** Locations as they were given, which may hold credentials, by their names. */
  readonly #given = new Map<string, string>();

  /** @param connect how other places are reached */
  constructor(store: ObjectStore, connect: Connect) {
    this.#area = store.backupArea;
    this.#store = store;
    this.#connect = connect;
    this.#area.addKind(this.#kind());
    this.#area.keepCopies({
      rekey: (signal) => this.#rekeyAll(signal),
      replaceKeys: (signal) => this.#replaceAllKeys(signal),
    });
  }

  #named(location: string): string {
    const name = this.#connect.nameOf(location);
    this.#given.set(name, location);
    return name;
  }

  async #at<T>(
    location: string,
    signal: AbortSignal | undefined,
    body: (place: { readonly backend: StorageBackend; readonly location: string }) => Promise<T>,
  ): Promise<T> {
    const place = await this.#connect.connect(this.#given.get(location) ?? location, signal);
    try {
      return await body(place);
    } finally {
      await place.close();
    }
  }

  #kind(): JobKind<BackupParameters, SnapshotReport> {
    return {
      name: 'backup',
      parse(stored) {
        const { location, label } = (stored ?? {}) as Partial<BackupParameters>;
        if (typeof location === 'string' && typeof label === 'string') return { location, label };
        throw new SecureStoreError('INTEGRITY', 'the stored backup names no destination');
      },
      run: ({ parameters, signal, progress }) =>
        this.#at(parameters.location, signal, async (place) => {
          const report = await makeSnapshot(this.#area, place, {
            label: parameters.label,
            signal,
            onPhase: (phase) => progress({ phase }),
            onCopied: (versions, bytes) => progress({ done: versions, bytes }),
          });
          await this.#register(parameters.location, place.backend, signal);
          return report;
        }),
    };
  }

  /** A destination that has a snapshot follows the keys of the store from then on. */
  async #register(location: string, backend: StorageBackend, signal: AbortSignal | undefined): Promise<void> {
    const found = await findDestination(backend, location, signal);
    if (found === undefined || this.#area.isMember) return;
    const id = asBuffer(found.id).toString('hex');
    if (registryOf(this.#area).destinations.some((one) => one.id === id && one.location === location)) return;
    await changeRegistry(
      this.#area,
      (registry) => {
        const others = registry.destinations.filter((one) => one.id !== id);
        const before = registry.destinations.find((one) => one.id === id);
        const one: RegisteredDestination = { registered: this.#area.clock.now(), ...before, id, location };
        return { ...registry, destinations: [...others, one] };
      },
      signal,
    );
    // The list is among what a copy of the head has.
    await prepareDestination(backend, location, await this.#area.copyHead(signal), this.#area.random, signal);
  }

  /**
   * Makes a snapshot at a destination, which is registered by the first: what has changed since the last one is copied, as ciphertext.
   *
   * The job rejects with `LOCKED` where another process is at it, `ALREADY_EXISTS` where the backups of another store lie there,
   * `CONFLICT` where those of another copy of this one do, `ACCESS_DENIED`, `INTEGRITY`, `TOO_LARGE`, and what the backends throw.
   */
  backup(destination: string, options: BackupOptions = {}): Job<SnapshotReport> {
    const { label = '' } = options;
    checkLabel(label);
    const parameters = { location: this.#named(destination), label };
    const id = backupJobId(destination);
    return this.#area.runJob('backup', options, BACKUP_OPTIONS, { kind: this.#kind(), parameters, id });
  }

  async #opened<T>(
    source: string,
    signal: AbortSignal | undefined,
    body: (backup: OpenedBackup, found: FoundDestination) => Promise<T>,
  ): Promise<T> {
    this.#area.checkOpen();
    return this.#at(this.#named(source), signal, async ({ backend, location }) => {
      const found = await findDestination(backend, location, signal);
      if (found === undefined) throw new SecureStoreError('NOT_FOUND', `${location}: there is no backup here`);
      return body(new OpenedBackup(found, this.#area.openCopy(found.keys)), found);
    });
  }

  /** The moments that can be restored, the newest first. @throws SecureStoreError `NOT_FOUND`, `INTEGRITY`; what the backend throws */
  list(source: string, options?: CallOptions): Promise<SnapshotInfo[]> {
    return this.#opened(source, options?.signal, (backup) => Array.fromAsync(backup.list(options?.signal)));
  }

  /** Runs `body` with the store as it was at a point, which can be read and not changed. */
  read<T>(
    source: string,
    choice: PointChoice,
    body: (store: ObjectStore, point: SnapshotInfo) => Promise<T>,
    options?: CallOptions,
  ): Promise<T> {
    return this.#opened(source, options?.signal, async (backup) => {
      const point = await backup.describe(choice, options?.signal);
      await using store = await backup.open({ snapshot: point.number }, options?.signal);
      return await body(store, point);
    });
  }

  /** Reads every file of a backup, and opens what is in it where the depth says so. What is wrong is in the report. */
  verify(source: string, options: VerifyOptions = {}): Promise<BackupVerifyReport> {
    return this.#opened(source, options.signal, (backup) => verifyOpenedBackup(backup, options));
  }

  /**
   * Restores objects of a point into this store, each as a new version. Where the whole store is restored in place, others get `LOCKED`
   * until that is done, and a snapshot is made first.
   *
   * @param target what is written through, by default the store: a session may write less
   */
  restore(source: string, options: RestoreOptions = {}, target: SecureStorage = this.#store): Job<RestoreJobReport> {
    checkRestoreInto(options);
    this.#area.goOnRestoring();
    const kind: JobKind<object, RestoreJobReport> = {
      name: 'restore',
      parse: () => refuse('a restore is gone on with by starting it again: it passes over what is done'),
      run: ({ signal, progress }) => this.#restore(source, options, target, signal, progress),
    };
    return this.#area.runJob('restore', options, RESTORE_OPTIONS, { kind, parameters: {} });
  }

  async #restore(
    source: string,
    options: RestoreOptions,
    target: SecureStorage,
    signal: AbortSignal,
    progress: (update: { phase: string; done?: number; bytes?: number }) => void,
  ): Promise<RestoreJobReport> {
    const { prefix = '', keys, into, dryRun } = options;
    const isWhole = prefix === '' && keys === undefined && into === undefined && dryRun !== true;
    return this.#opened(source, signal, async (backup, { backend, location }) => {
      const point = await backup.describe(options, signal);
      const restore = async (): Promise<RestoreJobReport> => {
        await using view = await backup.open({ snapshot: point.number }, signal);
        const done = await restoreInto(view, target, { ...options, signal, onProgress: progress });
        return { ...done, snapshot: point.number, time: point.time };
      };
      if (!isWhole) return restore();
      // Where an earlier run has begun, it has made one.
      let before: number | undefined;
      if (this.#area.head.state === 'open') {
        progress({ phase: 'making a snapshot of what there is' });
        const made = await makeSnapshot(this.#area, { backend, location }, { label: 'before a restore', signal });
        before = made.number;
      }
      progress({ phase: 'waiting for all writers to stop' });
      const done = await this.#area.whileRestoring(restore, signal);
      return before === undefined ? done : { ...done, before };
    });
  }

  /** Opens the store to writers again where a restore in place was given up. */
  async endRestore(options?: CallOptions): Promise<void> {
    await this.#area.endRestoring(options?.signal);
  }

  /** Where the store is backed up. */
  async destinations(): Promise<readonly RegisteredDestination[]> {
    this.#area.checkOpen();
    return registryOf(this.#area).destinations;
  }

  /** Says how much of the past a destination keeps. @throws SecureStoreError `NOT_FOUND` where it is not registered */
  async setRetention(destination: string, retention: RetentionSettings, options?: CallOptions): Promise<void> {
    await changeRegistry(
      this.#area,
      (registry) => {
        const name = this.#named(destination);
        const found = registry.destinations.find(({ location }) => location === name);
        if (found === undefined) throw new SecureStoreError('NOT_FOUND', `${destination} is no registered destination`);
        const others = registry.destinations.filter((one) => one !== found);
        return { ...registry, destinations: [...others, { ...found, retention }] };
      },
      options?.signal,
    );
  }

  /**
   * Ends that a destination follows the store: nothing there is removed, but it is neither brought under new keys nor asked before keys
   * are destroyed.
   */
  async unregister(destination: string, options?: CallOptions): Promise<void> {
    const name = this.#named(destination);
    const found = (await this.destinations()).find(({ location }) => location === name);
    if (found === undefined) throw new SecureStoreError('NOT_FOUND', `${destination} is no registered destination`);
    await changeRegistry(
      this.#area,
      (registry) => ({
        destinations: registry.destinations.filter(({ id }) => id !== found.id),
        schedules: registry.schedules.filter((schedule) => schedule.destination !== name),
      }),
      options?.signal,
    );
    await this.#area.unregister(readerLabel({ id: Buffer.from(found.id, 'hex') }));
  }

  /** Removes points of a destination, and what then nothing needs. @param choose which are to go */
  forget(
    destination: string,
    choose: (points: readonly SnapshotInfo[]) => readonly number[],
    options?: CallOptions,
  ): Promise<ForgetReport> {
    return this.#opened(destination, options?.signal, async (backup, found) => {
      const place: Destination = found;
      const numbers = async (): Promise<ReadonlySet<number>> =>
        new Set(choose(await Array.fromAsync(backup.list(options?.signal))));
      return forgetPoints(this.#area, place, numbers, options?.signal);
    });
  }

  /** Looks at all destinations. @returns what `visit` gave, and the locations at which it failed */
  async #each<T>(
    signal: AbortSignal | undefined,
    visit: (found: FoundDestination) => Promise<T>,
  ): Promise<{ readonly results: T[]; readonly pending: string[] }> {
    const results: T[] = [];
    const pending: string[] = [];
    for (const { location } of registryOf(this.#area).destinations) {
      try {
        await this.#at(location, signal, async (place) => {
          const found = await findDestination(place.backend, place.location, signal);
          if (found === undefined)
            throw new SecureStoreError('NOT_FOUND', `${place.location}: there is no backup here`);
          results.push(await visit(found));
        });
      } catch (error) {
        if (!SecureStoreError.is(error) || error.code === 'ABORTED') throw error;
        pending.push(location);
      }
    }
    return { results, pending };
  }

  async #rekeyAll(
    signal: AbortSignal | undefined,
  ): Promise<{ counts: ReadonlyMap<string, number>; pending: readonly string[] }> {
    const copied = await this.#area.copyHead(signal);
    const { results, pending } = await this.#each(signal, async (found) => {
      await prepareDestination(found.backend, found.location, copied, this.#area.random, signal);
      return rekeyDestination(this.#area, found, signal);
    });
    const counts = new Map<string, number>();
    for (const result of results) {
      for (const [id, count] of result.counts) counts.set(id, (counts.get(id) ?? 0) + count);
    }
    return { counts, pending };
  }

  async #replaceAllKeys(signal: AbortSignal | undefined): Promise<readonly string[]> {
    const copied = await this.#area.copyHead(signal);
    const { pending } = await this.#each(signal, (found) =>
      prepareDestination(found.backend, found.location, copied, this.#area.random, signal),
    );
    return pending;
  }
}
