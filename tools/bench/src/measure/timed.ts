import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';

/** Measures the memory of whole processes, which Node can't do for its children: GNU time, `apt install time` on Debian. */
const TIME = '/usr/bin/time';

/** Whether {@link timed} can say how much memory a program held. */
export function measuresMemory(): boolean {
  return existsSync(TIME);
}

export interface Timed {
  readonly milliseconds: number;
  /** The most memory that the process held, in MB; undefined where {@link measuresMemory} says no. */
  readonly peak: number | undefined;
}

/** Runs a program to its end. @throws Error with what it said where it failed */
export async function timed(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Timed> {
  const [command, ...words] = measuresMemory()
    ? ([TIME, '-f', '%M', program, ...args] as const)
    : ([program, ...args] as const);
  const begun = performance.now();
  const child = spawn(command, words, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-1000)));
  const [code] = (await once(child, 'close')) as [number | null];
  const milliseconds = performance.now() - begun;
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${said}`);
  const kilobytes = measuresMemory() ? Number(said.trim().split('\n').at(-1)) : undefined;
  return { milliseconds, peak: kilobytes === undefined ? undefined : kilobytes / 1000 };
}
