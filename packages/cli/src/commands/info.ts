import type { Command } from 'commander';
import { addVerb, type Run } from '../call.ts';
import { infoLines, infoRecord } from '../object-text.ts';
import { withStore } from '../open.ts';

/** Adds `info`. */
export function addInfo(program: Command, run: Run): void {
  addVerb<object, [string]>(program, run, {
    usage: 'info <key>',
    summary: 'show what is known of an object beside its data',
    run: (call, key) =>
      withStore(call, async (store) => {
        const info = await store.info(key, { signal: call.cli.signal });
        await call.out.result(infoRecord(info), () => infoLines(info));
      }),
  });
}
