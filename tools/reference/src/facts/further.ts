import type { Action, SessionCall } from '@securestore/acl';

/** What a call needs besides its own action, and when. */
export type FurtherAction = readonly [call: SessionCall, action: Action, when: string];

/** The rules of `further-actions.ts`, `for-callers.ts` and `refusals.ts` of the access control. */
export const FURTHER: readonly FurtherAction[] = [
  ['entries', 'list', 'always, for each object'],
  ['store', 'delete', 'the object expires within a day, unless `ifAbsent` is given'],
  ['restoreVersion', 'delete', 'the version expires within a day, unless `ifAbsent` is given'],
  ['backup', 'backup.manage', 'the destination is not registered'],
  ['schedules.add', 'backup.manage', 'the destination is not registered'],
  [
    'backups.retain',
    'backup.manage',
    'the destination is not registered, or `retention` or `damaged` is given, except in a dry run',
  ],
  ['backups.drill', 'backup.manage', '`scratch` is given and is not `memory:`'],
  ['backups.restoreStore', 'backup.manage', 'always'],
  ['jobs.resume', 'backup.manage', 'the job is a backup to a destination that is not registered'],
  ['jobs.resume', 'verify', 'the job is a scrub'],
  [
    'restore',
    'restore.replace',
    'always, except in a dry run, or with `into`, `conflict` `fail`, `skip` or `rename`, and without `deleteExtra`',
  ],
  ['scrub', 'restore.replace', '`repair` is given'],
  ['recoveryPoints.versions', 'history', 'always, on the key'],
  ['recoveryPoints.retrieveStream', 'read', 'always, on the key'],
  ['recoveryPoints.retrieveStream', 'history', 'always, on the key'],
];
