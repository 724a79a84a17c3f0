import { type Command, Option } from 'commander';
import { addVerb, type Run } from '../call/call.ts';
import { collect } from '../options/global-options.ts';
import type { GetOptions } from '../commands/get.ts';
import type { HistoryOptions } from '../commands/history.ts';
import type { InitOptions } from '../commands/init.ts';
import type { LsOptions } from '../commands/ls.ts';
import type { PutOptions } from '../commands/put.ts';
import type { RmOptions } from '../commands/rm.ts';
import type { UndeleteOptions } from '../commands/undelete.ts';
import { renamed } from '../options/old-spelling.ts';

function ifVersion(): Option {
  return new Option('--if-version <version>', 'only if this is the current version');
}

function addInit(program: Command, run: Run): void {
  addVerb<InitOptions, [string | undefined]>(program, run, {
    usage: 'init [url]',
    summary: 'create a store (default: at --store)',
    options: [
      ...renamed(
        new Option(
          '--define-category <name=pattern>',
          'encryption keys of their own for objects whose keys match; may be repeated',
        ).argParser(collect),
        '--category <name=pattern>',
      ),
      new Option('--names <mode>', 'whether the backend sees names encrypted or plain (default: encrypted)').choices([
        'encrypted',
        'plain',
      ]),
      new Option('--history-versions <n>', 'how many older versions of each object to keep (default: 10)'),
      new Option('--history-days <n>', 'how many days to keep older versions (default: 30)'),
      new Option(
        '--rotation-days <n>',
        'the age at which programs that stay open create new encryption keys (default: never)',
      ),
      new Option('--suite <n>', '1: AES-256-GCM (the default); 2: XChaCha20-Poly1305').choices(['1', '2']),
    ],
    notes: `With --key-file FILE the store is unlocked by that file, which is created if it is missing. On a terminal, and without
an unlock secret, a generated passphrase is offered: press Enter to take it, or type your own.

A lost passphrase or key file cannot be recovered, and without it the store cannot be decrypted.`,
    examples: [
      'securestore init sqlite:./vault.db',
      "securestore init file:./vault --key-file ./key --define-category 'prod=p/**'",
    ],
    load: async () => (await import('../commands/init.ts')).init,
  });
}

function addPut(program: Command, run: Run): void {
  addVerb<PutOptions, [string, string | undefined]>(program, run, {
    usage: 'put <key> [file]',
    summary: 'store an object from a file, stdin (-) or a prompt',
    options: [
      new Option(
        '--meta <name=value>',
        'metadata, which replace all metadata of the object; may be repeated',
      ).argParser(collect),
      new Option('--if-absent', 'only if the object does not exist').conflicts(['ifVersion', 'ifDamaged']),
      ifVersion(),
      new Option('--if-damaged', 'replace a damaged record, and keep its history').conflicts('ifVersion'),
      new Option('--expires <time>', 'when the object expires: ISO 8601, or how long from now, such as 12h or 30d'),
      new Option('--keep-meta', 'keep the metadata and expiry of the object that is replaced').conflicts([
        'meta',
        'ifAbsent',
        'ifDamaged',
      ]),
    ],
    notes: `Replacing an object drops its metadata and its expiry, and reports that. --meta and --expires give new ones. --keep-meta
keeps both, or with --expires the metadata alone; it fails if another writer changes the object meanwhile.

Without a file the data comes from stdin. On a terminal you are asked for one line, which is not shown.`,
    examples: [
      'printf %s "$TOKEN" | securestore put ci/token --meta owner=ops --expires 30d',
      'securestore put images/disk.img ./disk.img',
    ],
    resume: (key) => [{ text: 'to see whether it was stored', on: ['info', key] }],
    load: async () => (await import('../commands/put.ts')).put,
  });
}

