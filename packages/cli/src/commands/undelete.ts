import type { Command } from 'commander';
import { addVerb, type Run } from '../call.ts';
import { formatSize, infoRecord } from '../object-text.ts';
import { withStore } from '../open.ts';
import { printable } from '../terminal-text.ts';

/** Adds `undelete`. */
export function addUndelete(program: Command, run: Run): void {
  addVerb<object, [string]>(program, run, {
    usage: 'undelete <key>',
    summary: 'bring back the newest version of a deleted object',
    resume: '`securestore info KEY` shows whether it is back',
    run: (call, key) =>
      withStore(call, async (store) => {
        const info = await store.undelete(key, { signal: call.cli.signal });
        await call.out.result(
          infoRecord(info),
          () => `brought back ${printable(key)}, ${formatSize(info.size)}, version ${info.version}`,
        );
      }),
  });
}
