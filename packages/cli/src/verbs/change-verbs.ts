import { type Command, Option } from 'commander';
import { addNoun, addVerb, type Run } from '../call.ts';
import type { MetaOptions } from '../commands/meta.ts';
import { collect } from '../global-options.ts';

function addMeta(program: Command, run: Run): void {
  const noun = {
    name: 'meta',
    summary: 'show or change the metadata of an object',
    notes: `Metadata are names with values, encrypted as the data are. Neither action reads or writes the data.

Examples:
  securestore meta get db/prod/password owner
  securestore meta set db/prod/password owner=ops --remove ticket`,
  };
  addNoun(program, run, noun, (meta) => {
    addVerb<object, [string, string | undefined]>(meta, run, {
      usage: 'get <key> [name]',
      summary: 'print all metadata of an object, or one value alone',
      load: async () => (await import('../commands/meta.ts')).getMeta,
    });
    addVerb<MetaOptions, [string, string[]]>(meta, run, {
      usage: 'set <key> [values...]',
      shownUsage: '[options] <key> [NAME=VALUE...]',
      summary: 'change some names of the metadata of an object',
      options: [new Option('--remove <name>', 'remove this name; may be repeated').argParser(collect)],
      notes: `Values are stored as strings. The data, the expiry and all other names stay. If another writer changes the object
meanwhile, the change is made again on the new version.`,
      resume: '`securestore meta get KEY` shows whether it was changed',
      load: async () => (await import('../commands/meta.ts')).setMeta,
    });
  });
}

/** Adds the verbs that make, rename and change objects beyond storing what they are given. */
export function addChangeVerbs(program: Command, run: Run): void {
  program.commandsGroup('Objects:');
  for (const add of [addMeta]) add(program, run);
}
