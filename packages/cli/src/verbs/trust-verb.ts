import { type Command, Option } from 'commander';
import { addVerb, type Run } from '../call/call.ts';
import type { TrustOptions } from '../commands/trust.ts';

/** Adds what allows a folder to run code. */
export function addTrustVerb(program: Command, run: Run): void {
  program.commandsGroup('This machine:');
  addVerb<TrustOptions, [string | undefined]>(program, run, {
    usage: 'trust [folder]',
    summary: 'allow a folder (default: this one) to run its configuration and backends',
    options: [
      new Option('--remove', 'no longer trust the folder').conflicts('list'),
      new Option('--list', 'list the trusted folders'),
    ],
    notes: `A securestore.config.js or .ts, and a backend in the node_modules of a folder, are programs that run with your secrets. They
run only in a folder that you trust: read them, then run this command there. It prints what it allows. Backends of
securestore that are installed next to this program need no trust, nor does a securestore.config.json without them.

Trust is for one folder, and for these files as they are. If the configuration, or the package.json of a backend, changes,
run the command again. The code of a backend and the imports of a configuration are not compared. The list is kept in
$XDG_CONFIG_HOME/securestore/trust, by default ~/.config/securestore/trust. No command ever asks for trust.`,
    examples: ['securestore trust', 'securestore trust --remove ./old-project'],
    load: async () => (await import('../commands/trust.ts')).trust,
  });
}
