import { type Command, Option } from 'commander';
import { addNoun, addVerb, type Noun, type Run } from '../call/call.ts';
import { collect } from '../options/global-options.ts';
import type { ApprovalOptions, ApproveOptions } from '../commands/approvals.ts';
import { renamed } from '../options/old-spelling.ts';

/** When something ends. */
export const EXPIRES = 'when it ends: a time, or how long from now, such as 30d';
/** Whom the access policy binds. */
export const BINDS: string = `Roles bind principals, who use the store through a server with credentials of their own. An owner, who can unlock the
whole store, may do everything, this command included.`;

const LIST = { text: 'to list the requests', on: ['approval', 'list'] };

function addRules(approval: Command, run: Run): void {
  addVerb<ApprovalOptions, []>(approval, run, {
    usage: 'rules',
    summary: 'list the rules about which actions need an approval',
    examples: ['securestore approval rules'],
    load: async () => (await import('../commands/approvals.ts')).listApprovalRules,
  });
  addVerb<ApprovalOptions, [string]>(approval, run, {
    usage: 'add <actions>',
    summary: 'add a rule: these actions need an approval',
    options: [
      new Option('--keys <pattern>', 'only for these keys, such as db/**; may be repeated').argParser(collect),
      new Option('--category <name>', 'only for this category; may be repeated').argParser(collect),
    ],
    notes: `With --keys or --category a rule is about objects alone.`,
    examples: [
      "securestore approval add purge,recover --keys 'db/**'",
      'securestore approval add access.change,slots.change,members.change,rotate',
    ],
    load: async () => (await import('../commands/approvals.ts')).addApprovalRule,
  });
  addVerb<ApprovalOptions, [string]>(approval, run, {
    usage: 'remove <number>',
    summary: 'remove a rule, by its number in approval rules',
    examples: ['securestore approval remove 1'],
    whenMissing: { text: 'to list the rules', on: ['approval', 'rules'] },
    load: async () => (await import('../commands/approvals.ts')).removeApprovalRule,
  });
}

function addDecisions(program: Command, run: Run): void {
  addVerb<ApproveOptions, [string]>(program, run, {
    usage: 'approve <id>',
    summary: 'approve a request: its principal may do once what it asks for',
    options: [new Option('--expires <time>', `${EXPIRES} (default: an hour)`)],
    notes: `Over a server you approve as the principal of your token. Elsewhere you approve as an owner of the store: then neither your
permissions nor whether the request is your own are checked. That counts as a second person only if the principal who asked
has no unlock secret of the store.`,
    examples: ['securestore approve ID --expires 10m'],
    whenMissing: LIST,
    load: async () => (await import('../commands/approvals.ts')).approve,
  });
  addVerb<object, [string]>(program, run, {
    usage: 'deny <id>',
    summary: 'deny a request, or withdraw an approval that was not used yet',
    notes: 'Over a server you deny as the principal of your token, elsewhere as an owner of the store. See approval.',
    examples: ['securestore deny ID'],
    whenMissing: LIST,
    load: async () => (await import('../commands/approvals.ts')).deny,
  });
}

/** Adds the verbs about what needs the approval of another principal. */
export function addApproval(program: Command, run: Run): void {
  const noun: Noun = {
    name: 'approval',
    aliases: ['approvals'],
    summary: 'list or show the requests for approval, or change the rules about what needs one',
    notes: `${BINDS}

An action that a rule names is done in a session only after another principal has approved it, who may do approve on that
key. A principal who may do access.change without approval can remove the rules, and one with slots.change or
members.change can get the encryption keys: name these actions as well.`,
    examples: ['securestore approval list'],
  };
  addNoun(program, run, noun, (approval) => {
    addVerb<ApprovalOptions, []>(approval, run, {
      usage: 'list',
      isDefault: true,
      summary: 'list the requests that wait, and those that were decided and not used',
      examples: ['securestore approval list'],
      load: async () => (await import('../commands/approvals.ts')).listApprovals,
    });
    addVerb<ApprovalOptions, [string]>(approval, run, {
      usage: 'show <id>',
      summary: 'show everything that a request would do; read it before you approve',
      examples: ['securestore approval show ID'],
      whenMissing: LIST,
      load: async () => (await import('../commands/approvals.ts')).showApproval,
    });
    addRules(approval, run);
    addVerb<ApprovalOptions, [string, string | undefined]>(approval, run, {
      usage: 'request <action> [key]',
      summary: 'request the approval of an action, over a server',
      options: [
        new Option('--reason <text>', 'the reason, for the principal who approves'),
        ...renamed(
          new Option('--version-id <version>', 'the version of the object that is to be read or restored'),
          '--of-version <version>',
        ),
        new Option('--operation <json>', 'the call and its arguments, as JSON'),
      ],
      notes: `A request shows what the store would do, and an approval allows nothing else. For a restore, use securestore restore --ask.`,
      examples: ["securestore approval request purge db/test/password --reason 'customer left'"],
      load: async () => (await import('../commands/approvals.ts')).requestApproval,
    });
  });
  addDecisions(program, run);
}
