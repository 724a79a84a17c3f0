import { SecureStoreError } from '@securestore/core-format';
import type { KeyWrapperMethod, SecretMethod, UnlockMethod } from '@securestore/crypto';
import { passphrase, rawKey } from '@securestore/crypto';
import type { Job, JobKind, JobSummary } from '@securestore/jobs';
import { Jobs } from '@securestore/jobs';
import { callSignal, checkOptions, inContext } from './call.ts';
import { checkpointKind, startCheckpoint } from './checkpoint/job.ts';
import type { CheckpointReport } from './checkpoint/make.ts';
import { collectionKind, startCollection } from './collection/job.ts';
import type { CollectReport } from './collection/report.ts';
import type { Engine } from './engine.ts';
import { guarded } from './guarded.ts';
import { jobStorage } from './job-storage.ts';
import type { MemberAdministration } from './members/administration.ts';
import { addMember, checkMemberName, listMembers } from './members/administration.ts';
import type { OpenCalls } from './open-calls.ts';
import { checkOwner, isMember } from './owner.ts';
import { takeCensus } from './rekey/census.ts';
import { ROTATION_JOB } from './rekey/job-ids.ts';
import type { KeyReport } from './rekey/keys.ts';
import { destroyKeys, finishDestruction, undoDestruction } from './rekey/destroy.ts';
import { listKeys } from './rekey/keys.ts';
import type { RotationDepth, RotationReport } from './rekey/rotate.ts';
import { rotationKind, startRotation } from './rekey/rotate.ts';
import { endRotation, rotationUnderWay } from './rekey/running.ts';
import type { Recipient, SlotInfo } from './rekey/slots.ts';
import { addSlot, listSlots, removeSlot } from './rekey/slots.ts';
import type { Upkeep } from './upkeep.ts';
import { keepUp } from './upkeep.ts';
import type { CallOptions, Logger } from './types.ts';
import type { VerifyProgress, VerifyReport } from './verify/report.ts';
import { verifyStore } from './verify/verify.ts';

/** What a secret may be given as: an unlock method, a passphrase, or 32 random bytes. */
export type KeyLike = UnlockMethod | string | Uint8Array;

/** The ways of unlocking a store. */
export interface SlotAdministration {
  list(options?: CallOptions): Promise<SlotInfo[]>;
  /**
   * Adds a way to unlock the store: a secret, a key wrapper, or a {@link Recipient} whose identity then opens it.
   *
   * @throws `ALREADY_EXISTS` where it opens the store already; `TOO_LARGE` where the store has as many ways as it may; what a
   *   key wrapper throws
   */
  add(key: KeyLike | Recipient, options?: CallOptions): Promise<SlotInfo>;
  /**
   * Removes a way to unlock the store. It takes 6 s longer than the change itself: then no process that has opened the
   * store by it begins to write anything any more, its jobs included. Whoever has an old copy of its head can still use it: to renew what it led to, rotate
   * the keys.
   *
   * @throws `NOT_FOUND`; `INVALID_ARGUMENT` for the last one
   */
  remove(id: string, options?: CallOptions): Promise<void>;
}

export interface DestroyKeysOptions extends CallOptions {
  /** How long it can be undone, in milliseconds; by default 30 days. 0 for hardly at all: see {@link KeyAdministration.destroy}. */
  readonly waitingPeriod?: number | undefined;
}

