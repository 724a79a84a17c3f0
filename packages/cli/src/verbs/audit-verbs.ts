import { type Command, Option } from 'commander';
import { addNoun, addVerb, type Noun, type Run } from '../call/call.ts';
import { collect } from '../options/global-options.ts';
import { required } from '../options/required.ts';
import type { AuditOnOptions, AuditVerifyOptions } from '../commands/audit.ts';
import type { AuditLogOptions } from '../commands/audit-log.ts';

function logOptions(): Option[] {
  return [
    new Option('-n, --lines <count>', 'how many entries to show at most (default: 20; with --since, all)'),
    new Option('-f, --follow', 'keep showing entries as they are recorded'),
    new Option('--key <key>', 'only entries about this object, whose key the log stores as a hash'),
    new Option('--name <key>').hideHelp(),
    new Option(
      '--action <action>',
      'only this action, such as read; or a permission, such as audit.view, for all calls that need it',
    ),
    new Option('--principal <name>', 'only what this principal did; [owner] is the owner'),
    new Option('--result <result>', 'only this result').choices(['allowed', 'denied', 'failed']),
    new Option('--since <time>', 'only from this time on: ISO 8601, or how long ago, such as 24h'),
    new Option('--until <time>', 'only before this time'),
    new Option('--all', 'also routine entries, such as unlock, which are left out by default'),
    new Option('--long', 'show category, request ID and reason in columns of their own'),
    new Option('--hashes', 'show the hashes of keys as they are'),
  ];
}

/** Adds the actions that read the log. */
function addReaders(audit: Command, run: Run): void {
  addVerb<AuditLogOptions, []>(audit, run, {
    usage: 'log',
    aliases: ['tail'],
    summary: 'show the newest entries of the log',
    options: logOptions(),
    notes: `The keys of objects that are in the store are shown. Over a server, and for objects that are gone, hashes are shown instead.

The log cannot hold the calls of members, who have encryption keys of their own, nor what is read from a backup by restore
with --stdout, --folder or --to. If the store has or had members, or has backups, a last line says so. With --since, lines
before it say when recording began, and when it was off. A command may make several calls: exec reads the metadata of each
object first.

Actions on objects: read list history write delete recover purge. Encryption keys and slots: unlock slot.added slot.removed
rootKey.rotated key.created key.replaced key.disabled key.scheduled key.restored key.destroyed key.used member.granted
member.revoked suite.refused. The log itself: audit.enable audit.disable audit.entries audit.end audit.lost. Other actions have
the names of calls, such as members.add, access.policy or rotateEncryptionKey. A denial names the permission of a call instead,
such as access.view, which --action takes, too.`,
    examples: ['securestore audit log -n 50', 'securestore audit log --key db/password --result denied --since 7d'],
    load: async () => (await import('../commands/audit.ts')).auditLog,
  });
  addVerb(audit, run, {
    usage: 'examine',
    summary: 'check the newest parts of the log, without an identity',
    notes: `Checks whether the newest parts of the log are whole, in order, and as long as the manifest says. Only audit verify shows
that no entry was changed. Over a server, this check works too. Exit code 5 if anything is wrong.`,
    examples: ['securestore audit examine'],
    load: async () => (await import('../commands/audit.ts')).examineLog,
  });
  addVerb<AuditVerifyOptions, []>(audit, run, {
    usage: 'verify',
    summary: 'verify the whole log with the identity of the auditor',
    options: [
      required(
        new Option(
          '--auditor-identity <file>',
          "the auditor's identity file; may be repeated for former auditors",
        ).argParser(collect),
      ),
    ],
    notes: `Exit code 5 if anything is found. The log alone does not show that its newest end was cut off; together with the manifest
and the anchor it does.`,
    examples: ['securestore audit verify --auditor-identity ./auditor.identity'],
    load: async () => (await import('../commands/audit.ts')).verifyLog,
  });
  addVerb(audit, run, {
    usage: 'export',
    summary: 'print the whole log as JSON lines',
    examples: ['securestore audit export > audit.jsonl'],
    load: async () => (await import('../commands/audit.ts')).exportAuditLog,
  });
}

/** Adds the verbs about who did what. */
export function addAuditVerbs(program: Command, run: Run): void {
  const noun: Noun = {
    name: 'audit',
    summary: 'show whether the store is audited, switch that on or off; show, verify or export the log',
    notes: `Every attempt is recorded, also those that are denied or fail, and what is done with encryption keys. The log is stored
in the store, encrypted, so that the backend learns nothing of it. It names objects by keyed hashes, and never has values.

The log can be verified only with the identity of the auditor. Keep that identity where the unlock secrets of the store
are not: then even an attacker who has all of these cannot change what was recorded before without audit verify finding it.`,
    examples: ['securestore audit show', 'securestore audit log --since 24h'],
  };
  addNoun(program, run, noun, (audit) => {
    addVerb(audit, run, {
      usage: 'show',
      isDefault: true,
      summary: 'show whether the store is audited, and who can verify the log',
      examples: ['securestore audit show'],
      load: async () => (await import('../commands/audit.ts')).showAudit,
    });
    addVerb<AuditOnOptions, []>(audit, run, {
      usage: 'on',
      summary: 'begin to record, for an auditor who can verify the log',
      options: [
        required(
          new Option('--auditor <recipient>', 'the recipient of the auditor, whose identity can verify the log'),
        ),
        new Option('--fail-closed', 'refuse a call that cannot be recorded, and wait for each entry'),
      ],
      notes: `The auditor creates an identity with securestore identity new, keeps its file, and gives you the recipient.`,
      examples: ['securestore audit on --auditor RECIPIENT'],
      load: async () => (await import('../commands/audit.ts')).auditOn,
    });
    addVerb(audit, run, {
      usage: 'off',
      summary: 'stop recording; the log stays',
      examples: ['securestore audit off'],
      load: async () => (await import('../commands/audit.ts')).auditOff,
    });
    addReaders(audit, run);
  });
}
