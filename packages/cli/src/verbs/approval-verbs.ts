import { type Command, Option } from 'commander';
import { addNoun, addVerb, type Run } from '../call.ts';
import { collect } from '../global-options.ts';
import { renamed } from '../old-spelling.ts';
import type { ApprovalOptions, ApproveOptions } from '../commands/approvals.ts';

/** When something ends. */
export const EXPIRES = 'until when: a time, or how long from now, such as 30d';
/** Whom the access policy binds. */
export const BINDS: string = `Roles bind those who come with credentials to a program that serves the store. Whoever unlocks the store may do
everything, this command included.`;

/** Adds what a second person has to do with. */
export function addApproval(program: Command, run: Run): void {
  const noun = {
    name: 'approval',
    aliases: ['approvals'],
    summary: 'list or show what waits for a second person, or say what takes one',
    notes: `${BINDS}

What a rule names is done in a session only once somebody else has approved it, who may do approve on that key. Whoever
may do access.change without approval can do away with the rules, and whoever may do slots.change or members.change can
come by the keys: name these as well.`,
  };
  addNoun(program, run, noun, (approval) => {
    addVerb<ApprovalOptions, []>(approval, run, {
      usage: 'list',
      isDefault: true,
      summary: 'list the requests that wait, and those that were decided and not used',
      load: async () => (await import('../commands/approvals.ts')).listApprovals,
    });
    addVerb<ApprovalOptions, [string]>(approval, run, {
      usage: 'show <id>',
      summary: 'show all that a request would do: look before you approve',
      notes: `Examples:
  securestore approval show ID`,
      load: async () => (await import('../commands/approvals.ts')).showApproval,
    });
    addVerb<ApprovalOptions, []>(approval, run, {
      usage: 'rules',
      summary: 'list what takes a second person',
      load: async () => (await import('../commands/approvals.ts')).listApprovalRules,
    });
    addVerb<ApprovalOptions, [string]>(approval, run, {
      usage: 'add <actions>',
      summary: 'say that actions take a second person',
      options: [
        new Option('--keys <pattern>', 'only for these keys, such as db/**; may be repeated').argParser(collect),
        new Option('--category <name>', 'only for this category; may be repeated').argParser(collect),
      ],
      notes: `With --keys or --category a rule is about objects alone.

Examples:
  securestore approval add purge,recover --keys 'db/**'
  securestore approval add access.change,slots.change,members.change,rotate`,
      load: async () => (await import('../commands/approvals.ts')).addApprovalRule,
    });
    addVerb<ApprovalOptions, [string]>(approval, run, {
      usage: 'remove <number>',
      summary: 'remove a rule, by its number in approval rules',
      load: async () => (await import('../commands/approvals.ts')).removeApprovalRule,
    });
    addVerb<ApprovalOptions, [string, string | undefined]>(approval, run, {
      usage: 'request <action> [key]',
      summary: 'ask for the approval of an action, over a server',
      options: [
        new Option('--reason <text>', 'what it is for'),
        ...renamed(
          new Option('--version-id <version>', 'the version of the object that is to be read or restored'),
          '--of-version <version>',
        ),
        new Option('--operation <json>', 'the call, and what it is given, as JSON'),
      ],
      notes: `A request shows what the store would do, and nothing else passes. For a restore, ask with securestore restore --ask.

Examples:
  securestore approval request purge db/old --reason 'the customer has left'`,
      load: async () => (await import('../commands/approvals.ts')).requestApproval,
    });
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
