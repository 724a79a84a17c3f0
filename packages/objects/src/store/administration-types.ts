import type { UnlockMethod } from '@securestore/crypto';
import type { Job, JobKind, JobSummary, StartOptions } from '@securestore/jobs';
import type { EncryptionKeyInfo } from '../maintenance/keys/keys.ts';
import type { RotationDepth } from '../maintenance/keys/rotate.ts';
import type { Recipient, SlotInfo, SlotRemoval } from '../maintenance/keys/slots.ts';
import type { CallOptions } from '../api/types.ts';
import type { VerifyProgress } from '../maintenance/verify/report.ts';

/** What a secret may be given as: an unlock method, a passphrase, or 32 random bytes. */
export type UnlockSecret = UnlockMethod | string | Uint8Array;

/** The ways of unlocking a store. */
export interface SlotAdministration {
  list(options?: CallOptions): Promise<SlotInfo[]>;
  /**
   * Adds a way to unlock the store: a secret, a key wrapper, or a {@link Recipient} whose identity then opens it.
   *
   * @throws `ALREADY_EXISTS` if it opens the store already; `TOO_LARGE` if the store has as many ways as it may; what a
   *   key wrapper throws
   */
  add(key: UnlockSecret | Recipient, options?: CallOptions): Promise<SlotInfo>;
  /**
   * Removes a way to unlock the store. It takes 6 s longer than the change itself: then no process that has opened the
   * store by it begins to write anything any more, its jobs included. Whoever has an old copy of its head can still use it: to renew what it led to, rotate
   * the keys.
   *
   * @returns the destinations of backups where its secret still opens what lies there
   * @throws `NOT_FOUND`; `INVALID_ARGUMENT` for the last one
   */
  remove(id: string, options?: CallOptions): Promise<SlotRemoval>;
}

/** A job to be started. */
export interface JobStart<P, R> extends Pick<StartOptions, 'id' | 'before' | 'replace'> {
  readonly kind: JobKind<P, R>;
  readonly parameters: P;
}

export interface DestroyEncryptionKeysOptions extends CallOptions {
  /** How long it can be undone, in milliseconds; by default 30 days. 0 for hardly at all: see {@link EncryptionKeyAdministration.destroy}. */
  readonly waitingPeriod?: number | undefined;
}

/** The keys that seal the objects of a store. */
export interface EncryptionKeyAdministration {
  /** All key versions and what they may be used for. */
  list(options?: CallOptions): Promise<EncryptionKeyInfo[]>;
  /** How many versions of objects, current and older ones, each key version encrypts, by its id. Reads the store once. */
  usage(options?: CallOptions): Promise<Readonly<Record<string, number>>>;
  /**
   * Schedules a key version that a rotation has retired, or all keys of a category, to be destroyed. It takes 6 s longer
   * than the change itself: then no process uses them any more. After the waiting period nothing can bring back what a
   * destroyed category sealed. Without one they are destroyed 6 s later, and the call takes another 6 s; one that is stopped
   * in between leaves them scheduled.
   *
   * @throws `NOT_FOUND`; `CONFLICT` if objects still need the key version; `INVALID_ARGUMENT`; `UNSUPPORTED` if there
   *   is a slot that this release doesn't know, which would be lost
   */
  destroy(target: string, options?: DestroyEncryptionKeysOptions): Promise<EncryptionKeyInfo[]>;
  /** Undoes {@link EncryptionKeyAdministration.destroy} while there is time. @throws `NOT_FOUND`, `KEY_DESTROYED`, `INVALID_ARGUMENT` */
  undo(target: string, options?: CallOptions): Promise<EncryptionKeyInfo[]>;
  /**
   * Destroys now what was scheduled and whose time has come, by the clock of this process and by the backend's, and renews
   * the root key; open stores do this by themselves. Takes 6 s longer if there was something to destroy.
   *
   * @returns the ids of the key versions that are gone, and of those that something still needs
   */
  destroyDue(options?: CallOptions): Promise<{
    readonly destroyed: string[];
    readonly inUse: string[];
    /** Destinations of backups where what was destroyed could not be removed yet. */
    readonly pending: readonly string[];
  }>;
}

/** Long work on a store that is not finished, by this process or another. */
export interface JobAdministration {
  list(options?: CallOptions): Promise<JobSummary[]>;
  /** Goes on with a job that nobody runs. */
  resume(id: string, options?: CallOptions): Job<unknown>;
  /** Asks whoever runs it to stop; it can be resumed. @throws `NOT_FOUND` */
  cancel(id: string, options?: CallOptions): Promise<void>;
  /**
   * Gives up a job that nobody runs. Of a rotation, what was not brought under the new keys stays under the old ones.
   *
   * @throws `NOT_FOUND`, `LOCKED`
   */
  forget(id: string, options?: CallOptions): Promise<void>;
}

export interface RotateOptions extends CallOptions {
  /**
   * `unlock` renews the root key and replaces the secret; `keys`, the default, also makes new keys and brings every
   * object under them, without touching payloads; `data` also seals every object and payload anew.
   */
  readonly depth?: RotationDepth | undefined;
}

export interface GcOptions extends CallOptions {
  /**
   * Changes nothing: the report counts what a garbage collection would remove now. The journal is not counted. May run beside a
   * collection.
   */
  readonly dryRun?: boolean | undefined;
  /**
   * Only with `dryRun`: counts what would be removed if the store had this history. Of `versions` and `days`, what is left out is as in the
   * settings of the store.
   */
  readonly history?: { readonly versions?: number; readonly days?: number } | undefined;
  /**
   * Only with `dryRun`: counts what would be removed so many milliseconds from now, at most 3650 days, if nothing changes until then. A day
   * counts what is younger than a day now, which no collection removes. Expired objects and unread changes are judged as of now.
   */
  readonly ahead?: number | undefined;
}

export interface CheckpointOptions extends CallOptions {
  /**
   * Takes what is there now as right, whatever the checkpoint before says: what `verify` has found is not found any more.
   * For when you have looked into it.
   */
  readonly afresh?: boolean | undefined;
}

export interface VerifyOptions extends CallOptions {
  /** Whether to read and open all payloads too; otherwise only whether all their parts are there, with the right lengths. */
  readonly payloads?: boolean | undefined;
  /** Called for each object. What it throws ends the verification. */
  readonly onProgress?: ((progress: VerifyProgress) => void) | undefined;
}
