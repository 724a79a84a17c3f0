import type { AuditTrail } from '@securestore/audit';
import type { Backups, Schedules } from '@securestore/backup/lazy';
import { backupJobId } from '@securestore/backup/lazy';
import type { Health } from '@securestore/health';
import type { GcOptions, Job, EncryptionKeyAdministration, ObjectStore, SecureStorage } from '@securestore/objects';
import type { AccessAdministration } from '../document/access-administration.ts';
import type { ObjectAction, StoreAction } from '../rules/actions.ts';
import type { RecoveryPointAdministration } from '../rules/for-callers.ts';

/** Who did what, as a session may look at it, and switch it on and off. */
export type AuditAdministration = Pick<AuditTrail, 'enable' | 'disable' | 'state' | 'entries' | 'verify' | 'examine'>;

/** The backups of a store, but for what shows all of it to whoever calls. */
export type BackupAdministration = Omit<
  Backups,
  | 'backup'
  | 'restore'
  | 'read'
  | 'repairing'
  | 'view'
  | 'startContinuous'
  | 'continuousBackups'
  | 'continuousStatus'
  | 'waitForBackup'
  | 'isRegistered'
  | 'isJobOfRegistered'
>;

/** When a store is backed up. Running them is for whoever has the store. */
export type ScheduleAdministration = Omit<Schedules, 'run' | 'runNow'>;

/** What is neither a call about data nor administration: it belongs to whoever holds the store itself. */
type OwnersAlone = 'fingerprint' | 'url' | 'close' | typeof Symbol.asyncDispose;

/** The administration of a store: all that can be done with it beside the calls about data. */
export type StoreAdministration = Omit<ObjectStore, keyof SecureStorage | OwnersAlone> & {
  readonly encryptionKeys: EncryptionKeyAdministration;
  readonly access: AccessAdministration;
  readonly audit: AuditAdministration;
  readonly backup: Backups['backup'];
  readonly restore: Backups['restore'];
  readonly backups: BackupAdministration;
  /** What the store was, at any point that can be restored. */
  readonly recoveryPoints: RecoveryPointAdministration;
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
export type JobCall = {
  [Call in AdministrationCall]: MethodOf<StoreAdministration, Call> extends (...given: never[]) => Job<unknown>
    ? Call
    : never;
}[AdministrationCall];

/** The action of every call of the administration. As with the calls about data, one without an action does not compile. */
export const ADMINISTRATION: Readonly<Record<AdministrationCall, StoreAction>> = {
  rotateEncryptionKey: 'rotate',
  checkpoint: 'checkpoint',
  gc: 'collect',
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
  'recoveryPoints.destinations': 'backup.view',
  'recoveryPoints.timeline': 'backup.view',
  'recoveryPoints.browse': 'backup.view',
  'recoveryPoints.find': 'backup.view',
  'recoveryPoints.compare': 'backup.view',
  'recoveryPoints.versions': 'backup.view',
  'recoveryPoints.retrieveStream': 'backup.view',
  'recoveryPoints.receipts': 'backup.view',
  'schedules.list': 'backup',
  'schedules.add': 'backup',
  'schedules.remove': 'backup',
  'schedules.conditions': 'backup',
  'slots.list': 'slots.view',
  'slots.add': 'slots.change',
  'slots.remove': 'slots.change',
  'encryptionKeys.list': 'keys.view',
  'encryptionKeys.usage': 'keys.view',
  'encryptionKeys.destroy': 'keys.destroy',
  'encryptionKeys.undo': 'keys.destroy',
  'encryptionKeys.destroyDue': 'keys.destroy',
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
export const JOB_IDS: Readonly<Record<JobCall, string | ((...given: readonly unknown[]) => string)>> = {
  rotateEncryptionKey: 'rotation',
  checkpoint: 'checkpoint',
  gc: (options) => ((Object(options) as GcOptions).dryRun === true ? 'collection-dry-run' : 'collection'),
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
