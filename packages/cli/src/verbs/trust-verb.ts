import { type Command, Option } from 'commander';
import { addVerb, type Run } from '../call/call.ts';
import type { TrustOptions } from '../commands/trust.ts';

/** Adds what says that a folder may run code. */
export function addTrustVerb(program: Command, run: Run): void {
  program.commandsGroup('This machine:');
  addVerb<TrustOptions, [string | undefined]>(program, run, {
    usage: 'trust [folder]',
    summary: 'let a folder (default: this one) run its configuration and backends',
    options: [
      new Option('--remove', 'take it back').conflicts('list'),
      new Option('--list', 'list the folders that are trusted'),
    ],
    notes: `A securestore.config.js or .ts, and a backend in the node_modules of a folder, are programs that run with your secrets. They
run only in a folder that you trust: look at them, then run this command there. It prints what it lets in. Backends of
securestore that are installed beside this program need no trust, nor does a securestore.config.json without them.

Trust is for one folder, and for these files as they are: if the configuration, or the package.json of a backend, changes,
the command has to be run again. The code of a backend and what a configuration imports are not compared. What is trusted
is kept in $XDG_CONFIG_HOME/securestore/trust, by default ~/.config/securestore/trust. Nothing is ever asked.

Examples:
  securestore trust
  securestore trust --remove ~/projects/old`,
    load: async () => (await import('../commands/trust.ts')).trust,
  });
}
