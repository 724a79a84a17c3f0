import type { AuditTrail } from '@securestore/audit';
import type { Backups, Schedules } from '@securestore/backup';
import { backupJobId } from '@securestore/backup';
import { SecureStoreError } from '@securestore/core-format';
import type { Health } from '@securestore/health';
import type { CallOptions, Job, KeyAdministration, ObjectStore, SecureStorage } from '@securestore/objects';
import { withOneEnd } from '@securestore/objects';
import type { AccessControl } from './access-control.ts';
import type { ObjectAction, StoreAction } from './actions.ts';
import { givenOnce } from './call-about.ts';
import type { Caller, PointAdministration } from './for-callers.ts';
import { ABOUT_OBJECTS, FOR_CALLER, prefixIn } from './for-callers.ts';
import { FURTHER_ACTIONS } from './further-actions.ts';
import { guardedJob } from './guarded-job.ts';

/**
 * Who may do what, as a session may look at it and change it. What it decides about requests for approval it decides as
 * somebody, and so not here.
 */
export type AccessAdministration = Omit<AccessControl, 'session' | 'approve' | 'deny' | 'figures'>;

/** Who did what, as a session may look at it, and switch it on and off. */
export type AuditAdministration = Pick<AuditTrail, 'enable' | 'disable' | 'state' | 'entries' | 'verify' | 'examine'>;

/** The backups of a store, but for what shows all of it to whoever calls. */
export type BackupAdministration = Omit<
  Backups,
  | 'backup'
  | 'restore'
  | 'read'
  | 'view'
  | 'follow'
  | 'continuous'
  | 'following'
  | 'waitForBackup'
  | 'isRegistered'
  | 'isJobOfRegistered'
>;

/** When a store is backed up. Running them is for whoever has the store. */
export type ScheduleAdministration = Omit<Schedules, 'run'>;

/** What is neither a call about data nor administration: it belongs to whoever holds the store itself. */
type OwnersAlone =
  | 'fingerprint'
  | 'location'
  | 'policyObject'
  | 'auditArea'
  | 'backupArea'
  | 'healthArea'
  | 'migrationArea'
  | 'close'
  | typeof Symbol.asyncDispose;

/** The administration of a store: all that can be done with it beside the calls about data. */
export type StoreAdministration = Omit<ObjectStore, keyof SecureStorage | OwnersAlone> & {
  readonly keys: KeyAdministration;
  readonly access: AccessAdministration;
  readonly audit: AuditAdministration;
  readonly backup: Backups['backup'];
  readonly restore: Backups['restore'];
  readonly backups: BackupAdministration;
  /** What the store was, at any point that can be restored. */
  readonly points: PointAdministration;
  readonly schedules: ScheduleAdministration;
  readonly health: Health['check'];
  readonly scrub: Health['scrub'];
};

type Callable = (...given: never[]) => unknown;

type CallsOf<T> = {
  [Name in keyof T & string]: T[Name] extends Callable ? Name : `${Name}.${keyof T[Name] & string}`;
}[keyof T & string];

type MethodOf<T, Call extends string> = Call extends `${infer Name extends keyof T & string}.${infer Member}`
  ? T[Name][Member & keyof T[Name]]
  : T[Call & keyof T];

/** A call of the administration by its dotted name, such as `slots.add`. */
export type AdministrationCall = CallsOf<StoreAdministration>;

/** Those that are long work. */
type JobCall = {
  [Call in AdministrationCall]: MethodOf<StoreAdministration, Call> extends (...given: never[]) => Job<unknown>
    ? Call
    : never;
}[AdministrationCall];

/** The action of every call of the administration. As with the calls about data, one without an action does not compile. */
export const ADMINISTRATION: Readonly<Record<AdministrationCall, StoreAction>> = {
  rotateEncryptionKey: 'rotate',
  checkpoint: 'checkpoint',
  collect: 'collect',
  verify: 'verify',
  health: 'health',
  scrub: 'verify',
  backup: 'backup',
  restore: 'restore',
  'backups.list': 'backup',
  'backups.windows': 'backup',
  'backups.verify': 'backup',
  'backups.drill': 'backup',
  'backups.destinations': 'backup',
  'backups.register': 'backup.manage',
  'backups.setRetention': 'backup.manage',
  'backups.forget': 'backup.manage',
  'backups.retain': 'backup',
  'backups.unregister': 'backup.manage',
  'backups.endRestore': 'restore',
  'backups.restoreStore': 'restore',
  'points.destinations': 'backup.view',
  'points.timeline': 'backup.view',
  'points.browse': 'backup.view',
  'points.find': 'backup.view',
  'points.compare': 'backup.view',
  'points.versions': 'backup.view',
  'points.retrieveStream': 'backup.view',
  'points.receipts': 'backup.view',
  'schedules.list': 'backup',
  'schedules.add': 'backup',
  'schedules.remove': 'backup',
  'schedules.conditions': 'backup',
  'slots.list': 'slots.view',
  'slots.add': 'slots.change',
  'slots.remove': 'slots.change',
  'keys.states': 'keys.view',
  'keys.census': 'keys.view',
  'keys.destroy': 'keys.destroy',
  'keys.undo': 'keys.destroy',
  'keys.finish': 'keys.destroy',
  'settings.get': 'keys.view',
  'settings.change': 'settings.change',
  'jobs.list': 'jobs',
  'jobs.resume': 'jobs',
  'jobs.cancel': 'jobs',
  'jobs.forget': 'jobs',
  'access.policy': 'access.view',
  'access.explain': 'access.view',
  'access.tokens': 'access.view',
  'access.requests': 'access.view',
  'access.change': 'access.change',
  'access.createToken': 'access.change',
  'access.revokeToken': 'access.change',
  'members.list': 'members.view',
  'members.add': 'members.change',
  'members.revoke': 'members.change',
  'members.revokeAll': 'members.change',
  'audit.state': 'audit.view',
  'audit.entries': 'audit.view',
  'audit.verify': 'audit.view',
  'audit.examine': 'audit.view',
  'audit.enable': 'audit.change',
  'audit.disable': 'audit.change',
};