/** The keys that seal the objects of a store. */
export interface KeyAdministration {
  /** All key versions and what they may be used for. */
  states(options?: CallOptions): Promise<KeyReport[]>;
  /** How many objects, current and older versions, lie under each key version, by its id. Reads the store once. */
  census(options?: CallOptions): Promise<Readonly<Record<string, number>>>;
  /**
   * Schedules a key version that a rotation has retired, or all keys of a category, to be destroyed. It takes 6 s longer
   * than the change itself: then no process uses them any more. After the waiting period nothing can bring back what a
   * destroyed category sealed. Without one they are destroyed 6 s later, and the call takes another 6 s; one that is stopped
   * in between leaves them scheduled.
   *
   * @throws `NOT_FOUND`; `CONFLICT` where objects still need the key version; `INVALID_ARGUMENT`; `UNSUPPORTED` where there
   *   is a slot that this release doesn't know, which would be lost
   */
  destroy(target: string, options?: DestroyKeysOptions): Promise<KeyReport[]>;
  /** Undoes {@link KeyAdministration.destroy} while there is time. @throws `NOT_FOUND`, `KEY_DESTROYED`, `INVALID_ARGUMENT` */
  undo(target: string, options?: CallOptions): Promise<KeyReport[]>;
  /**
   * Destroys now what was scheduled and whose time has come, by the clock of this process and by the backend's, and renews
   * the root key; open stores do this by themselves. Takes 6 s longer where there was something to destroy.
   *
   * @returns the ids of the key versions that are gone, and of those that something still needs
   */
  finish(options?: CallOptions): Promise<{ readonly destroyed: string[]; readonly inUse: string[] }>;
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

const NO_OPTIONS: ReadonlySet<string> = new Set();
const CHECKPOINT_OPTIONS: ReadonlySet<string> = new Set(['afresh']);
const VERIFY_OPTIONS: ReadonlySet<string> = new Set(['payloads', 'onProgress']);
const DESTROY_OPTIONS: ReadonlySet<string> = new Set(['waitingPeriod']);
const ROTATE_OPTIONS: ReadonlySet<string> = new Set(['depth']);
const GRANT_OPTIONS: ReadonlySet<string> = new Set(['categories', 'groups']);

/** @throws SecureStoreError `INVALID_ARGUMENT` */
function methodOf(key: unknown, what: string): UnlockMethod {
  if (typeof key === 'string') return passphrase(key);
  if (key instanceof Uint8Array) return rawKey(key);
  const { type, secret, wrapper } = (key ?? {}) as Partial<SecretMethod & KeyWrapperMethod>;
  const isMethod = type === 'keyWrapper' ? wrapper !== undefined : typeof secret === 'function';
  if (typeof type === 'string' && isMethod) return key as UnlockMethod;
  throw new SecureStoreError('INVALID_ARGUMENT', `${what} must be an unlock method, a passphrase or 32 bytes`);
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
function newcomerOf(key: unknown): UnlockMethod | Recipient {
  const { recipient } = (key ?? {}) as Partial<Recipient>;
  return recipient === undefined ? methodOf(key, 'the new secret') : { recipient };
}

function refuseOption(name: string, kind: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', `the option "${name}" must be ${kind}`);
}

/** The administration of an open store. */
export class Administration {
  readonly slots: SlotAdministration;
  readonly keys: KeyAdministration;
  readonly jobs: JobAdministration;
  readonly members: MemberAdministration;
  readonly #engine: Engine;
  readonly #jobs: Jobs;
  readonly #closed = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  readonly #calls: OpenCalls;

  constructor(unguarded: Engine, calls: OpenCalls) {
    const engine = guarded(unguarded);
    this.#engine = engine;
    this.#calls = calls;
    const known = this.#kinds().map(({ name }) => name);
    this.#jobs = new Jobs({ storage: jobStorage(engine, known), clock: engine.clock, random: engine.random });
    this.slots = {
      list: (options) => calls.administrative('slots.list', options, NO_OPTIONS, (signal) => listSlots(engine, signal)),
      add: (key, options) =>
        calls.administrative('slots.add', options, NO_OPTIONS, (signal) => addSlot(engine, newcomerOf(key), signal)),
      remove: (id, options) =>
        calls.administrative('slots.remove', options, NO_OPTIONS, (signal) => removeSlot(engine, id, signal)),
    };
    this.keys = {
      states: (options) =>
        calls.administrative('keys.states', options, NO_OPTIONS, (signal) => listKeys(engine, signal)),
      census: (options) =>
        calls.administrative('keys.census', options, NO_OPTIONS, async (signal) =>
          Object.fromEntries((await takeCensus(engine, { signal })).counts),
        ),
      destroy: (target, options) =>
        calls.administrative('keys.destroy', options, DESTROY_OPTIONS, (signal) =>
          destroyKeys(engine, target, { signal, waitingPeriod: options?.waitingPeriod }),
        ),
      undo: (target, options) =>
        calls.administrative('keys.undo', options, NO_OPTIONS, (signal) => undoDestruction(engine, target, signal)),
      finish: (options) =>
        calls.administrative('keys.finish', options, NO_OPTIONS, (signal) => finishDestruction(engine, { signal })),
    };
    this.members = {
      list: (options) =>
        calls.administrative('members.list', options, NO_OPTIONS, (signal) => listMembers(engine, signal)),
      add: (name, recipient, grant) =>
        calls.administrative('members.add', grant, GRANT_OPTIONS, (signal) =>
          addMember(engine, name, recipient, grant ?? {}, signal),
        ),
      revoke: (name, options) =>
        this.#start('members.revoke', options, NO_OPTIONS, ({ signal }) => {
          checkMemberName(name);
          return startRotation(engine, this.#jobs, 'keys', { revoked: { name } }, signal);
        }),
      revokeAll: (options) =>
        this.#start('members.revokeAll', options, NO_OPTIONS, ({ signal }) =>
          startRotation(engine, this.#jobs, 'keys', { revoked: 'all' }, signal),
        ),
    };
    this.jobs = {
      list: (options) => calls.administrative('jobs.list', options, NO_OPTIONS, () => this.#jobs.list(this.#kinds())),
      resume: (id, options) =>
        this.#start('jobs.resume', options, NO_OPTIONS, (start) => this.#jobs.resume(this.#kinds(), id, start)),
      cancel: (id, options) => calls.administrative('jobs.cancel', options, NO_OPTIONS, () => this.#jobs.cancel(id)),
      forget: (id, options) =>
        calls.administrative('jobs.forget', options, NO_OPTIONS, (signal) => this.#forget(id, signal)),
    };
  }

  #kinds(): JobKind<unknown, unknown>[] {
    return [rotationKind(this.#engine), checkpointKind(this.#engine), collectionKind(this.#engine)];
  }

  async #forget(id: string, signal: AbortSignal | undefined): Promise<void> {
    const rotation = id === ROTATION_JOB ? await rotationUnderWay(this.#engine) : undefined;
    try {
      await this.#jobs.forget(id);
    } catch (error) {
      // A rotation is under way by what the head says, also where its state is gone.
      if (rotation === undefined || !SecureStoreError.is(error, 'NOT_FOUND')) throw error;
    }
    if (rotation !== undefined) await endRotation(this.#engine, rotation.id, signal);
  }

  /** Starts a job that ends with the store. */
  #start<R>(
    operation: string,
    options: CallOptions | undefined,
    knownOptions: ReadonlySet<string>,
    begin: (start: { readonly signal: AbortSignal }) => Job<R>,
  ): Job<R> {
    try {
      this.#calls.checkOpen();
      checkOwner(this.#engine.watcher.state);
      checkOptions(options, knownOptions);
      const given = callSignal(options);
      const signal = given === undefined ? this.#closed.signal : AbortSignal.any([given, this.#closed.signal]);
      const job = begin({ signal });
      // The caller sees how it ends; a failure that nobody awaits is theirs to notice.
      const settled = job.finally(() => undefined).catch(() => undefined);
      this.#running.add(settled);
      void settled.then(() => this.#running.delete(settled));
      const { id, progress } = job;
      // What a caller's own secret or key wrapper threw.
      const known = job.catch((error: unknown): never => {
        throw SecureStoreError.is(error) ? error : inContext(error, operation, undefined, undefined);
      });
      return Object.assign(known, { id, progress, cancel: (reason?: string) => job.cancel(reason) });
    } catch (error) {
      throw inContext(error, operation, undefined, options?.signal);
    }
  }

  rotate(oldKey: KeyLike, newKey: KeyLike, options: RotateOptions | undefined): Job<RotationReport> {
    return this.#start('rotateEncryptionKey', options, ROTATE_OPTIONS, ({ signal }) => {
      const secrets = { oldKey: methodOf(oldKey, 'the old secret'), newKey: methodOf(newKey, 'the new secret') };
      return startRotation(this.#engine, this.#jobs, options?.depth ?? 'keys', secrets, signal);
    });
  }

  checkpoint(options: CheckpointOptions | undefined): Job<CheckpointReport> {
    return this.#start('checkpoint', options, CHECKPOINT_OPTIONS, ({ signal }) =>
      startCheckpoint(this.#engine, this.#jobs, options?.afresh ?? false, signal),
    );
  }

  collect(options: CallOptions | undefined): Job<CollectReport> {
    return this.#start('collect', options, NO_OPTIONS, ({ signal }) =>
      startCollection(this.#engine, this.#jobs, signal),
    );
  }

  verify(anchored: boolean, options: VerifyOptions | undefined): Promise<VerifyReport> {
    return this.#calls.administrative('verify', options, VERIFY_OPTIONS, async (signal) => {
      const { payloads = false, onProgress } = options ?? {};
      if (typeof payloads !== 'boolean') refuseOption('payloads', 'a boolean');
      if (onProgress !== undefined && typeof onProgress !== 'function') refuseOption('onProgress', 'a function');
      const stop = signal === undefined ? this.#closed.signal : AbortSignal.any([signal, this.#closed.signal]);
      return verifyStore(this.#engine, anchored, { signal: stop, payloads, onProgress });
    });
  }

  /** Looks after the store from now on, until it is closed. A member leaves that to others. */
  keepUp(logger: Logger | undefined): void {
    if (isMember(this.#engine.watcher.state)) return;
    const { signal } = this.#closed;
    const rotate: Upkeep['rotate'] = (isDue) => startRotation(this.#engine, this.#jobs, 'keys', { isDue }, signal);
    const collect: Upkeep['collect'] = (isDue) => startCollection(this.#engine, this.#jobs, signal, isDue);
    this.#running.add(keepUp(this.#engine, { rotate, collect }, signal, logger));
  }

  /** Stops the jobs that this process runs; they can be resumed. */
  async close(): Promise<void> {
    this.#closed.abort(new SecureStoreError('ABORTED', 'the store is being closed'));
    await Promise.all(this.#running);
  }
}
