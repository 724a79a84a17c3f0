import { type Command, Option } from 'commander';
import type { Template } from 'securestore';
import { addVerb, type Run } from '../call.ts';
import { collect } from '../global-options.ts';
import type { GrantOptions, RoleOptions, TokenOptions } from '../commands/access.ts';
import type { ApprovalOptions, ApproveOptions } from '../commands/approvals.ts';
import type { MemberOptions } from '../commands/member.ts';

/** Those of the library, which is not loaded to show help: one too few or too many does not compile. */
const TEMPLATES: Readonly<Record<Template, true>> = {
  reader: true,
  writer: true,
  operator: true,
  auditor: true,
  'backup-operator': true,
  'recovery-officer': true,
  administrator: true,
};
const EXPIRES = 'until when: a time, or how long from now, such as 30d';
const BINDS = `Roles bind those who come with credentials to a program that serves the store. Whoever unlocks the store may do
everything, this command included.`;

function addRole(program: Command, run: Run): void {
  addVerb<RoleOptions, [string | undefined, string | undefined]>(program, run, {
    usage: 'role [action] [name]',
    shownUsage: '[options] | role show <name> | role add <name> | role remove <name>',
    summary: 'list the roles, show one, add rules to one, or remove one',
    options: [
      new Option('--template <template>', 'with add: allow what a role of this kind usually may do').choices(
        Object.keys(TEMPLATES),
      ),
      new Option('--allow <actions>', 'with add: allow actions, such as read,list; may be repeated').argParser(collect),
      new Option('--deny <actions>', 'with add: deny actions, which wins over all that is allowed').argParser(collect),
      new Option('--keys <pattern>', 'with add: only for these keys, such as db/**; may be repeated').argParser(
        collect,
      ),
      new Option('--category <name>', 'with add: only for this category; may be repeated').argParser(collect),
    ],
    notes: `${BINDS}
Actions on objects: read list history write delete recover purge. On the store: backup backup.view backup.manage
restore restore.replace rotate migrate verify checkpoint collect health jobs keys.view keys.destroy slots.view slots.change
access.view access.change members.view members.change settings.change audit.view audit.change. On either: approve. All: *, or those of a group, such as keys.*.
With --keys or --category a rule is about objects alone. Whoever may do access.change, slots.change or members.change
can come by everything.

Examples:
  securestore role add db-reader --template reader --keys 'db/**'
  securestore role add db-reader --deny read --keys 'db/*/password'
  securestore role show db-reader`,
    load: async () => (await import('../commands/access.ts')).role,
  });
}

function addGrant(program: Command, run: Run): void {
  addVerb<GrantOptions, [string | undefined, string | undefined]>(program, run, {
    usage: 'grant [principal] [role]',
    shownUsage: '[options] | grant <principal> <role>',
    summary: 'grant somebody a role, or list what is granted',
    options: [
      new Option('--expires <time>', EXPIRES),
      new Option('--service', 'a principal that is new is a service, and no user'),
    ],
    notes: `${BINDS}

Examples:
  securestore grant corp:alice db-reader
  securestore grant deployer db-reader --service --expires 90d
  securestore grant`,
    load: async () => (await import('../commands/access.ts')).grant,
  });
  addVerb<object, [string, string | undefined]>(program, run, {
    usage: 'revoke <principal> [role]',
    summary: 'take a role from somebody, or remove them with all their roles and tokens',
    notes: `Without a role it asks, or needs --yes. The last who may change the policy can't be removed. Who has keys of their own
is a member, whom securestore member revoke removes.`,
    load: async () => (await import('../commands/access.ts')).revoke,
  });
}

function addToken(program: Command, run: Run): void {
  addVerb<TokenOptions, [string | undefined, string | undefined]>(program, run, {
    usage: 'token [action] [target]',
    shownUsage: '[options] | token new <principal> | token revoke <id>',
    summary: 'list the API tokens, make one, or revoke one',
    options: [new Option('--expires <time>', `with new: ${EXPIRES}`)],
    notes: `A token is shown once and only its keyed hash is kept: whoever has it acts as its principal, until it expires or is
revoked.

Examples:
  securestore token new deployer --expires 90d > token.txt
  securestore token revoke ID`,
    load: async () => (await import('../commands/access.ts')).token,
  });
}

