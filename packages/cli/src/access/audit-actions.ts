import { similarTo } from '@securestore/backend-api';
import type { PlannedOperation, Rule } from 'securestore';
import { refusal } from '../errors/refuse.ts';
import type { OwnHint } from '../errors/hints.ts';
import { synonymOf } from '../options/synonyms.ts';

type Permission = Rule['actions'][number];

/**
 * The permission that each recorded call of the administration needs, as a denial names it. The library has the same table, which is
 * not loaded for a filter: a call too few or too many does not compile, and a test compares the rest.
 */
export const CALL_PERMISSIONS: Readonly<Record<PlannedOperation['call'], Permission>> = {
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

/** Recorded attempts that are no call of the administration, with the permission of those that have one of another name. */
const OTHERS: Readonly<Record<string, Permission | undefined>> = {
  read: undefined,
  list: undefined,
  history: undefined,
  write: undefined,
  delete: undefined,
  recover: undefined,
  purge: undefined,
  migrate: undefined,
  session: undefined,
  'audit.tail': 'audit.view',
  'audit.lines': 'audit.view',
  'audit.end': undefined,
  'audit.lost': undefined,
  'approvals.request': undefined,
  'approvals.approve': 'approve',
  'approvals.deny': 'approve',
  'access.approve': 'approve',
  'access.deny': 'approve',
  unlock: undefined,
  'slot.added': undefined,
  'slot.removed': undefined,
  'member.granted': undefined,
  'member.revoked': undefined,
  'rootKey.rotated': undefined,
  'key.created': undefined,
  'key.replaced': undefined,
  'key.disabled': undefined,
  'key.scheduled': undefined,
  'key.restored': undefined,
  'key.destroyed': undefined,
  'key.used': undefined,
  'suite.refused': undefined,
};

const RECORDED: ReadonlyMap<string, string | undefined> = new Map(
  Object.entries({ ...CALL_PERMISSIONS, ...OTHERS } as Readonly<Record<string, string | undefined>>),
);

/** Every action that an entry of the log can have. */
export const RECORDED_ACTIONS: readonly string[] = [...RECORDED.keys()];

/** The actions of the log for commands, if they have other names. */
const OF_COMMANDS: Readonly<Record<string, string>> = {
  put: 'write',
  get: 'read',
  info: 'read',
  ls: 'list',
  rm: 'delete',
  undelete: 'recover',
  rotate: 'rotateEncryptionKey',
  token: 'access.createToken',
};

/** A longer name is not repeated in an error, in characters. */
const MAX_SHOWN = 64;

function meant(given: string): string | undefined {
  const lower = given.toLowerCase();
  const command = OF_COMMANDS[lower] ?? OF_COMMANDS[synonymOf(lower) ?? ''];
  return command ?? similarTo(given, [...RECORDED_ACTIONS, ...new Set(Object.values(CALL_PERMISSIONS))]);
}

const callsNeeding = (permission: string): string[] =>
  [...RECORDED].flatMap(([action, needed]) => (needed === permission ? [action] : []));

/** The actions that a filter leaves out, although they need a permission of the name that it gives: that is an action, too. */
export function othersNeeding(given: string): readonly string[] {
  return RECORDED.has(given) ? callsNeeding(given).filter((action) => action !== given) : [];
}

/**
 * The actions of the log that a filter means: the one of that name, or those of all calls that need a permission.
 *
 * @throws `INVALID_ARGUMENT` if the log has no such action
 */
export function actionsMeant(given: string): ReadonlySet<string> {
  if (RECORDED.has(given)) return new Set([given]);
  const calls = callsNeeding(given);
  if (calls.length > 0) return new Set(calls);
  const shown = given.length <= MAX_SHOWN ? `unknown action ${JSON.stringify(given)}` : 'unknown action';
  const similar = meant(given);
  const hints: OwnHint[] = [
    ...(similar === undefined ? [] : [{ text: `did you mean ${similar}` }]),
    { text: 'to list the actions', command: 'securestore help audit log' },
  ];
  throw refusal('INVALID_ARGUMENT', `${shown} in --action`, { hints });
}
