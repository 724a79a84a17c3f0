import { type Command, Option } from 'commander';
import { addVerb, type Run } from '../call/call.ts';
import { collect } from '../options/global-options.ts';
import type { MigrateOptions } from '../commands/migrate.ts';
import { renamed } from '../options/old-spelling.ts';

function migrateOptions(): Option[] {
  return [
    new Option('--copy-only', 'copy and compare, and do not migrate; a later run copies only what has changed'),
    new Option('--partial', 'migrate although something in the store is damaged; damaged items stay as they are'),
    ...renamed(
      new Option(
        '--replicate-back',
        'after the migration, replicate every change back to the source until interrupted',
      ),
      '--keep',
    ),
    ...renamed(
      new Option('--reencrypt', 'make the target another store, with another unlock secret and other encryption keys'),
      '--reseal',
    ),
    new Option('--suite <n>', 'with --reencrypt: 1: AES-256-GCM; 2: XChaCha20-Poly1305').choices(['1', '2']),
    new Option('--names <mode>', 'with --reencrypt: whether the backend sees names encrypted or plain').choices([
      'encrypted',
      'plain',
    ]),
    ...renamed(
      new Option(
        '--define-category <name=pattern>',
        'with --reencrypt: all categories of the new store; may be repeated (default: those of the source)',
      ).argParser(collect),
      '--category <name=pattern>',
    ),
    new Option('--new-passphrase-file <file>', 'with --reencrypt: a file that holds the new passphrase'),
    new Option(
      '--new-passphrase-command <command>',
      'with --reencrypt: a command that writes the new passphrase to stdout, run by the shell',
    ),
    new Option('--new-key-file <file>', 'with --reencrypt: the new key file, which is created if it is missing'),
    new Option('--cancel', 'cancel the migration; the store stays at the source'),
    ...renamed(
      new Option('--fail-back', 'if the target is lost, open the source again, as it was when it was migrated'),
      '--lost',
    ),
    ...renamed(new Option('--finalize', 'after a migration, stop keeping changes for a way back'), '--retire'),
  ];
}

/** Adds the verb that migrates a store. */
export function addMigrateVerb(program: Command, run: Run): void {
  program.commandsGroup('Migration:');
  addVerb<MigrateOptions, [string | undefined, string | undefined]>(program, run, {
    usage: 'migrate [from] [to]',
    shownUsage: '[from] <to> [options]',
    summary: 'migrate a store to another backend while it is in use',
    options: migrateOptions(),
    notes: `Everything is copied as it is encrypted, and changes that are made meanwhile are copied too. Then both sides are
compared, and the store is closed for less than a second and opened at the target. Programs that have it open continue at
the target if their option "migrationTargets", or --follow-to of serve, names that store URL; other programs get an error
that names the target. Migrating back is the same with source and target exchanged, and copies only what has changed since.

With --reencrypt nothing that was encrypted before is at the target, and no program follows. Use it if an attacker may have
got encryption keys, or for another suite. Versions, times and the access policy stay; members, backups and API tokens have
to be created again. Without --reencrypt, the same unlock secrets unlock the store at the target.

Without <from> the source is the store of --store, $SECURESTORE_URL or the configuration file. --cancel, --fail-back and
--finalize take the URL of one store. Credentials for a backend come from where its provider looks for them.

Exit code 8 if something is damaged, missing or too large for the target; each failure is one line.`,
    examples: [
      'securestore migrate sqlite:./vault.db file:./new-vault',
      'securestore migrate file:./new-vault --finalize',
    ],
    resume: (first, second) => [
      { text: 'the store is still at the source; to resume the migration', again: true },
      {
        text: 'to cancel the migration',
        on: ['migrate', ...(first === undefined || second === undefined ? [] : [first])],
        options: { cancel: true },
      },
    ],
    load: async () => (await import('../commands/migrate.ts')).migrate,
  });
}
