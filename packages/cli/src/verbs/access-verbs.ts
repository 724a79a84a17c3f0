import { type Command, Option } from 'commander';
import type { Template } from 'securestore';
import { addNoun, addVerb, type Run } from '../call.ts';
import { collect } from '../global-options.ts';
import { renamed } from '../old-spelling.ts';
import type { GrantOptions, RoleOptions, TokenOptions } from '../commands/access.ts';
import { addApproval, BINDS, EXPIRES } from './approval-verbs.ts';
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
function addRole(program: Command, run: Run): void {
  const noun = {
    name: 'role',
    aliases: ['roles'],
    summary: 'list the roles, show one, add rules to one, or remove one',
    notes: BINDS,
  };
  addNoun(program, run, noun, (role) => {
    addVerb(role, run, {
      usage: 'list',
      isDefault: true,
      summary: 'list the roles, with the number of their rules and holders',
      load: async () => (await import('../commands/access.ts')).listRoles,
    });
    addVerb<object, [string]>(role, run, {
      usage: 'show <name>',
      summary: 'show the rules of a role',
      notes: `Examples:
  securestore role show db-reader`,
      load: async () => (await import('../commands/access.ts')).showRole,
    });
    addVerb<RoleOptions, [string]>(role, run, {
      usage: 'add <name>',
      summary: 'add rules to a role, which is made if it is missing',
      options: [
        new Option('--template <template>', 'allow what a role of this kind usually may do').choices(
          Object.keys(TEMPLATES),
        ),
        new Option('--allow <actions>', 'allow actions, such as read,list; may be repeated').argParser(collect),
        new Option('--deny <actions>', 'deny actions, which wins over all that is allowed').argParser(collect),
        new Option('--keys <pattern>', 'only for these keys, such as db/**; may be repeated').argParser(collect),
        new Option('--category <name>', 'only for this category; may be repeated').argParser(collect),
      ],
      notes: `Actions on objects: read list history write delete recover purge. On the store: backup backup.view backup.manage
restore restore.replace rotate migrate verify checkpoint collect health jobs keys.view keys.destroy slots.view slots.change
access.view access.change members.view members.change settings.change audit.view audit.change. On either: approve. All: *, or those of a group, such as keys.*.

With --keys or --category a rule is about objects alone. Whoever may do access.change, slots.change or members.change
can come by everything.

Examples:
  securestore role add db-reader --template reader --keys 'db/**'
  securestore role add db-reader --deny read --keys 'db/*/password'`,
      load: async () => (await import('../commands/access.ts')).addRole,
    });
    addVerb<object, [string]>(role, run, {
      usage: 'remove <name>',
      summary: 'remove a role from the policy, and from all who hold it; asks, or needs --yes',
      load: async () => (await import('../commands/access.ts')).removeRole,
    });
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
  const noun = { name: 'token', aliases: ['tokens'], summary: 'list the API tokens, make one, or revoke one' };
  addNoun(program, run, noun, (token) => {
    addVerb(token, run, {
      usage: 'list',
      isDefault: true,
      summary: 'list the API tokens, without what proves them',
      load: async () => (await import('../commands/access.ts')).listTokens,
    });
    addVerb<TokenOptions, [string]>(token, run, {
      usage: 'new <principal>',
      summary: 'make a token for a principal, and print it once',
      options: [new Option('--expires <time>', EXPIRES)],
      notes: `A token is shown once and only its keyed hash is kept: whoever has it acts as its principal, until it expires or is
revoked.

Examples:
  securestore token new deployer --expires 90d > token.txt`,
      load: async () => (await import('../commands/access.ts')).newToken,
    });
    addVerb<object, [string]>(token, run, {
      usage: 'revoke <id>',
      summary: 'revoke a token at once',
      notes: `Examples:
  securestore token revoke ID`,
      load: async () => (await import('../commands/access.ts')).revokeToken,
    });
  });
}

function addMember(program: Command, run: Run): void {
  const noun = {
    name: 'member',
    aliases: ['members'],
    summary: 'list who has encryption keys of their own, grant somebody categories, or take them back',
    notes: `A member opens the store by their identity, and in it what was granted and nothing else, whatever program they use. In
a category they can read everything AND forge anything, and they see the names of all objects of the store.`,
  };
  addNoun(program, run, noun, (member) => {
    addVerb(member, run, {
      usage: 'list',
      isDefault: true,
      summary: 'list the members, and what was granted to each',
      load: async () => (await import('../commands/member.ts')).listMembers,
    });
    addVerb<MemberOptions, [string, string | undefined]>(member, run, {
      usage: 'add <name> [recipient]',
      summary: 'grant somebody categories, and print an invitation',
      options: [
        new Option('--category <name>', 'grant the keys of this category; may be repeated').argParser(collect),
        ...renamed(
          new Option(
            '--store-keys <kind>',
            "grant the store's own encryption keys of this kind: audit, or backup",
          ).argParser(collect),
          '--group <kind>',
        ),
      ],
      notes: `A member who is there already is granted more.

Examples:
  securestore member add ann SSRP1-... --category prod > invitation.txt`,
      load: async () => (await import('../commands/member.ts')).addMember,
    });
    addVerb<MemberOptions, [string | undefined]>(member, run, {
      usage: 'revoke [name]',
      summary: 'take from a member what was granted, and make new keys for it',
      options: [new Option('--all', 'everybody, also where the list of members is damaged')],
      notes: `New keys are made for what the member had, which takes some seconds at least: until it is done they can still forge.
What they have copied they keep. Roles are taken from somebody by securestore revoke.

Examples:
  securestore member revoke ann`,
      resume: () => [
        { text: 'to see whether it had begun', on: ['member', 'list'] },
        { text: 'to go on with it', on: ['rotate'], options: { resume: true } },
      ],
      load: async () => (await import('../commands/member.ts')).revokeMember,
    });
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
