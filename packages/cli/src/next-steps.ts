import { shellCommand } from '@securestore/protocol';
import type { GlobalOptions } from './global-options.ts';
import { carried, type Hint } from './hints.ts';

/** What to do with a store that was just created, with the options that it was created with. */
export function nextSteps(options: GlobalOptions, operand: string | undefined): Hint[] {
  const opening = { ...carried(options), store: operand ?? options.store };
  const command = (...operands: string[]): string => shellCommand({ operands, options: opening });
  return [
    { text: 'store a first secret', command: command('put', 'db/password') },
    { text: 'list what is stored', command: command('ls') },
    { text: 'back up', command: command('backup', 'file:FOLDER') },
  ];
}
