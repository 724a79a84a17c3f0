import { SecureStoreError } from '@securestore/core-format';
import type { KeyWrapperMethod, UnlockSecretMethod, UnlockMethod } from '@securestore/crypto';
import { passphrase, rawKey } from '@securestore/crypto';
import type { Job, JobKind } from '@securestore/jobs';
import { Jobs } from '@securestore/jobs';
import type {
  CheckpointOptions,
  GcOptions,
  JobAdministration,
  JobStart,
  EncryptionKeyAdministration,
  UnlockSecret,
  RotateOptions,
  SlotAdministration,
  VerifyOptions,
} from './administration-types.ts';
import { callSignal, checkOptions, inContext } from '../api/call-boundary.ts';
import { NO_OPTIONS } from '../api/operations.ts';
import { checkpointKind, startCheckpoint } from '../checkpoint/job.ts';
import type { CheckpointReport } from '../checkpoint/make.ts';
import { collectionKind, startCollection, startDryRun } from '../maintenance/gc/job.ts';
import type { GcReport } from '../maintenance/gc/report.ts';
import type { Engine } from '../engine/engine.ts';
import { withWriteFence } from '../engine/write-fence.ts';
import { jobStorage } from '../engine/job-storage.ts';
import type { MemberAdministration } from '../maintenance/keys/members.ts';
import { addMember, checkMemberName, listMembers } from '../maintenance/keys/members.ts';
import type { CallGate } from './call-gate.ts';
import { checkOwner, isMember } from '../head/unlock/owner-keys.ts';
import { countKeyUsage } from '../maintenance/keys/key-usage.ts';
import { rotationKind, startRotation } from '../maintenance/keys/rotate.ts';
import { destroyKeys, finishDestruction, undoDestruction } from '../maintenance/keys/destroy-keys.ts';
import { listKeys } from '../maintenance/keys/keys.ts';
import type { RotationReport } from '../maintenance/keys/rotate.ts';
import { endRotation, ROTATION_JOB, rotationUnderWay } from '../engine/rotation-state.ts';
import type { Recipient } from '../maintenance/keys/slots.ts';
import { addSlot, listSlots, removeSlot } from '../maintenance/keys/slots.ts';
import { changeSettings, getSettings } from '../maintenance/settings/change.ts';
import { parseHistory } from '../api/create-settings.ts';
import type { SettingsAdministration } from '../api/settings-types.ts';
import type { StoreState } from '../head/store-state.ts';
import type { MaintenanceTasks } from '../maintenance/upkeep.ts';
import { keepCopiesUp, keepUp } from '../maintenance/upkeep.ts';
import type { CallOptions, Logger } from '../api/types.ts';
import type { VerifyReport } from '../maintenance/verify/report.ts';
import { verifyStore } from '../maintenance/verify/verify.ts';
import { invalid } from '../util/invalid.ts';

/** How far ahead a dry run looks at most, in milliseconds. */
const MAX_AHEAD: number = 3650 * 24 * 60 * 60 * 1000;
const GC_OPTIONS: ReadonlySet<string> = new Set(['dryRun', 'history', 'ahead']);
const CHECKPOINT_OPTIONS: ReadonlySet<string> = new Set(['afresh']);
const VERIFY_OPTIONS: ReadonlySet<string> = new Set(['payloads', 'onProgress']);
const DESTROY_OPTIONS: ReadonlySet<string> = new Set(['waitingPeriod']);
const ROTATE_OPTIONS: ReadonlySet<string> = new Set(['depth']);
const GRANT_OPTIONS: ReadonlySet<string> = new Set(['categories', 'areas']);
const SETTINGS_OPTIONS: ReadonlySet<string> = new Set(['ifVersion']);

