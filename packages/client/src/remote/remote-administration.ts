import type { SessionAudit, StoreAdministration } from '@securestore/acl';
import type {
  JobAdministration,
  EncryptionKeyAdministration,
  EncryptionKeyInfo,
  SlotAdministration,
} from '@securestore/objects';
import { Administrator, checkNoFunction, secretToSend, withoutEnds } from './administrator.ts';
import type { Calls } from '../transport/calls.ts';
import { remoteAccess, remoteApprovals } from './remote-access.ts';
import { remoteAudit } from './remote-audit.ts';
import { remoteBackups, remoteSchedules } from './remote-backups.ts';
import { remotePoints } from './remote-points.ts';

/** The administration of a store that is served, as far as it can be had over a server. */
export type RemoteAdministration = Omit<StoreAdministration, 'health' | 'audit'> & {
  readonly audit: SessionAudit;
  readonly approvals: ReturnType<typeof remoteApprovals>;
};

const RESTORE = [
  'snapshot',
  'at',
  'prefix',
  'keys',
  'into',
  'conflict',
  'deleteExtra',
  'dryRun',
  'verify',
  'onObject',
  'onChange',
];
const OPTIONS = {
  rotate: new Set(['depth']),
  checkpoint: new Set(['afresh']),
  gc: new Set(['dryRun', 'history', 'ahead']),
  verify: new Set(['payloads', 'onProgress']),
  scrub: new Set(['rate', 'within', 'payloads', 'repair']),
  backup: new Set(['label', 'takeOver']),
  restore: new Set(RESTORE),
  destroy: new Set(['waitingPeriod']),
  members: new Set(['categories', 'areas']),
  settings: new Set(['ifVersion']),
} as const;

function slotsOf(administrator: Administrator): SlotAdministration {
  return {
    list: (options) => administrator.list('slots.list', 'slots', () => ({ method: 'GET', path: '/v1/slots' }), options),
    add: (key, options) => {
      const slot = (): object =>
        typeof key === 'object' && 'recipient' in key ? { recipient: key.recipient } : secretToSend(key);
      return administrator.call(
        'slots.add',
        () => ({ method: 'POST', path: '/v1/slots', body: { slot: slot() } }),
        options,
      );
    },
    remove: (id, options) =>
      administrator.call('slots.remove', () => ({ method: 'DELETE', path: '/v1/slots', query: { id } }), options),
  };
}

function keysOf(administrator: Administrator): EncryptionKeyAdministration {
  const path = '/v1/encryption-keys';
  return {
    list: (options) =>
      administrator.list<EncryptionKeyInfo>(
        'encryptionKeys.list',
        'encryptionKeys',
        () => ({ method: 'GET', path }),
        options,
      ),
    usage: (options) =>
      administrator.call('encryptionKeys.usage', () => ({ method: 'GET', path: `${path}/usage` }), options),
    destroy: (target, options) =>
      administrator.list(
        'encryptionKeys.destroy',
        'encryptionKeys',
        () => ({ method: 'POST', path: `${path}/destroy`, body: { target, ...withoutEnds(options) } }),
        options,
        OPTIONS.destroy,
      ),
    undo: (target, options) =>
      administrator.list(
        'encryptionKeys.undo',
        'encryptionKeys',
        () => ({ method: 'POST', path: `${path}/undo`, body: { target } }),
        options,
      ),
    destroyDue: (options) =>
      administrator.call('encryptionKeys.destroyDue', () => ({ method: 'POST', path: `${path}/destroy-due` }), options),
  };
}

function settingsOf(administrator: Administrator): StoreAdministration['settings'] {
  const path = '/v1/settings';
  return {
    get: (options) => administrator.call('settings.get', () => ({ method: 'GET', path }), options),
    change: (changes, options) =>
      administrator.call(
        'settings.change',
        () => ({ method: 'POST', path, body: { ...changes, ...withoutEnds(options) } }),
        options,
        OPTIONS.settings,
      ),
  };
}

const jobPath = (id: string): string => `/v1/jobs/${encodeURIComponent(id)}`;