/** The ids of jobs, which are known before they are started. */
const JOB_IDS: Readonly<Record<JobCall, string | ((...given: readonly unknown[]) => string)>> = {
  rotateEncryptionKey: 'rotation',
  checkpoint: 'checkpoint',
  collect: 'collection',
  scrub: 'scrub',
  backup: (destination) => backupJobId(String(destination)),
  restore: 'restore',
  'backups.drill': 'drill',
  'backups.restoreStore': 'restore-store',
  'jobs.resume': (id) => String(id),
  // A revocation is a rotation of the keys that the member had.
  'members.revoke': 'rotation',
  'members.revokeAll': 'rotation',
};

/** A call of the administration, and what there is to know of it before it is let through. */
export interface GuardedCall<T> {
  readonly call: AdministrationCall;
  readonly action: StoreAction;
  /** What it takes beside `action`, by what is known when it is asked. */
  readonly also: () => readonly StoreAction[];
  /** The object that it is about, where it is about one. */
  readonly about: AboutObject | undefined;
  /** What all names begin with that a listing shows. */
  readonly prefix: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** What the call is given. */
  readonly given: readonly unknown[];
  /** Does what was called for. @param given what the call is given in the place of its own */
  readonly run: (given?: readonly unknown[]) => PromiseLike<T>;
}

/**
 * Stands around every call of an administration. It decides whether and when `run` does what was called for, and sees what
 * becomes of it: of a job, when that has ended.
 */
export type Guard = <T>(call: GuardedCall<T>) => Promise<T>;

/** The object that a call is about, and what it takes on that beside the action of the call. */
export interface AboutObject {
  readonly key: unknown;
  readonly actions: readonly ObjectAction[];
}

type Members = Readonly<Record<string, unknown>>;
type Method = (...given: readonly unknown[]) => PromiseLike<unknown>;

/** @throws SecureStoreError `UNSUPPORTED` where there is no such administration */
function methodBehind(administration: object | undefined, call: AdministrationCall): Method {
  const names = call.split('.');
  const name = names.pop() ?? '';
  const owner = names.reduce<unknown>((members, next) => (members as Members | undefined)?.[next], administration);
  const method = (owner as Members | undefined)?.[name];
  if (typeof method === 'function') return (...given) => Reflect.apply(method, owner, given) as PromiseLike<unknown>;
  throw new SecureStoreError('UNSUPPORTED', `${call}: what is behind this session has no such administration`);
}

/** Whose `timeout` is no end: what they have found by then they tell. */
const TELLING: ReadonlySet<AdministrationCall> = new Set(['health']);

/** What a call was given, its options last, with one end for the guard and the call. */
function endingOnce(
  call: AdministrationCall,
  given: readonly unknown[],
): { readonly given: readonly unknown[]; readonly signal: AbortSignal | undefined } {
  const last = given.at(-1);
  const isOptions = typeof last === 'object' && last !== null && ('signal' in last || 'timeout' in last);
  const options = isOptions ? withOneEnd(last as CallOptions) : undefined;
  if (options === undefined) return { given, signal: undefined };
  const signal = options.signal instanceof AbortSignal ? options.signal : undefined;
  return { given: TELLING.has(call) ? given : [...given.slice(0, -1), options], signal };
}

function guardedCall(
  administration: Partial<StoreAdministration> | undefined,
  call: AdministrationCall,
  guard: Guard,
  caller: Caller | undefined,
): unknown {
  const action = ADMINISTRATION[call];
  const id: (typeof JOB_IDS)[JobCall] | undefined = JOB_IDS[call as JobCall];
  const run = async (given: readonly unknown[]): Promise<unknown> => methodBehind(administration, call)(...given);
  return (...all: readonly unknown[]) => {
    const further = FURTHER_ACTIONS[call];
    const { given: own, signal } = endingOnce(call, givenOnce(call, all));
    const given = caller === undefined ? own : (FOR_CALLER[call]?.(own, caller) ?? own);
    const actions = ABOUT_OBJECTS[call];
    const asking = {
      call,
      action,
      also: () => further?.(given, administration?.backups) ?? [],
      about: actions && { key: given[0], actions },
      prefix: prefixIn(call, given),
      signal,
      given,
    };
    if (id === undefined) return guard({ ...asking, run: (bound = given) => run(bound) });
    return guardedJob(
      typeof id === 'string' ? id : id(...given),
      (bound) => methodBehind(administration, call)(...(bound ?? given)) as Job<unknown>,
      (runJob) => guard({ ...asking, run: runJob }),
    );
  };
}

/**
 * An administration whose every call goes through a guard. What `administration` lacks fails with `UNSUPPORTED`.
 *
 * @param administration the one of a store, as far as there is one
 * @param caller who calls, where it is not whoever has the store
 */
export function guardAdministration(
  administration: Partial<StoreAdministration> | undefined,
  guard: Guard,
  caller?: Caller,
): StoreAdministration {
  const guarded: Record<string, unknown> = {};
  for (const call of Object.keys(ADMINISTRATION) as AdministrationCall[]) {
    const names = call.split('.');
    const name = names.pop() ?? '';
    const owner = names.reduce((members, next) => (members[next] ??= {}) as Record<string, unknown>, guarded);
    owner[name] = guardedCall(administration, call, guard, caller);
  }
  return guarded as unknown as StoreAdministration;
}
