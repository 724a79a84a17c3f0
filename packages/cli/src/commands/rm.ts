import { SecureStoreError } from '@securestore/core-format';
import type { Command } from 'commander';
import { addVerb, type Run } from '../call.ts';
import { withStore } from '../open.ts';
import { printable } from '../terminal-text.ts';

/** Adds `rm`. */
export function addRm(program: Command, run: Run): void {
  addVerb<object, [string]>(program, run, {
    usage: 'rm <key>',
    summary: 'delete an object; its history is kept, and undelete brings it back',
    resume: '`securestore info KEY` shows whether it is still there',
    run: (call, key) =>
      withStore(call, async (store) => {
        if (!(await store.delete(key, { signal: call.cli.signal }))) {
          throw new SecureStoreError('NOT_FOUND', 'there is no such object to delete', { key, operation: 'rm' });
        }
        await call.out.result(
          { key, deleted: true },
          () => `deleted ${printable(key)}; securestore undelete brings it back`,
        );
      }),
  });
}
