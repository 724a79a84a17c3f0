import { type Command, Option } from 'commander';
import { addNoun, addVerb, type Noun, type Run } from '../call/call.ts';
import { collect } from '../options/global-options.ts';
import type { GrantOptions, RoleOptions } from '../commands/access.ts';
import type { TokenOptions } from '../commands/tokens.ts';
import { addApproval, BINDS, EXPIRES } from './approval-verbs.ts';
import type { MemberOptions } from '../commands/member.ts';
import { TEMPLATES } from '../access/rule-options.ts';
import { renamed } from '../options/old-spelling.ts';

const LIST_ROLES = { text: 'to list the roles', on: ['role', 'list'] };

function addRole(program: Command, run: Run): void {
  const noun: Noun = {
    name: 'role',
    aliases: ['roles'],
    summary: 'list the roles, show one, add rules to one, or remove one',
    notes: BINDS,
    examples: ['securestore role list'],
  };
  addNoun(program, run, noun, (role) => {
    addVerb(role, run, {
      usage: 'list',
      isDefault: true,
      summary: 'list the roles, with the number of their rules and holders',
      examples: ['securestore role list'],
      load: async () => (await import('../commands/access.ts')).listRoles,
    });
    addVerb<object, [string]>(role, run, {
      usage: 'show <name>',
      summary: 'show the rules of a role',
      examples: ['securestore role show db-reader'],
      whenMissing: LIST_ROLES,
      load: async () => (await import('../commands/access.ts')).showRole,
    });
    addVerb<RoleOptions, [string]>(role, run, {
      usage: 'add <name>',
      summary: 'add rules to a role, which is created if it is missing',
      options: [
        new Option('--template <template>', 'allow what a role of this kind usually may do').choices(
          Object.keys(TEMPLATES),
        ),
        new Option('--allow <actions>', 'allow actions, such as read,list; may be repeated').argParser(collect),
        new Option('--deny <actions>', 'deny actions, even if another rule allows them; may be repeated').argParser(
          collect,
        ),
        new Option('--keys <pattern>', 'only for these keys, such as db/**; may be repeated').argParser(collect),
        new Option('--category <name>', 'only for this category; may be repeated').argParser(collect),
      ],
      notes: `Actions on objects: read list history write delete recover purge. On the store: backup backup.view backup.manage
restore restore.replace rotate migrate verify checkpoint collect health jobs keys.view keys.destroy slots.view slots.change
access.view access.change members.view members.change settings.change audit.view audit.change. On either: approve. All: *, or those of a group, such as keys.*.

In a pattern, * is any text within one part of a key, and ** as a whole part any number of parts: db/* matches db/a and not
db/a/b, and db/** matches both.

With --keys or --category a rule is about objects alone. A principal with access.change, slots.change or members.change can
get every other permission.`,
      examples: [
        "securestore role add db-reader --template reader --keys 'db/**'",
        "securestore role add db-reader --deny read --keys 'db/*/password'",
      ],
      load: async () => (await import('../commands/access.ts')).addRole,
    });
    addVerb<object, [string]>(role, run, {
      usage: 'remove <name>',
      summary: 'remove a role, and take it from all who hold it; asks, or needs --yes',
      examples: ['securestore role remove db-reader'],
      whenMissing: LIST_ROLES,
      load: async () => (await import('../commands/access.ts')).removeRole,
    });
  });
}

function addGrant(program: Command, run: Run): void {
  addVerb<GrantOptions, [string | undefined, string | undefined]>(program, run, {
    usage: 'grant [principal] [role]',
    shownUsage: '[options] | grant <principal> <role>',
    summary: 'grant a role to a principal, or list the grants',
    options: [
      new Option('--expires <time>', EXPIRES),
      new Option('--service', 'if the principal is new: it is a service, not a user'),
    ],
    notes: BINDS,
    examples: [
      'securestore grant corp:alice db-reader',
      'securestore grant deployer db-reader --service --expires 90d',
    ],
    load: async () => (await import('../commands/access.ts')).grant,
  });
  addVerb<object, [string, string | undefined]>(program, run, {
    usage: 'revoke <principal> [role]',
    summary: 'take a role from a principal, or remove the principal with all roles and tokens',
    notes: `Without a role it asks, or needs --yes. The last principal who may change the policy cannot be removed. A person with
encryption keys of their own is a member: to remove them, run securestore member revoke.`,
    examples: ['securestore revoke corp:alice db-reader', 'securestore revoke deployer --yes'],
    whenMissing: { text: 'to list the grants', on: ['grant'] },
    load: async () => (await import('../commands/access.ts')).revoke,
  });
}

