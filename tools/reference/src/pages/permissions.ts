import { ACTIONS, ADMINISTRATION, SURFACE, TEMPLATES, templateRules } from '@securestore/acl';
import type { Action, ObjectAction, SessionCall, StoreAction } from '@securestore/acl';
import { ROUTES } from '../../../../packages/server/src/routes/index.ts';
import { COMMAND_CALLS } from '../facts/command-calls.ts';
import { FURTHER } from '../facts/further.ts';
import { code, codes, definitions, list, page, section, table } from '../text/markdown.ts';
import { routeLink } from './http-api.ts';

/** What each action allows; one too few or too many does not compile. */
const OBJECT_MEANINGS: Readonly<Record<ObjectAction, string>> = {
  read: 'read the data, size, times and metadata of an object',
  list: 'see that an object exists, and its key in listings',
  history: 'see which versions of an object are retained',
  write: 'store an object, and change its metadata',
  delete: 'delete an object; its history is kept',
  recover: 'undelete an object, and make a retained version current again',
  purge: 'destroy an object with its history',
};

const STORE_MEANINGS: Readonly<Record<StoreAction, string>> = {
  backup: 'back up to registered destinations, verify, drill and retain there, manage schedules',
  'backup.view': 'see recovery points; keys in them need `list` and `history`',
  'backup.manage': 'register and remove destinations, set retention, and remove snapshots',
  restore: 'restore objects or the whole store from a backup',
  'restore.replace': 'let a restore or a repair replace or delete what exists',
  rotate: 'replace an unlock secret and rotate encryption keys',
  migrate: 'nothing yet: only an owner can migrate a store',
  verify: 'verify and scrub the store',
  checkpoint: 'record the present objects as the ones to verify against',
  collect: 'run garbage collection',
  health: 'see the health and the metrics of the store',
  jobs: 'list, resume, cancel and forget jobs',
  'keys.view': 'see the key versions, their usage, and the settings',
  'keys.destroy': 'destroy encryption keys, and undo that in time',
  'slots.view': 'see the slots',
  'slots.change': 'add and remove slots, which unlock the whole store',
  'access.view': 'see the access policy, the tokens and all requests for approval',
  'access.change': 'change the access policy, and create and revoke tokens',
  'members.view': 'see the members',
  'members.change': 'add and revoke members',
  'settings.change': 'change categories, history and rotation',
  'audit.view': 'see, check and verify the audit log',
  'audit.change': 'switch the audit log on and off',
  approve: 'approve and deny the requests of other principals',
};

const ACTION_OF: Readonly<Partial<Record<SessionCall, Action>>> = {
  ...SURFACE,
  ...ADMINISTRATION,
  'audit.tail': 'audit.view',
  'approvals.approve': 'approve',
  'approvals.deny': 'approve',
};

const CALLS = Object.keys(ACTION_OF) as SessionCall[];

function actionSection(action: Action): string {
  const calls = CALLS.filter((call) => ACTION_OF[call] === action);
  const routes = ROUTES.filter(({ access }) => calls.includes(access as SessionCall) || (access as string) === action);
  const commands = Object.entries(COMMAND_CALLS).filter(([, made]) => made.some((call) => calls.includes(call)));
  const metrics = action === 'health' ? ['metrics'] : [];
  const further = FURTHER.filter(([, needed]) => needed === action).map(([call]) => call);
  if (calls.length === 0) {
    const text =
      further.length === 0 ? 'No call needs it.' : `Only as a [further action](#further-actions) of ${codes(further)}.`;
    return section(3, code(action), text);
  }
  return section(
    3,
    code(action),
    list([
      `Library: ${calls.length === 0 ? 'no call' : codes([...calls, ...metrics])}`,
      `Command line: ${commands.length === 0 ? 'no command' : commands.map(([name]) => commandLink(name)).join(', ')}`,
      `HTTP: ${routes.length === 0 ? 'no route' : routes.map((route) => routeLink(route)).join(', ')}`,
    ]),
  );
}

function commandLink(name: string): string {
  const anchor = name.replace(/ (?:--|[A-Z]).*$/, '').replaceAll(' ', '-');
  return `[${code(name)}](commands.md#${anchor})`;
}

const actionLink = (action: string): string => `[${code(action)}](#${action.replaceAll('.', '')})`;

const OWNER_ONLY: readonly string[] = [
  'init',
  'migrate',
  'serve',
  'rotate',
  'audit verify',
  'audit export',
  'schedule run',
  'clock reset',
];

function meaningRows(meanings: Readonly<Record<string, string>>): string[][] {
  return Object.entries(meanings).map(([action, meaning]) => [actionLink(action), meaning]);
}

/** The page about actions. */
export function permissionsPage(): string {
  return page(
    'Actions and permissions',
    'Every action that a rule can allow or deny, with the calls, commands and routes that need it. For administrators who write [roles](../build/access/rules.md).',
    [
      'An action that no rule allows is denied. A rule that denies an action overrides every rule that allows it. Rules name actions, or patterns of them: `*` for all, and `keys.*`, `slots.*`, `access.*`, `members.*` or `audit.*` for a group.',
      'Owners unlock the store themselves and need no permission. Roles bind principals of a session, and so everyone who uses a store through a server.',
      section(
        2,
        'Actions on objects',
        'Rules can limit these actions to patterns of keys and to categories.',
        table(['Action', 'Allows to'], meaningRows(OBJECT_MEANINGS)),
      ),
      section(
        2,
        'Actions on the store',
        'These actions concern the whole store. A rule with keys or categories does not allow them, except `approve`, which concerns what is approved.',
        table(['Action', 'Allows to'], meaningRows(STORE_MEANINGS)),
      ),
      section(
        2,
        'Further actions',
        'Some calls need another action besides their own, some of them depending on their arguments.',
        definitions(
          ['Call', 'Also needs', 'If'],
          FURTHER.map(([call, action, when]) => [code(call), actionLink(action), when]),
        ),
      ),
      section(
        2,
        'Role templates',
        'With patterns of keys, a template allows its actions on objects for those keys, and no action on the store.',
        table(
          ['Template', 'Actions'],
          TEMPLATES.map((template) => [
            code(template),
            codes(templateRules(template).flatMap(({ actions }) => actions)),
          ]),
        ),
      ),
      section(
        2,
        'Without an action',
        list([
          'Every principal may call `approvals.list`, and `approvals.request` for an action that the rules allow to it.',
          'Every authenticated caller of a server may use its own [jobs](http-api.md#v1work), and cancel those that it started.',
          `Only an owner can run ${OWNER_ONLY.map((name) => commandLink(name)).join(', ')} and [\`backup --continuous\`](commands.md#backup).`,
        ]),
      ),
      section(
        2,
        'Calls, commands and routes',
        'Calls are methods of a session, such as `session.backups.list`.',
        ...ACTIONS.map((action) => actionSection(action)),
      ),
    ],
  );
}
