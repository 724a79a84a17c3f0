import { type Command, Option } from 'commander';
import { addVerb, type Run } from '../call/call.ts';
import type { BrowseOptions, CompareOptions, FindOptions } from '../commands/points.ts';

const AT = 'a moment, of which a second is meant to its end; the newest snapshot by default';

function pointOptions(): Option[] {
  return [new Option('--at <time>', AT), new Option('--snapshot <number>', 'this one')];
}

/** Adds the verbs that look at what the store was, and change nothing. */
export function addPointVerbs(program: Command, run: Run): void {
  addVerb<BrowseOptions, [string | undefined]>(program, run, {
    usage: 'browse [destination]',
    summary: 'list a folder as it was at a point of a backup, or without one as it is now',
    options: [...pointOptions(), new Option('--prefix <prefix>', 'the folder, such as db/prod/; by default the root')],
    notes: `The store has to be there: restore --folder and export look into a backup without it. In a folder of more than 5,000 sizes are
not told: that would mean to read all of it.`,
    load: async () => (await import('../commands/points.ts')).browse,
  });
  addVerb<FindOptions, [string, string | undefined]>(program, run, {
    usage: 'find <text> [destination]',
    summary: 'list names that have a text in them, in a backup or without one now, also of what was deleted',
    options: [...pointOptions(), new Option('--prefix <prefix>', 'only names that start with this')],
    notes:
      'Large and small letters are the same. What was deleted is known as long as its history is kept. In the order of names, 100,000 at a time.',
    load: async () => (await import('../commands/points.ts')).find,
  });
  addVerb<CompareOptions, [string]>(program, run, {
    usage: 'compare <destination>',
    summary: 'say what differs between a point of a backup and another one, or now',
    options: [
      new Option('--from-at <time>', `of the first point: ${AT}`),
      new Option('--from-snapshot <number>', 'the first point: this one'),
      new Option('--to-at <time>', 'the second point, as --from-at; by default the store as it is now'),
      new Option('--to-snapshot <number>', 'the second point: this one'),
      new Option('--prefix <prefix>', 'only names that start with this'),
    ],
    notes: 'Each difference is one line: + added, - removed, ~ changed. In the order of names, 100,000 at a time.',
    load: async () => (await import('../commands/points.ts')).compare,
  });
  addVerb<object, [string]>(program, run, {
    usage: 'receipt <file>',
    summary: 'check the receipt of a restore or a drill: whether the store has signed it, and what it says',
    notes: `The store is the one of --fingerprint, which then need not be there, or that of --store.
Exit code 5 where that store has not signed it.`,
    load: async () => (await import('../commands/receipt.ts')).receipt,
  });
}
