import { type Command, Option } from 'commander';
import { addVerb, type Run } from '../call/call.ts';
import { collect } from '../options/global-options.ts';
import type { ExecOptions } from '../object/exec-scope.ts';
import type { ExportOptions } from '../commands/export.ts';
import type { ImportOptions } from '../commands/import.ts';

function formatOption(): Option {
  const option = new Option(
    '--format <format>',
    'the format (default: folder for a folder, else that of the name of the file)',
  );
  return option.choices(['folder', 'env', 'json']);
}

function addImport(program: Command, run: Run): void {
  addVerb<ImportOptions, [string]>(program, run, {
    usage: 'import <path>',
    summary: 'store the files below a folder, or the values of a .env or JSON file',
    options: [
      new Option('--prefix <prefix>', 'the folder in the store for the new objects'),
      formatOption(),
      new Option('--dry-run', 'store nothing; list what would be created and replaced'),
    ],
    notes: `Identical objects are skipped, so an import can be repeated or resumed. Objects that are replaced keep their metadata and
expiry.

A folder: keys are the paths relative to it. Symbolic links are not followed. A file NAME.securestore.json written by
export --metadata gives the metadata of NAME.

A .env file (.env, *.env, .env.*): each variable is an object under its name; of several with one name the last one counts.

A JSON file (*.json): {"db": {"password": "s3cr3t"}} is the object db/password. A text is stored as that text; a number,
list, true, false, null or empty object is stored as its JSON.

Both files must be UTF-8 of at most 16 MiB. A file that does not match its format is refused, and nothing of it is stored.`,
    examples: ['securestore import ./secrets --prefix db/prod', 'securestore import .env --prefix app'],
    resume: () => [{ text: 'to resume with the remaining files', again: true }],
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
      new Option('--metadata', 'write the metadata next to each file of a folder'),
    ],
    notes: `Files are readable by you alone (mode 0600) and replaced whole. Identical files are skipped. Objects that cannot be
written are listed, with exit code 8, and all others are written.

A folder: nothing is written outside it. A symbolic link in the way is reported, and so is an object whose key is also the
folder of other objects. With --metadata, NAME.securestore.json next to each file has its metadata and expiry, and import
reads it.

A .env file (.env, *.env, .env.*): NAME=value for each object. Keys become names unchanged, and must consist of letters,
digits, _, . and -. Read the file with node --env-file or such a library, not in a shell, which may run what is in a value.

A JSON file (*.json): the object db/password is {"db": {"password": "s3cr3t"}}.

Both files hold only UTF-8, and at most 16 MiB. If there is nothing to write, no file is written.`,
    examples: ['securestore export ./out --metadata', 'securestore export .env --prefix db/prod'],
    resume: () => [{ text: 'to resume with the remaining objects', again: true }],
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
    notes: `The options decide which variables the command gets, and never the keys of objects: a writer of objects must not
choose what a program does. --env names each variable with its object, and may replace a variable that is set.

With --prefix or --all each object becomes the variable of its key relative to the prefix in upper case, with _ for
everything except letters and digits: db/prod/api-key is API_KEY with --prefix db/prod, and DB_PROD_API_KEY with --all. If
--variables does not name a variable, or it is set already, the command is not started, and every such object is listed.

No value is put among the arguments, and the command does not see $SECURESTORE_... of this program. The exit code is that
of the command; 127 if the command does not exist, 126 if it cannot be run.`,
    examples: [
      'securestore exec --env DATABASE_PASSWORD=db/prod/password -- node server.js',
      'securestore exec --prefix db/prod --variables PASSWORD,USER_NAME -- ./migrate',
    ],
    passThrough: true,
    load: async () => (await import('../commands/exec.ts')).exec,
  });
}

/** Adds the verbs between a store and the machine around it. */
export function addFolderVerbs(program: Command, run: Run): void {
  program.commandsGroup('Folders and programs:');
  for (const add of [addImport, addExport, addExec]) add(program, run);
}
