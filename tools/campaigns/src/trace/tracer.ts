import { spawnSync } from 'node:child_process';

/** Why no system calls can be traced here; `undefined` if they can. */
export const NO_TRACER: string | undefined =
  spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0 ? undefined : 'it needs a working strace';

/** A system call that succeeded. */
export interface Call {
  readonly name: string;
  /** As the tracer writes them. */
  readonly args: string;
  /** As the tracer writes it: a number, and what that stands for. */
  readonly result: string;
  /** In seconds since 1970, if the tracer was asked for it. */
  readonly time: number;
  /** When it began and ended, by the lines of the trace. Other threads make calls in between. */
  readonly begun: number;
  readonly ended: number;
}

/**
 * The calls in what `strace -f` writes to a file, in the order in which they took effect: a descriptor is free for another thread when closing
 * it begins. Threads are told apart by their ids.
 */
export function callsOf(log: string): Call[] {
  const pending = new Map<string, { readonly text: string; readonly begun: number }>();
  const calls: Call[] = [];
  for (const [ended, line] of log.split('\n').entries()) {
    const [, thread = '', time, text = ''] = /^(\d+) +(\d+\.\d+ )?(.*)$/.exec(line) ?? [];
    if (text.endsWith('<unfinished ...>')) {
      pending.set(thread, { text: text.slice(0, -'<unfinished ...>'.length), begun: ended });
      continue;
    }
    const rest = /^<\.\.\. \w+ resumed>(.*)$/.exec(text)?.[1];
    const before = rest === undefined ? undefined : pending.get(thread);
    const [, name, args = '', result = ''] =
      /^(\w+)\((.*)\) += +(.*)$/.exec(`${before?.text ?? ''}${rest ?? text}`) ?? [];
    if (name === undefined || /^[-?]/.test(result)) continue;
    calls.push({ name, args: args.trim(), result, time: Number(time), begun: before?.begun ?? ended, ended });
  }
  const at = ({ name, begun, ended }: Call): number => (name === 'close' ? begun : ended);
  return calls.toSorted((one, other) => at(one) - at(other));
}
