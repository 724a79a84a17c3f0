import type { GlobalOptions } from '../options/global-options.ts';
import { shellWords } from '@securestore/protocol';
import { Commands, type Hint } from '../errors/hints.ts';

/** What to do with a store that was just created, with the options that it was created with. */
export function nextSteps(options: GlobalOptions, operand: string | undefined): Hint[] {
  const named = operand === undefined ? options : { ...options, store: operand };
  const commands = new Commands({ args: [], options: named });
  return [
    { text: 'store a first secret', command: commands.on(['put', 'db/password']) },
    { text: 'list what is stored', command: commands.on(['ls']) },
    { text: 'back up', command: commands.on(['backup', 'file:FOLDER']) },
  ];
}

/** How a shell is told of a store once and for all its commands; credentials in the store URL are for the person to write again. */
export function storeVariable(storeUrl: string): { readonly url: string; readonly command: string } {
  const url = new Commands({ args: [], options: { store: storeUrl } }).store ?? storeUrl;
  return { url, command: variableCommand('URL', url) };
}

/** The command that sets a variable of ours in a shell. */
export function variableCommand(name: 'URL' | 'KEY_FILE', value: string): string {
  return `export ${shellWords([`SECURESTORE_${name}=${value}`])}`;
}
