import type { BackupAdministration, ScheduleAdministration } from '@securestore/acl';
import type { Administrator } from './administrator.ts';
import { checkNoFunction, withoutEnds } from './administrator.ts';

const VERIFY: ReadonlySet<string> = new Set(['depth', 'snapshot', 'within']);
const DRILL: ReadonlySet<string> = new Set(['snapshot', 'at', 'scratch']);
const RESTORE_STORE: ReadonlySet<string> = new Set(['snapshot', 'at', 'prefix', 'partial']);
const REGISTER: ReadonlySet<string> = new Set(['takeOver']);
const RETAIN: ReadonlySet<string> = new Set(['dryRun', 'retention', 'damaged']);

/** The backups of a store that is served. */
export function remoteBackups(administrator: Administrator): BackupAdministration {
  const snapshots: BackupAdministration['list'] = (destination, options) => {
    checkNoFunction('onDamaged', options?.onDamaged);
    return administrator.list(
      'backups.list',
      'snapshots',
      () => ({ method: 'GET', path: '/v1/backups', query: { destination } }),
      options,
    );
  };
  return {
    list: snapshots,
    windows: (destination, options) =>
      administrator.list(
        'backups.windows',
        'windows',
        () => ({ method: 'GET', path: '/v1/backups/windows', query: { destination } }),
        options,
      ),
    verify: async (destination, options) => {
      const body = { destination, ...withoutEnds(options) };
      return administrator.job(
        { operation: 'backups.verify', path: '/v1/backups/verify', body, id: 'verify' },
        options,
        VERIFY,
      );
    },
    drill: (destination, options) =>
      administrator.job(
        {
          operation: 'backups.drill',
          path: '/v1/backups/drill',
          body: { destination, ...withoutEnds(options) },
          id: 'drill',
        },
        options,
        DRILL,
      ),
    restoreStore: (destination, to, options) =>
      administrator.job(
        {
          operation: 'backups.restoreStore',
          path: '/v1/restore/store',
          body: { destination, to, ...withoutEnds(options) },
          id: 'restore-store',
        },
        options,
        RESTORE_STORE,
      ),
    destinations: () =>
      administrator.list('backups.destinations', 'destinations', () => ({ method: 'GET', path: '/v1/destinations' })),
    register: (destination, options) =>
      administrator.change(
        'backups.register',
        () => ({ method: 'PUT', path: '/v1/destinations', body: { destination, ...withoutEnds(options) } }),
        options,
        REGISTER,
      ),
    setRetention: (destination, retention, options) =>
      administrator.change(
        'backups.setRetention',
        () => ({ method: 'PUT', path: '/v1/destinations/retention', body: { destination, retention } }),
        options,
      ),
    unregister: (destination, options) =>
      administrator.change(
        'backups.unregister',
        () => ({ method: 'DELETE', path: '/v1/destinations', query: { destination } }),
        options,
      ),
    retain: (destination, options) =>
      administrator.call(
        'backups.retain',
        () => ({ method: 'POST', path: '/v1/backups/retain', body: { destination, ...withoutEnds(options) } }),
        options,
        RETAIN,
      ),
    forget: async (destination, choose, options) => {
      // Damaged ones the server doesn't tell: retention removes those.
      const chosen = choose(await snapshots(destination, options), []);
      const body = { destination, snapshots: chosen };
      return administrator.call(
        'backups.forget',
        () => ({ method: 'POST', path: '/v1/backups/forget', body }),
        options,
      );
    },
    endRestore: (options) =>
      administrator.change('backups.endRestore', () => ({ method: 'POST', path: '/v1/restore/end' }), options),
  };
}

/** When a store that is served is backed up. */
export function remoteSchedules(administrator: Administrator): ScheduleAdministration {
  return {
    list: (options) =>
      administrator.list('schedules.list', 'schedules', () => ({ method: 'GET', path: '/v1/schedules' }), options),
    add: (settings, options) =>
      administrator.change('schedules.add', () => ({ method: 'PUT', path: '/v1/schedules', body: settings }), options),
    remove: (id, options) =>
      administrator.change(
        'schedules.remove',
        () => ({ method: 'DELETE', path: '/v1/schedules', query: { id } }),
        options,
      ),
    conditions: (options) =>
      administrator.list(
        'schedules.conditions',
        'conditions',
        () => ({ method: 'GET', path: '/v1/schedules/conditions' }),
        options,
      ),
  };
}
