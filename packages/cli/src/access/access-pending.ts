import { FOLLOWING } from './access-text.ts';
import type { Call, ExitCode } from '../call/call.ts';
import { SOME_FAILED } from '../call/call.ts';
import { printable } from '../terminal/terminal-text.ts';

/** Says when a change of who may do what counts, and what it did not reach. @returns the exit code */
export function sayWhereItCounts({ out }: Call, pending: readonly string[]): ExitCode {
  out.note(FOLLOWING);
  for (const url of pending) out.note(`backups not reached: ${printable(url)}`);
  if (pending.length === 0) return 0;
  out.note(
    'a store that is restored from there gives access as it was before: once they can be reached, run securestore backup with each, ' +
      'or leave a process that has the store open to it, such as securestore serve',
  );
  return SOME_FAILED;
}