function addMember(program: Command, run: Run): void {
  addVerb<MemberOptions, [string | undefined, string | undefined, string | undefined]>(program, run, {
    usage: 'member [action] [name] [recipient]',
    shownUsage: '[options] | member add <name> <recipient> | member revoke <name>|--all',
    summary: "list who has a part of the store's keys, grant somebody a category, or take it back",
    options: [
      new Option('--category <name>', 'with add: grant the keys of this category; may be repeated').argParser(collect),
      new Option('--group <kind>', "with add: grant the store's own keys of this kind: audit, or backup").argParser(
        collect,
      ),
      new Option('--all', 'with revoke: everybody, also where the list of members is damaged'),
    ],
    notes: `A member opens the store by their identity, and in it what was granted and nothing else, whatever program they use. In
a category they can read everything AND forge anything, and they see the names of all objects of the store. add prints
an invitation, and grants more to a member who is there. revoke makes new keys for what the member had, which takes
some seconds at least: until it is done they can still forge. What they have copied they keep. Roles are taken from
somebody by securestore revoke.

Examples:
  securestore member add ann SSRP1-... --category prod > invitation.txt
  securestore member revoke ann
  securestore member`,
    resume: '`securestore rotate --resume` goes on with a revocation; `securestore member` shows whether it had begun',
    load: async () => (await import('../commands/member.ts')).member,
  });
}

function addExplain(program: Command, run: Run): void {
  addVerb<object, [string, string, string | undefined]>(program, run, {
    usage: 'explain <principal> <action> [key]',
    summary: 'say whether somebody may do something, and which rule says so',
    notes: `Exit code 0 where it is allowed, 4 where it is not.

Examples:
  securestore explain corp:alice read db/prod/password
  securestore explain deployer backup`,
    load: async () => (await import('../commands/access.ts')).explain,
  });
}

function addApproval(program: Command, run: Run): void {
  addVerb<ApprovalOptions, [string | undefined, string | undefined, string | undefined]>(program, run, {
    usage: 'approval [action] [target] [key]',
    shownUsage:
      '[options] | approval show <id> | approval rules | approval add <actions> | approval remove <number> | approval request <action> [key]',
    summary: 'list or show what waits for a second person, or say what takes one',
    options: [
      new Option('--keys <pattern>', 'with add: only for these keys, such as db/**; may be repeated').argParser(
        collect,
      ),
      new Option('--category <name>', 'with add: only for this category; may be repeated').argParser(collect),
      new Option('--reason <text>', 'with request: what it is for'),
      new Option('--of-version <version>', 'with request: the version of the object that is to be read or restored'),
      new Option('--operation <json>', 'with request: the call, and what it is given, as JSON'),
    ],
    notes: `${BINDS}
What a rule names is done in a session only once somebody else has approved it, who may do approve on that key. Whoever
may do access.change without approval can do away with the rules, and whoever may do slots.change or members.change can
come by the keys: name these as well. A request shows what the store would do, and nothing else passes: for a restore ask
with securestore restore --ask. With --keys or --category a rule is about objects alone.

Examples:
  securestore approval add purge,recover --keys 'db/**'
  securestore approval add access.change,slots.change,members.change,rotate
  securestore approval
  securestore approval show ID
  securestore approval request purge db/old --reason 'the customer has left'   (over a server)`,
    load: async () => (await import('../commands/approvals.ts')).approval,
  });
  addVerb<ApproveOptions, [string]>(program, run, {
    usage: 'approve <id>',
    summary: 'let somebody do once what they have asked for',
    options: [new Option('--expires <time>', `${EXPIRES} (otherwise an hour)`)],
    notes: `Over a server it is done as whom the token says. Elsewhere it is done as whoever unlocks the store, and not as a principal: nobody is
asked whether you may, nor whether the request is your own. It is a second person only where the one who asked does not have a secret of the store. See approval.

Examples:
  securestore approval show ID
  securestore approve ID --expires 10m`,
    load: async () => (await import('../commands/approvals.ts')).approve,
  });
  addVerb<object, [string]>(program, run, {
    usage: 'deny <id>',
    summary: 'refuse what somebody has asked for, or take back an approval that is not used yet',
    notes:
      'It is done as whoever unlocks the store, and not as a principal; over a server as whom the token says. See approval.',
    load: async () => (await import('../commands/approvals.ts')).deny,
  });
}

/** Adds the verbs about who may do what. */
export function addAccessVerbs(program: Command, run: Run): void {
  program.commandsGroup('Access:');
  addRole(program, run);
  addGrant(program, run);
  addToken(program, run);
  addMember(program, run);
  addExplain(program, run);
  addApproval(program, run);
}
