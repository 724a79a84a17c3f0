import { type Command, Option } from 'commander';
import { addVerb, type Run } from '../call.ts';
import { collect } from '../global-options.ts';
import type { MigrateOptions } from '../commands/migrate.ts';

/** Adds the verb that moves a store. */
export function addMigrateVerb(program: Command, run: Run): void {
  program.commandsGroup('Migration:');
  addVerb<MigrateOptions, [string | undefined, string | undefined]>(program, run, {
    usage: 'migrate [from] [to]',
    shownUsage: '[from] <to> [options]',
    summary: 'move a store to another backend while it is in use',
    options: [
      new Option(
        '--copy-only',
        'copy and compare, and leave the store where it is; later it takes only what has changed',
      ),
      new Option('--partial', 'move the store though something in it is damaged, which stays as it is'),
      new Option('--keep', 'after the move, go on bringing what changes to the old place until interrupted'),
      new Option('--reseal', 'seal everything anew at the new place, as another store with another secret and keys'),
      new Option('--suite <suite>', 'with --reseal: with which algorithms').choices(['1', '2']),
      new Option('--names <how>', 'with --reseal: whether the new place sees names').choices(['encrypted', 'plain']),
      new Option(
        '--category <name=pattern>',
        'with --reseal: all categories of the new store; may be repeated. By default those that there are',
      ).argParser(collect),
      new Option('--new-passphrase-file <file>', 'with --reseal: a file that holds the new passphrase'),
      new Option(
        '--new-passphrase-command <command>',
        'with --reseal: a command that writes the new passphrase to stdout, run by the shell',
      ),
      new Option('--new-key-file <file>', 'with --reseal: the new key file, made if it is missing'),
      new Option('--cancel', 'give up moving the store'),
      new Option(
        '--lost',
        'open the store again where it was, as it was then, where the place that it has moved to is lost',
      ),
      new Option('--retire', 'of a store that has moved: keep nothing for the way back any more'),
    ],
    notes: `Everything is copied as it is sealed, what changes meanwhile is followed, both sides are compared, and the store is closed for
less than a second to be opened at the new place. Programs that have it open go on there by themselves where their option
"follow" names that location; others are told where it is. Moving back is the same the other way round, and takes only what
has changed since.

With --reseal nothing that was sealed before is at the new place, and no program follows: for when keys may have got into wrong
hands, or for other algorithms. Versions, times and the access policy stay; members, backups and API tokens are to be made anew.

Without <from> the store is that of --store, $SECURESTORE_URL or the configuration file; --cancel and --retire take it alone.

Otherwise the secrets of the store open it at the new place too. Credentials for a place come from where its provider looks for them.

Exit code 8 where something is damaged, missing or too large for the new place; each is one line.

Examples:
  securestore migrate sqlite:./vault.db postgres://db.internal/vault
  securestore migrate postgres://db.internal/vault sqlite:./vault.db`,
    resume: (first, second) => [
      { text: 'the store is still where it was; to go on', again: true },
      {
        text: 'to give the migration up',
        on: ['migrate', ...(first === undefined || second === undefined ? [] : [first])],
        options: { cancel: true },
      },
    ],
    load: async () => (await import('../commands/migrate.ts')).migrate,
  });
}
