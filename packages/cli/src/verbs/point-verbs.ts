import { type Command, Option } from 'commander';
import { addVerb, type Run } from '../call/call.ts';
import type { BrowseOptions, CompareOptions, FindOptions } from '../commands/points.ts';
import { AT } from './backup-verbs.ts';

function pointOptions(): Option[] {
  return [new Option('--at <time>', AT), new Option('--snapshot <number>', 'this snapshot')];
}

/** Adds the verbs that show earlier states of the store, and change nothing. */
export function addPointVerbs(program: Command, run: Run): void {
  addVerb<BrowseOptions, [string | undefined]>(program, run, {
    usage: 'browse [destination]',
    summary: 'list a folder at a recovery point of a backup, or without a destination as it is now',
    options: [...pointOptions(), new Option('--prefix <prefix>', 'the folder, such as db/prod/; by default the root')],
    notes: `The store has to exist; without it, use restore --folder or export. In a folder of more than 5,000 objects sizes are not
shown, since all of it would have to be read.`,
    examples: ['securestore browse file:./backup --prefix db/prod/'],
    load: async () => (await import('../commands/points.ts')).browse,
  });
  addVerb<FindOptions, [string, string | undefined]>(program, run, {
    usage: 'find <text> [destination]',
    summary: 'list keys that contain a text, in a backup or in the store, with those of deleted objects',
    options: [...pointOptions(), new Option('--prefix <prefix>', 'only keys that begin with this')],
    notes: `Upper and lower case are the same. A deleted object is found as long as its history is kept. The keys are sorted, at most
100,000 at a time.`,
    examples: ['securestore find password', 'securestore find password file:./backup --prefix db/'],
    load: async () => (await import('../commands/points.ts')).find,
  });
  addVerb<CompareOptions, [string]>(program, run, {
    usage: 'compare <destination>',
    summary: 'show what differs between a recovery point of a backup and another one, or the present state',
    options: [
      new Option('--from-at <time>', `of the first recovery point: ${AT}`),
      new Option('--from-snapshot <number>', 'the first recovery point: this snapshot'),
      new Option(
        '--to-at <time>',
        'the second recovery point, as --from-at; by default the present state of the store',
      ),
      new Option('--to-snapshot <number>', 'the second recovery point: this snapshot'),
      new Option('--prefix <prefix>', 'only keys that begin with this'),
    ],
    notes: `Each difference is one line: + added, - removed, ~ changed. The keys are sorted, at most 100,000 at a time.`,
    examples: ['securestore compare file:./backup --prefix db/', 'securestore compare file:./backup --from-snapshot 1'],
    load: async () => (await import('../commands/points.ts')).compare,
  });
  addVerb<object, [string]>(program, run, {
    usage: 'receipt <file>',
    summary: 'check the receipt of a restore or a drill: whether the store signed it, and its content',
    notes: `With --fingerprint the check needs neither the store nor an unlock secret: give others the receipt and the fingerprint, which
securestore init and securestore slot list print. Without it the store of --store is opened. Exit code 5 if that store did
not sign the receipt.`,
    examples: ['securestore receipt ./drill.receipt', 'securestore receipt ./drill.receipt --fingerprint FINGERPRINT'],
    load: async () => (await import('../commands/receipt.ts')).receipt,
  });
}
