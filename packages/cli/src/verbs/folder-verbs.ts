import { type Command, Option } from 'commander';
import { addVerb, type Run } from '../call/call.ts';
import { collect } from '../options/global-options.ts';
import type { ExecOptions } from '../object/exec-scope.ts';
import type { ExportOptions } from '../commands/export.ts';
import type { ImportOptions } from '../commands/import.ts';

function formatOption(): Option {
  const option = new Option('--format <format>', 'what it is; by default what is there, or what its name says');
  return option.choices(['folder', 'env', 'json']);
}

function addImport(program: Command, run: Run): void {
  addVerb<ImportOptions, [string]>(program, run, {
    usage: 'import <path>',
    summary: 'store the files below a folder, or what a .env or JSON file says',
    options: [
      new Option('--prefix <prefix>', 'the folder in the store to put them under'),
      formatOption(),
      new Option('--dry-run', 'store nothing; count what would be created, replaced and left as it is'),
    ],
    notes: `What is identical already is passed over, so an import can be repeated or continued. What has changed keeps the
metadata and expiry of its object.

A folder: keys are the paths relative to it. Symbolic links are not followed. A file NAME.securestore.json written by
export --metadata gives the metadata of NAME.

A .env file (.env, *.env, .env.*): each variable is an object of its name, of several of one name the last one.
A JSON file (*.json): {"db": {"password": "s3cr3t"}} is the object db/password. A text is stored as that text, a number,
list, true, false, null or empty object as its JSON. Both are UTF-8 and have 16 MiB at most; one that is not as its
format says is refused, and nothing of it stored.

Examples:
  securestore import ./secrets --prefix db/prod
  securestore import .env --prefix app`,
    resume: () => [{ text: 'to go on with what is left', again: true }],
    load: async () => (await import('../commands/import.ts')).importFrom,
  });
}

function addExport(program: Command, run: Run): void {
  addVerb<ExportOptions, [string]>(program, run, {
    usage: 'export <path>',
    summary: 'write the objects as files below a folder, or into a .env or JSON file',
    options: [
      new Option('--prefix <prefix>', 'only the objects below this folder in the store, named relative to it'),
      formatOption(),
      new Option('--metadata', 'write the metadata beside each file of a folder'),
    ],
    notes: `Files are readable by you alone (mode 0600) and replaced whole. What is identical already is passed over. What can't
be written is listed, with exit code 8, and the rest is.

A folder: nothing is written outside it: a symbolic link in the way is reported, as is an object whose name is also the
folder of others. With --metadata, NAME.securestore.json beside each file holds its metadata and expiry, and import
reads it back.

A .env file (.env, *.env, .env.*): NAME=value for each object. Names are taken as they are, and have only letters,
digits, _, . and -. Read it with node --env-file or such a library, not in a shell, which may run what is in a value.
A JSON file (*.json): the object db/password is {"db": {"password": "s3cr3t"}}.
Both hold only what is UTF-8, and 16 MiB at most. Where there is nothing to write, no file is.

Examples:
  securestore export ./out --metadata
  securestore export .env --prefix app`,
    resume: () => [{ text: 'to go on with what is left', again: true }],
    load: async () => (await import('../commands/export.ts')).exportTo,
  });
}

function addExec(program: Command, run: Run): void {
  addVerb<ExecOptions, [string, string[]]>(program, run, {
    usage: 'exec <command> [args...]',
    shownUsage: '[options] -- <command> [args...]',
    summary: 'run a command with objects as environment variables',
    options: [
      new Option('--env <name=key>', 'a variable, and the object that it gets; may be repeated').argParser(collect),
      new Option('--prefix <prefix>', 'the objects below this folder in the store, named relative to it').conflicts(
        'all',
      ),
      new Option('--all', 'all objects of the store'),
      new Option(
        '--variables <names>',
        'with --prefix or --all: the variables that these objects may become, such as API_KEY,APP_*; may be repeated',
      ).argParser(collect),
    ],
    notes: `Which variables the command gets is said here, and never by the names of objects: whoever may write an object must not
choose what a program does. --env names each variable with its object, and may replace one that is set.

With --prefix or --all each object is the variable of its name relative to the prefix in upper case, with _ for everything
but letters and digits: db/prod/api-key is API_KEY with --prefix db/prod, and DB_PROD_API_KEY with --all. If --variables
does not name one, or it is set already, the command is not started, and every such object is listed.

Nothing is put among the arguments, and the command does not see $SECURESTORE_... of this program. The exit code is the
command's; 127 if there is no such command, 126 if it cannot be run.

Examples:
  securestore exec --env DATABASE_URL=prod/database-url --env API_KEY=prod/api-key -- npm start
  securestore exec --prefix db/prod --variables PASSWORD,USER_NAME -- ./migrate --verbose`,
    passThrough: true,
    load: async () => (await import('../commands/exec.ts')).exec,
  });
}

/** Adds the verbs between a store and the machine around it. */
export function addFolderVerbs(program: Command, run: Run): void {
  program.commandsGroup('Folders and programs:');
  for (const add of [addImport, addExport, addExec]) add(program, run);
}