function jobsOf(administrator: Administrator): JobAdministration {
  return {
    list: (options) => administrator.list('jobs.list', 'jobs', () => ({ method: 'GET', path: '/v1/jobs' }), options),
    resume: (id, options) =>
      administrator.job({ operation: 'jobs.resume', path: `${jobPath(id)}/resume`, id }, options),
    cancel: (id, options) =>
      administrator.change('jobs.cancel', () => ({ method: 'POST', path: `${jobPath(id)}/cancel` }), options),
    forget: (id, options) =>
      administrator.change('jobs.forget', () => ({ method: 'DELETE', path: jobPath(id) }), options),
  };
}

function membersOf(administrator: Administrator): StoreAdministration['members'] {
  const path = '/v1/members';
  return {
    list: (options) => administrator.list('members.list', 'members', () => ({ method: 'GET', path }), options),
    add: (name, recipient, grant) =>
      administrator.call(
        'members.add',
        () => ({ method: 'POST', path, body: { name, recipient, ...withoutEnds(grant) } }),
        grant,
        OPTIONS.members,
      ),
    revoke: (name, options) =>
      administrator.job(
        { operation: 'members.revoke', path: `${path}/revoke`, body: { name }, id: 'rotation' },
        options,
      ),
    revokeAll: (options) =>
      administrator.job({ operation: 'members.revokeAll', path: `${path}/revoke-all`, id: 'rotation' }, options),
  };
}

/** The administration of a store that is served. */
export function remoteAdministration(calls: Calls): RemoteAdministration {
  const administrator = new Administrator(calls);
  return {
    rotateEncryptionKey: (oldUnlockSecret, newUnlockSecret, options) => {
      const body = {
        oldUnlockSecret: secretToSend(oldUnlockSecret),
        newUnlockSecret: secretToSend(newUnlockSecret),
        ...withoutEnds(options),
      };
      return administrator.job(
        { operation: 'rotateEncryptionKey', path: '/v1/rotate', body, id: 'rotation' },
        options,
        OPTIONS.rotate,
      );
    },
    checkpoint: (options) =>
      administrator.job(
        { operation: 'checkpoint', path: '/v1/checkpoint', body: withoutEnds(options), id: 'checkpoint' },
        options,
        OPTIONS.checkpoint,
      ),
    gc: (options) =>
      administrator.job(
        { operation: 'gc', path: '/v1/gc', body: withoutEnds(options), id: 'collection' },
        options,
        OPTIONS.gc,
      ),
    verify: async (options) => {
      const { onProgress, ...body } = withoutEnds(options);
      const call = { operation: 'verify', path: '/v1/verify', body, id: 'verify', onProgress };
      return administrator.job(call, options, OPTIONS.verify);
    },
    scrub: (options) => {
      checkNoFunction('repair', options?.repair);
      return administrator.job(
        { operation: 'scrub', path: '/v1/scrub', body: withoutEnds(options), id: 'scrub' },
        options,
        OPTIONS.scrub,
      );
    },
    backup: (destination, options) =>
      administrator.job(
        { operation: 'backup', path: '/v1/backup', body: { destination, ...withoutEnds(options) }, id: 'backup' },
        options,
        OPTIONS.backup,
      ),
    restore: (destination, options) => {
      checkNoFunction('onObject', options?.onObject);
      checkNoFunction('onChange', options?.onChange);
      return administrator.job(
        { operation: 'restore', path: '/v1/restore', body: { destination, ...withoutEnds(options) }, id: 'restore' },
        options,
        OPTIONS.restore,
      );
    },
    slots: slotsOf(administrator),
    encryptionKeys: keysOf(administrator),
    settings: settingsOf(administrator),
    jobs: jobsOf(administrator),
    members: membersOf(administrator),
    access: remoteAccess(administrator),
    approvals: remoteApprovals(administrator),
    backups: remoteBackups(administrator),
    recoveryPoints: remotePoints(administrator),
    schedules: remoteSchedules(administrator),
    audit: remoteAudit(administrator),
  };
}
