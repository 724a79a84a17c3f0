import { parseStoreKey, SecureStoreError } from '@securestore/core-format';
import type { Command } from 'commander';
import { addVerb, type Run } from '../call.ts';
import { withStore } from '../open.ts';
import { confirmDestruction } from '../prompt.ts';
import { printable } from '../terminal-text.ts';

/** Adds `purge`. */
export function addPurge(program: Command, run: Run): void {
  addVerb<object, [string]>(program, run, {
    usage: 'purge <key>',
    summary: 'destroy an object with its history; asks, or needs --yes',
    resume: 'run the command again to finish it',
    run: async (call, key) => {
      const { cli, out, options } = call;
      parseStoreKey(key);
      await confirmDestruction(cli, options.yes, `Destroy ${printable(key)} with all its versions, for good?`);
      await withStore(call, async (store) => {
        if (!(await store.purge(key, { signal: cli.signal }))) {
          throw new SecureStoreError('NOT_FOUND', 'there is nothing of that name to purge', {
            key,
            operation: 'purge',
          });
        }
        await out.result({ key, purged: true }, () => `purged ${printable(key)} and its history`);
      });
    },
  });
}