/** @throws SecureStoreError `INVALID_ARGUMENT` */
function methodOf(key: unknown, what: string): UnlockMethod {
  if (typeof key === 'string') return passphrase(key);
  if (key instanceof Uint8Array) return rawKey(key);
  const { type, secret, wrapper } = (key ?? {}) as Partial<UnlockSecretMethod & KeyWrapperMethod>;
  const isMethod = type === 'keyWrapper' ? wrapper !== undefined : typeof secret === 'function';
  if (typeof type === 'string' && isMethod) return key as UnlockMethod;
  throw new SecureStoreError('INVALID_ARGUMENT', `${what} must be an unlock method, a passphrase or 32 bytes`);
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
function newcomerOf(key: unknown): UnlockMethod | Recipient {
  const { recipient } = (key ?? {}) as Partial<Recipient>;
  return recipient === undefined ? methodOf(key, 'the new unlock secret') : { recipient };
}

/** The administration of an open store. */
export class Administration {
  readonly slots: SlotAdministration;
  readonly encryptionKeys: EncryptionKeyAdministration;
  readonly jobs: JobAdministration;
  readonly members: MemberAdministration;
  readonly settings: SettingsAdministration;
  readonly #engine: Engine;
  readonly #jobs: Jobs;
  readonly #closed = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  readonly #calls: CallGate;
  readonly #others: JobKind<unknown, unknown>[] = [];

  constructor(unguarded: Engine, calls: CallGate) {
    const engine = withWriteFence(unguarded);
    this.#engine = engine;
    this.#calls = calls;
    const known = this.#kinds().map(({ name }) => name);
    this.#jobs = new Jobs({ storage: jobStorage(unguarded, known), clock: engine.clock, random: engine.random });
    this.slots = {
      list: (options) => calls.administrative('slots.list', options, NO_OPTIONS, (signal) => listSlots(engine, signal)),
      add: (key, options) =>
        calls.administrative('slots.add', options, NO_OPTIONS, (signal) => addSlot(engine, newcomerOf(key), signal)),
      remove: (id, options) =>
        calls.administrative('slots.remove', options, NO_OPTIONS, (signal) => removeSlot(engine, id, signal)),
    };
    this.encryptionKeys = {
      list: (options) =>
        calls.administrative('encryptionKeys.list', options, NO_OPTIONS, (signal) => listKeys(engine, signal)),
      usage: (options) =>
        calls.administrative('encryptionKeys.usage', options, NO_OPTIONS, async (signal) =>
          Object.fromEntries((await countKeyUsage(engine, { signal })).counts),
        ),
      destroy: (target, options) =>
        calls.administrative('encryptionKeys.destroy', options, DESTROY_OPTIONS, (signal) =>
          destroyKeys(engine, target, { signal, waitingPeriod: options?.waitingPeriod }),
        ),
      undo: (target, options) =>
        calls.administrative('encryptionKeys.undo', options, NO_OPTIONS, (signal) =>
          undoDestruction(engine, target, signal),
        ),
      destroyDue: (options) =>
        calls.administrative('encryptionKeys.destroyDue', options, NO_OPTIONS, (signal) =>
          finishDestruction(engine, signal),
        ),
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
    // While it closes the store, it writes nothing but the head, which it may.
    this.settings = {
      get: (options) =>
        calls.administrative('settings.get', options, NO_OPTIONS, (signal) => getSettings(unguarded, signal)),
      change: (changes, options) =>
        calls.administrative('settings.change', options, SETTINGS_OPTIONS, (signal) =>
          changeSettings(unguarded, changes, options, signal),
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
    const own = [rotationKind(this.#engine), checkpointKind(this.#engine), collectionKind(this.#engine)];
    return [...own, ...this.#others];
  }

  /** For packages that do long work on the store: its kind can be resumed like any other. */
  addKind(kind: JobKind<unknown, unknown>): void {
    this.#others.push(kind);
  }

  /** Starts a job of a kind of another package, which asks itself who may do it. */
  runJob<P, R>(
    operation: string,
    options: CallOptions | undefined,
    knownOptions: ReadonlySet<string>,
    { kind, parameters, ...start }: JobStart<P, R>,
  ): Job<R> {
    const begin = ({ signal }: { readonly signal: AbortSignal }): Job<R> =>
      this.#jobs.start(kind, parameters, { signal, ...start });
    return this.#start(operation, options, knownOptions, begin, () => undefined);
  }

  async #forget(id: string, signal: AbortSignal | undefined): Promise<void> {
    const rotation = id === ROTATION_JOB ? await rotationUnderWay(this.#engine) : undefined;
    try {
      await this.#jobs.forget(id);
    } catch (error) {
      // A rotation is under way by what the head says, also if its state is gone.
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
    checkAllowed: (state: StoreState) => void = checkOwner,
  ): Job<R> {
    try {
      this.#calls.checkOpen();
      checkAllowed(this.#engine.monitor.state);
      checkOptions(options, knownOptions);
      const given = callSignal(options);
      const signal = given === undefined ? this.#closed.signal : AbortSignal.any([given, this.#closed.signal]);
      const job = begin({ signal });
      // The caller sees how it ends; a failure that is not awaited is theirs to notice.
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

  rotate(
    oldUnlockSecret: UnlockSecret,
    newUnlockSecret: UnlockSecret,
    options: RotateOptions | undefined,
  ): Job<RotationReport> {
    return this.#start('rotateEncryptionKey', options, ROTATE_OPTIONS, ({ signal }) => {
      const secrets = {
        oldUnlockSecret: methodOf(oldUnlockSecret, 'the old unlock secret'),
        newUnlockSecret: methodOf(newUnlockSecret, 'the new unlock secret'),
      };
      return startRotation(this.#engine, this.#jobs, options?.depth ?? 'keys', secrets, signal);
    });
  }

  checkpoint(options: CheckpointOptions | undefined): Job<CheckpointReport> {
    return this.#start('checkpoint', options, CHECKPOINT_OPTIONS, ({ signal }) =>
      startCheckpoint(this.#engine, this.#jobs, options?.afresh ?? false, signal),
    );
  }

  gc(options: GcOptions | undefined): Job<GcReport> {
    return this.#start('gc', options, GC_OPTIONS, ({ signal }) => {
      const { dryRun = false, history: given, ahead = 0 } = options ?? {};
      if (typeof dryRun !== 'boolean') invalid('the option "dryRun" must be a boolean', 'dryRun');
      if (!dryRun && given !== undefined) invalid('the option "history" is for a dry run only', 'history');
      if (!dryRun && ahead !== 0) invalid('the option "ahead" is for a dry run only', 'ahead');
      if (typeof ahead !== 'number' || !(ahead >= 0 && ahead <= MAX_AHEAD)) {
        invalid('the option "ahead" must be a number of milliseconds, at most 3650 days', 'ahead');
      }
      const { head } = this.#engine.monitor.state;
      const history = given === undefined ? undefined : parseHistory(given, head.history);
      return dryRun
        ? startDryRun(this.#engine, signal, { history, ahead })
        : startCollection(this.#engine, this.#jobs, signal);
    });
  }

  verify(anchored: boolean, options: VerifyOptions | undefined): Promise<VerifyReport> {
    return this.#calls.administrative('verify', options, VERIFY_OPTIONS, async (signal) => {
      const { payloads = false, onProgress } = options ?? {};
      if (typeof payloads !== 'boolean') invalid('the option "payloads" must be a boolean', 'payloads');
      if (onProgress !== undefined && typeof onProgress !== 'function')
        invalid('the option "onProgress" must be a function', 'onProgress');
      const stop = signal === undefined ? this.#closed.signal : AbortSignal.any([signal, this.#closed.signal]);
      return verifyStore(this.#engine, anchored, { signal: stop, payloads, onProgress });
    });
  }

  /** Looks after the store from now on, until it is closed. A member leaves that to others. */
  keepUp(logger: Logger | undefined): void {
    if (isMember(this.#engine.monitor.state)) return;
    const { signal } = this.#closed;
    const rotate: MaintenanceTasks['rotate'] = (isDue) =>
      startRotation(this.#engine, this.#jobs, 'keys', { isDue }, signal);
    const collect: MaintenanceTasks['collect'] = (isDue) => startCollection(this.#engine, this.#jobs, signal, isDue);
    this.#running.add(keepUp(this.#engine, { rotate, collect }, signal, logger));
    this.#running.add(keepCopiesUp(this.#engine, signal));
  }

  /** Stops the jobs that this process runs; they can be resumed. */
  async close(): Promise<void> {
    this.#closed.abort(new SecureStoreError('UNAVAILABLE', 'the store is being closed', { retryable: false }));
    await Promise.all(this.#running);
  }
}