function addGet(program: Command, run: Run): void {
  addVerb<GetOptions, [string]>(program, run, {
    usage: 'get <key>',
    summary: 'retrieve an object to stdout or a file',
    options: [
      new Option('-o, --output <file>', 'write to this file, replacing it whole; - is stdout, also on a terminal'),
      ...renamed(
        new Option('--version-id <version>', 'this version instead of the current one').conflicts('at'),
        '--version <version>',
      ),
      new Option('--at <time>', 'the version that was current then: ISO 8601, or how long ago, such as 24h'),
      new Option('--range <start:end>', 'only these bytes, the end exclusive; either side may be left out'),
    ],
    notes: `The data is written to stdout unchanged, or into a file that only you may read (mode 0600). With --json and no file, one
line has the version, size, times and metadata of the object, and its data as "utf8" or "base64".`,
    examples: ['securestore get db/prod/password', 'securestore get images/disk.img -o ./disk.img'],
    resume: () => [{ text: 'a file given with -o is unchanged; to try again', again: true }],
    load: async () => (await import('../commands/get.ts')).get,
  });
}

function addInfo(program: Command, run: Run): void {
  addVerb<object, [string]>(program, run, {
    usage: 'info <key>',
    summary: 'show the version, size, times and metadata of an object',
    examples: ['securestore info db/prod/password'],
    load: async () => (await import('../commands/info.ts')).info,
  });
}

function addHistory(program: Command, run: Run): void {
  addVerb<HistoryOptions, [string]>(program, run, {
    usage: 'history <key>',
    summary: 'list the retained versions of an object, newest first',
    options: [
      new Option('--backup <destination>', 'also list the versions in a backup, and how long each was the current one'),
    ],
    notes: `To retrieve a version: securestore get KEY --version-id VERSION. After a purge, one line shows the purge until garbage
collection removes it.`,
    examples: ['securestore history db/prod/password'],
    load: async () => (await import('../commands/history.ts')).history,
  });
}

function addLs(program: Command, run: Run): void {
  addVerb<LsOptions, [string | undefined]>(program, run, {
    usage: 'ls [prefix]',
    summary: 'list the keys of the objects, one a line',
    options: [
      new Option('-l, --long', 'a table with size, times and category').conflicts('tree'),
      new Option('--tree', 'folders with the number and size of the objects in each'),
      // As export and find have it.
      new Option('--prefix <prefix>').hideHelp(),
    ],
    notes: `The prefix is the beginning of a key and need not be a folder: db/pr lists db/prod/password too. The number of keys is
printed last, on stderr. An expired object may be listed until garbage collection removes it. With --long --json, the
lines are printed as they are read, and not in the order of the keys.`,
    examples: ['securestore ls db/ --long', 'securestore ls --tree'],
    load: async () => (await import('../commands/ls.ts')).ls,
  });
}

function addRm(program: Command, run: Run): void {
  addVerb<RmOptions, [string]>(program, run, {
    usage: 'rm <key>',
    summary: 'delete an object; its history is kept, and undelete restores it',
    options: [ifVersion()],
    examples: ['securestore rm db/test/password'],
    resume: (key) => [{ text: 'to see whether the object still exists', on: ['info', key] }],
    load: async () => (await import('../commands/rm.ts')).rm,
  });
}

function addPurge(program: Command, run: Run): void {
  addVerb<object, [string]>(program, run, {
    usage: 'purge <key>',
    summary: 'destroy an object with its history; asks, or needs --yes',
    examples: ['securestore purge db/test/password'],
    resume: () => [{ text: 'to finish it', again: true }],
    load: async () => (await import('../commands/purge.ts')).purge,
  });
}

function addUndelete(program: Command, run: Run): void {
  addVerb<UndeleteOptions, [string]>(program, run, {
    usage: 'undelete <key>',
    summary: 'restore the newest version of a deleted object',
    options: [new Option('--version-id <version>', 'this version instead of the newest one')],
    notes: `An object whose newest version was lost, and not deleted, is refused: restore it from a backup, or name with --version-id
the older version that is to be current.`,
    examples: ['securestore undelete db/test/password'],
    resume: (key) => [{ text: 'to see whether it was restored', on: ['info', key] }],
    load: async () => (await import('../commands/undelete.ts')).undelete,
  });
}

/** Adds the verbs that create a store and work on one object, or list them. */
export function addObjectVerbs(program: Command, run: Run): void {
  program.commandsGroup('Objects:');
  for (const add of [addInit, addPut, addGet, addInfo, addHistory, addLs, addRm, addPurge, addUndelete]) {
    add(program, run);
  }
}
