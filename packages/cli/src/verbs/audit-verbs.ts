import { type Command, Option } from 'commander';
import { addVerb, type Run } from '../call/call.ts';
import { collect } from '../options/global-options.ts';
import type { AuditOptions } from '../commands/audit.ts';

/** Adds the verbs about who did what. */
export function addAuditVerbs(program: Command, run: Run): void {
  addVerb<AuditOptions, [string | undefined]>(program, run, {
    usage: 'audit [action]',
    shownUsage: '[options] | audit on | audit off | audit log | audit examine | audit verify | audit export',
    summary: 'say whether the store is audited, switch that on or off, show, verify or export the log',
    options: [
      new Option('--auditor <recipient>', 'with on: whose identity can verify the log'),
      new Option('--fail-closed', 'with on: refuse what can not be recorded, and wait for each entry'),
      new Option('-n, --lines <count>', 'with log: how many entries to show at most (default: 20, with --since all)'),
      new Option('-f, --follow', 'with log: go on as entries come'),
      new Option('--key <key>', 'with log: only what is about this object, whose key the log has as a hash'),
      new Option('--name <key>').hideHelp(),
      new Option('--action <action>', 'with log: only this action, such as read or audit.enable'),
      new Option('--principal <name>', 'with log: only what this principal did; [root] is the owner'),
      new Option('--result <result>', 'with log: only what ended so').choices(['allowed', 'denied', 'failed']),
      new Option('--since <time>', 'with log: only from this time on, ISO 8601 or how long ago, such as 24h'),
      new Option('--until <time>', 'with log: only before this time'),
      new Option('--long', 'with log: the category, the id of the request and the reason in columns of their own'),
      new Option('--hashes', 'with log: leave hashes of keys as they are'),
      new Option(
        '--auditor-identity <file>',
        "with verify: the auditor's identity file; may be repeated for former ones",
      ).argParser(collect),
    ],
    notes: `Every attempt is recorded, also those that are denied or fail, and what is done with keys: in the store, sealed, so that the
backend learns nothing of it. Objects are named by keyed hashes, and values never. audit log shows the keys of those that are in
the store; over a server, and of objects that are gone, it shows the hashes.

audit examine looks whether the newest parts of the log are whole, in order, and as far as the head of the store says. It needs no
identity, and so can be had over a server.

The log can be verified only with the auditor's identity, which is best kept where the store's secrets are not: then not
even those who have all of these can change what was recorded before. Exit code 5 where verify finds anything.
What is not shown by the log alone is that its newest end was cut off; against the head of the store and the anchor it is.

Examples:
  securestore identity new -o auditor.identity      (by the auditor, who keeps the file)
  securestore audit on --auditor SSRP1-...
  securestore audit log -n 50
  securestore audit log --key db/password --result denied --since 7d
  securestore audit verify --auditor-identity auditor.identity
  securestore audit export > audit.jsonl`,
    load: async () => (await import('../commands/audit.ts')).audit,
  });
}
