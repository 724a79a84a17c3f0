import { type Command, Option } from 'commander';
import { addVerb, type Run } from '../call.ts';
import { collect } from '../global-options.ts';
import type { AuditOptions } from '../commands/audit.ts';

/** Adds the verbs about who did what. */
export function addAuditVerbs(program: Command, run: Run): void {
  addVerb<AuditOptions, [string | undefined]>(program, run, {
    usage: 'audit [action]',
    shownUsage: '[options] | audit on | audit off | audit tail | audit examine | audit verify | audit export',
    summary: 'say whether the store is audited, switch that on or off, show, verify or export the log',
    options: [
      new Option('--auditor <recipient>', 'with on: whose identity can verify the log'),
      new Option('--fail-closed', 'with on: refuse what can not be recorded, and wait for each entry'),
      new Option('-n, --lines <count>', 'with tail: how many entries to show (default: 20)'),
      new Option('-f, --follow', 'with tail: go on as entries come'),
      new Option(
        '--name <key>',
        'with tail: show what the whole log has about this object, whose name it has as a hash',
      ),
      new Option(
        '--auditor-identity <file>',
        "with verify: the auditor's identity file; may be repeated for former ones",
      ).argParser(collect),
    ],
    notes: `Every attempt is recorded, also those that are denied or fail, and what is done with keys: in the store, sealed, so that the
backend learns nothing of it. Objects are named by keyed hashes, and values never.

audit examine looks whether the newest parts of the log are whole, in order, and as far as the head of the store says. It needs no
identity, and so can be had over a server.

The log can be verified only with the auditor's identity, which is best kept where the store's secrets are not: then not
even those who have all of these can change what was recorded before. Exit code 5 where verify finds anything.
What is not shown by the log alone is that its newest end was cut off; against the head of the store and the anchor it is.

Examples:
  securestore identity new -o auditor.identity      (by the auditor, who keeps the file)
  securestore audit on --auditor SSRP1-...
  securestore audit tail -n 50
  securestore audit tail --name db/password
  securestore audit verify --auditor-identity auditor.identity
  securestore audit export > audit.jsonl`,
    load: async () => (await import('../commands/audit.ts')).audit,
  });
}
