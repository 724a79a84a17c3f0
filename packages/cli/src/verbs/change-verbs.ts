import { type Command, Option } from 'commander';
import { addNoun, addVerb, type Noun, type Run } from '../call/call.ts';
import type { CopyOptions } from '../commands/copy.ts';
import type { EditOptions } from '../commands/edit.ts';
import type { GenerateOptions } from '../commands/generate.ts';
import type { MetaOptions } from '../commands/meta.ts';
import { collect } from '../options/global-options.ts';
import type { OwnHint } from '../errors/hints.ts';
import { renamed } from '../options/old-spelling.ts';

function addMeta(program: Command, run: Run): void {
  const noun: Noun = {
    name: 'meta',
    summary: 'show or change the metadata of an object',
    notes: `Metadata are names with values, encrypted like the data. Neither action reads or writes the data.`,
    examples: ['securestore meta get db/prod/password'],
  };
  addNoun(program, run, noun, (meta) => {
    addVerb<object, [string, string | undefined]>(meta, run, {
      usage: 'get <key> [name]',
      aliases: ['list'],
      summary: 'print all metadata of an object, or one value alone',
      examples: ['securestore meta get db/prod/password owner'],
      load: async () => (await import('../commands/meta.ts')).getMeta,
    });
    addVerb<MetaOptions, [string, string[]]>(meta, run, {
      usage: 'set <key> [values...]',
      shownUsage: '[options] <key> [NAME=VALUE...]',
      summary: 'set or remove single names of the metadata of an object',
      options: renamed(
        new Option('--unset <name>', 'remove this name; may be repeated').argParser(collect),
        '--remove <name>',
      ),
      notes: `Values are stored as strings. The data, the expiry and all other names stay. If another writer changes the object
meanwhile, the change is made again on the new version.`,
      examples: ['securestore meta set db/prod/password owner=ops --unset ticket'],
      resume: (key) => [{ text: 'to see whether it was changed', on: ['meta', 'get', key] }],
      load: async () => (await import('../commands/meta.ts')).setMeta,
    });
  });
}

function copyOptions(): Option[] {
  return [
    new Option('--overwrite', 'replace an object that exists under the new key; its history stays'),
    ...renamed(
      new Option('-r, --recursive', 'both are folders: every key below the first, as if each ended with /'),
      '--prefix',
    ),
  ];
}

const resume = (): OwnHint[] => [{ text: 'to resume with the remaining keys', again: true }];

function addCp(program: Command, run: Run): void {
  addVerb<CopyOptions, [string, string]>(program, run, {
    usage: 'cp <from> <to>',
    summary: 'copy an object, or all keys below a folder, with metadata and expiry',
    options: copyOptions(),
    notes: `The current version is copied, and encrypted again for the category of the new key; the history is not copied. An object
that exists under the new key is not replaced without --overwrite. If it has the same content already, it stays as it is.

If FROM ends with /, or with --recursive, every key below FROM is copied below TO. Exit code 8 if some could not be
copied. If only TO ends with /, the object keeps the last part of its key.`,
    examples: ['securestore cp db/prod/password db/test/copy', 'securestore cp app/v1/ app/v2/'],
    resume,
    load: async () => (await import('../commands/copy.ts')).cp,
  });
}

function addMv(program: Command, run: Run): void {
  addVerb<CopyOptions, [string, string]>(program, run, {
    usage: 'mv <from> <to>',
    summary: 'rename an object, or all keys below a folder, with metadata and expiry',
    options: copyOptions(),
    notes: `Each object is copied as by cp. Then its old key is deleted, if it still has the version that was copied. The history
stays with the old key: securestore history FROM lists it, undelete restores the object there, and only purge destroys it.

If FROM ends with /, or with --recursive, every key below FROM is moved below TO. Exit code 8 if some could not be moved.`,
    examples: ['securestore mv db/test/password db/test/secret', 'securestore mv app/v1/ app/v0/'],
    resume,
    load: async () => (await import('../commands/copy.ts')).mv,
  });
}

function addEdit(program: Command, run: Run): void {
  addVerb<EditOptions, [string]>(program, run, {
    usage: 'edit <key>',
    summary: 'edit the text of an object with $VISUAL or $EDITOR',
    options: [
      new Option(
        '--allow-disk',
        'allow the text to be on a disk while it is edited, if there is no file system in memory',
      ),
    ],
    notes: `Stores the text if it was changed, with the metadata and expiry of the object. The text must be UTF-8 of at most 1 MiB.
If another writer changed the object meanwhile, or the text cannot be stored, you are asked what to do with your text. If
the text had no newline at its end, the one that editors add there is removed.

The editor gets a file in a file system in memory (/dev/shm, or $XDG_RUNTIME_DIR), in a folder that only you may enter.
At the end the folder is overwritten and removed, with the swap and backup files in it; after kill -9 it remains. Memory
can be swapped to disk. What an editor writes elsewhere, such as its own history, remains; vim -n -i NONE writes none.
Without such a file system the command needs --allow-disk; on a disk the text may remain readable after its removal.

An editor with a window of its own must wait until the file is closed, such as EDITOR='code --wait'.`,
    examples: ['securestore edit app/config.json', "EDITOR='vim -n -i NONE' securestore edit app/config.json"],
    load: async () => (await import('../commands/edit.ts')).edit,
  });
}

function addGenerate(program: Command, run: Run): void {
  addVerb<GenerateOptions, [string]>(program, run, {
    usage: 'generate <key>',
    summary: 'store a random secret without showing it',
    options: [
      new Option(
        '--length <n>',
        'how many characters, from 1 to 1024 (default: 32); with --words how many words, from 1 to 64 (default: 8)',
      ),
      new Option('--charset <set>', 'alnum: A-Z a-z 0-9 (the default); symbols: those and punctuation').choices([
        'alnum',
        'hex',
        'base64url',
        'symbols',
      ]),
      new Option('--words', 'a passphrase of English words with hyphens between them, 11 bits each').conflicts(
        'charset',
      ),
      new Option('--show', 'print the secret to stdout'),
      new Option('--overwrite', 'replace an object that exists; its metadata, expiry and history stay'),
    ],
    notes: `Every character, or word, is equally likely. The punctuation of symbols has no space, quote, backslash, ! or $. An object that
exists is not replaced without --overwrite.`,
    examples: [
      'securestore generate api/key --length 64 --charset hex',
      'securestore generate backup/passphrase --words --show',
    ],
    resume: (key) => [{ text: 'to see whether it was stored', on: ['info', key] }],
    load: async () => (await import('../commands/generate.ts')).generate,
  });
}

/** Adds the verbs that create, rename and change objects beyond storing what they are given. */
export function addChangeVerbs(program: Command, run: Run): void {
  program.commandsGroup('Objects:');
  for (const add of [addMeta, addCp, addMv, addEdit, addGenerate]) add(program, run);
}
