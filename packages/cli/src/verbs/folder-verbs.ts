import { type Command, Option } from 'commander';
import { addVerb, type Run } from '../call.ts';
import type { ExecOptions } from '../commands/exec.ts';
import type { ExportOptions } from '../commands/export.ts';
import type { ImportOptions } from '../commands/import.ts';

const GO_ON = 'run the same command again to go on, it passes over what is done';

function addImport(program: Command, run: Run): void {
  addVerb<ImportOptions, [string]>(program, run, {
    usage: 'import <dir>',
    summary: 'store the files below a folder',
    options: [new Option('--prefix <prefix>', 'the folder in the store to put them under')],
    notes: `Keys are the paths relative to the folder. What is identical already is passed over, so an import can be repeated
or continued. A changed file keeps the metadata and expiry of its object. Symbolic links are not followed. A file
NAME.securestore.json written by export --metadata gives the metadata of NAME.`,
    resume: GO_ON,
    load: async () => (await import('../commands/import.ts')).importInto,
  });
}

function addExport(program: Command, run: Run): void {
  addVerb<ExportOptions, [string]>(program, run, {
    usage: 'export <dir>',
    summary: 'write the objects as files below a folder',
    options: [
      new Option('--prefix <prefix>', 'only the objects below this folder in the store, named relative to it'),
      new Option('--metadata', 'write the metadata beside each file'),
    ],
    notes: `Files are readable by you alone (mode 0600) and replaced whole. What is identical already is passed over.
Nothing is written outside the folder: a symbolic link in the way is reported, as is an object whose name is also the
folder of others. With --metadata, NAME.securestore.json beside each file holds its metadata and expiry, and import
reads it back.`,
    resume: GO_ON,
    load: async () => (await import('../commands/export.ts')).exportFrom,
  });
}

function addExec(program: Command, run: Run): void {
  addVerb<ExecOptions, [string, string[]]>(program, run, {
    usage: 'exec <command> [args...]',
    shownUsage: '[options] -- <command> [args...]',
    summary: 'run a command with objects as environment variables',
    options: [new Option('--prefix <prefix>', 'only the objects below this folder in the store, named relative to it')],
    notes: `Each object below the prefix is an environment variable of the command: its name relative to the prefix in upper
case, with _ for everything but letters and digits. db/prod/password is PASSWORD with --prefix db/prod, and
DB_PROD_PASSWORD without. Nothing is put among the arguments, and the command does not see $SECURESTORE_...

The exit code is the command's; 127 where there is no such command, 126 where it can't be run.

Example:
  securestore exec --prefix db/prod -- ./migrate --verbose`,
    passThrough: true,
    load: async () => (await import('../commands/exec.ts')).exec,
  });
}

/** Adds the verbs between a store and the machine around it. */
export function addFolderVerbs(program: Command, run: Run): void {
  program.commandsGroup('Folders and programs:');
  for (const add of [addImport, addExport, addExec]) add(program, run);
}
