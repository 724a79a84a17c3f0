import type { Backups } from '@securestore/backup';
import type { StoreAction } from '../rules/actions.ts';
import type { AdministrationCall } from './administration.ts';

/** What the store knows of where it is backed up; what has no backups knows nothing of it. */
type Registered = Partial<Pick<Backups, 'isRegistered' | 'isJobOfRegistered'>>;

/** What a call takes beside its own action, by what it was given; `backups` are those of the store, where it has some. */
type Further = (given: readonly unknown[], backups: object | undefined) => readonly StoreAction[];

type Given = Readonly<Record<string, unknown>>;

const MANAGE: readonly StoreAction[] = ['backup.manage'];
const NOTHING: readonly StoreAction[] = [];

/** The ways of restoring that leave alone what is there. */
const BESIDE: ReadonlySet<unknown> = new Set(['fail', 'skip', 'rename']);

function optionsIn(value: unknown): Given {
  return (value ?? {}) as Given;
}

/** Where a store is backed up somebody has chosen who may. */
const toRegistered = (destination: unknown, backups: Registered = {}): readonly StoreAction[] =>
  backups.isRegistered?.(destination) === true ? NOTHING : MANAGE;

/**
 * What calls take beside their own actions. Asked when it is decided, as what is registered may have changed since the call was made.
 */
export const FURTHER_ACTIONS: Readonly<Partial<Record<AdministrationCall, Further>>> = {
  // What is restored beside what there is replaces nothing. Other names can be those of other objects, and so can the same ones.
  restore([, options]) {
    const { into, dryRun, conflict = 'fail', deleteExtra = false } = optionsIn(options);
    const isBeside = into !== undefined && BESIDE.has(conflict) && deleteExtra === false;
    return isBeside || dryRun === true ? NOTHING : ['restore.replace'];
  },
  // A new store is written to a place that nobody has registered.
  'backups.restoreStore': () => MANAGE,
  // What is put right takes the place of what is there.
  scrub: ([options]) => (optionsIn(options)['repair'] === undefined ? NOTHING : ['restore.replace']),
  // To take over the backups of another store ends its use of them.
  backup: ([destination, options], backups) =>
    optionsIn(options)['takeOver'] === true ? MANAGE : toRegistered(destination, backups),
  'schedules.add': ([schedule], backups) => toRegistered(optionsIn(schedule)['destination'], backups),
  // A backup that is gone on with is one to that place; what else is gone on with is no matter of backups.
  'jobs.resume'([id], backups: Registered = {}) {
    // What a scrub has found names objects.
    if (id === 'scrub') return ['verify'];
    const isBackup = String(id).startsWith('backup-');
    return !isBackup || backups.isJobOfRegistered?.(String(id)) === true ? NOTHING : MANAGE;
  },
  // What was set for the destination its manager has chosen; what is given here could be nothing. Nobody has set that damaged ones go.
  'backups.retain'([destination, options], backups) {
    const { retention, damaged, dryRun } = optionsIn(options);
    if (dryRun === true) return NOTHING;
    return retention === undefined && damaged !== true ? toRegistered(destination, backups) : MANAGE;
  },
  // Elsewhere than in memory a drill writes to a place that nobody has registered.
  'backups.drill'([, options]) {
    const { scratch } = optionsIn(options);
    return scratch === undefined || scratch === 'memory:' ? NOTHING : MANAGE;
  },
};