function addToken(program: Command, run: Run): void {
  const noun: Noun = {
    name: 'token',
    aliases: ['tokens'],
    summary: 'list the API tokens, create one, or revoke one',
    examples: ['securestore token list'],
  };
  addNoun(program, run, noun, (token) => {
    addVerb(token, run, {
      usage: 'list',
      isDefault: true,
      summary: 'list the API tokens by their IDs',
      examples: ['securestore token list'],
      load: async () => (await import('../commands/tokens.ts')).listTokens,
    });
    addVerb<TokenOptions, [string]>(token, run, {
      usage: 'new <principal>',
      summary: 'create a token for a principal, and print it once',
      options: [new Option('--expires <time>', EXPIRES)],
      notes: `A token is shown once, and only its keyed hash is stored. Any program that has the token acts as its principal, until the
token expires or is revoked.`,
      examples: ['securestore token new deployer --expires 90d > token.txt'],
      load: async () => (await import('../commands/tokens.ts')).newToken,
    });
    addVerb<object, [string]>(token, run, {
      usage: 'revoke <id>',
      summary: 'revoke a token at once',
      examples: ['securestore token revoke ID'],
      whenMissing: { text: 'to list the tokens', on: ['token', 'list'] },
      load: async () => (await import('../commands/tokens.ts')).revokeToken,
    });
  });
}

function addMember(program: Command, run: Run): void {
  const noun: Noun = {
    name: 'member',
    aliases: ['members'],
    summary: 'list the members, grant one the encryption keys of categories, or revoke them',
    notes: `A member unlocks the store by an identity, and can decrypt what was granted and nothing else, whatever program they use. In
a granted category a member can read everything AND forge anything, and they see the keys of all objects of the store.
A category has the objects that are stored after it was defined: with init --define-category, or settings change. To share
objects that exist already, securestore member add with --prefix and --into moves them into one.`,
    examples: ['securestore member list'],
  };
  const whenMissing = { text: 'to list the members', on: ['member', 'list'] };
  addNoun(program, run, noun, (member) => {
    addVerb(member, run, {
      usage: 'list',
      isDefault: true,
      summary: 'list the members, and what was granted to each',
      examples: ['securestore member list'],
      load: async () => (await import('../commands/member.ts')).listMembers,
    });
    addVerb<MemberOptions, [string, string | undefined]>(member, run, {
      usage: 'add <name> [recipient]',
      summary: 'grant a member categories, and print an invitation',
      options: [
        new Option('--category <name>', 'grant the encryption keys of this category; may be repeated').argParser(
          collect,
        ),
        ...renamed(
          new Option(
            '--store-keys <kind>',
            "grant the store's own encryption keys of this kind: audit, or backup; may be repeated",
          ).argParser(collect),
          '--group <kind>',
        ),
        new Option('--prefix <prefix>', 'first move the objects below this folder into the category'),
        new Option('--into <prefix>', 'with --prefix: the folder that they are moved to'),
      ],
      notes: `For a member who exists already, the grants are added.

An object is encrypted with the keys of its category for good. So to share a folder that exists, its objects are moved:
each is read, encrypted again in the folder of --into, and deleted under its old key. Programs must use the new keys. Older
versions stay with the old keys, and are not shared. If the category does not exist, it is defined for the folder of --into.
Before that, you are asked, with the number of objects and how long it takes.`,
      examples: [
        'securestore member add ann RECIPIENT --category prod > invitation.txt',
        'securestore member add ann RECIPIENT --category web --prefix app/ --into web/',
      ],
      load: async () => (await import('../commands/member.ts')).addMember,
    });
    addVerb<MemberOptions, [string | undefined]>(member, run, {
      usage: 'revoke [name]',
      summary: 'revoke what was granted to a member, and rotate its encryption keys',
      options: [new Option('--all', 'all members, even if the list of members is damaged')],
      notes: `New encryption keys are created for what the member had, which takes some seconds at least. Until the command is done the
member can still forge. A member keeps what they have copied. To take roles from a principal, run securestore revoke.`,
      examples: ['securestore member revoke ann'],
      resume: () => [
        { text: 'to see whether it had begun', on: ['member', 'list'] },
        { text: 'to resume it', on: ['rotate'], options: { resume: true } },
      ],
      whenMissing,
      load: async () => (await import('../commands/member.ts')).revokeMember,
    });
  });
}

function addExplain(program: Command, run: Run): void {
  addVerb<object, [string, string, string | undefined]>(program, run, {
    usage: 'explain <principal> <action> [key]',
    summary: 'show whether a principal may do an action, and which rule decides that',
    notes: `Exit code 0 if it is allowed, 4 if it is not.`,
    examples: ['securestore explain corp:alice read db/prod/user', 'securestore explain operations backup'],
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
