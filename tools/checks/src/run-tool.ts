import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { GO_ENVIRONMENT, passSignals } from '../../bootstrap/process.mjs';
import { tallyOf } from './stages.ts';
import type { Tally } from './stages.ts';

/** Runs an installed program, a script inside `node_modules`, on this Node. What it prints is shown if it fails. */
export async function runTool(root: string, file: string, args: readonly string[]): Promise<Tally> {
  let printed = '';
  const script = join(root, 'node_modules', file);
  const code = await exitCodeOf(root, script, args, { env: GO_ENVIRONMENT, onOutput: (text) => (printed += text) });
  if (code !== 0) console.log(printed.trimEnd());
  return tallyOf(code === 0);
}

/**
 * Runs a script on this Node, with this checkout's programs first on the `PATH`; resolves to its exit code.
 *
 * @param options - `env` is added to the environment; `onOutput` gets what it prints, which goes to the terminal otherwise
 */
export async function exitCodeOf(
  root: string,
  script: string,
  args: readonly string[],
  { env, onOutput }: { readonly env?: Record<string, string>; readonly onOutput?: (text: string) => void } = {},
): Promise<number> {
  const path = `${join(root, 'node_modules', '.bin')}${delimiter}${process.env['PATH'] ?? ''}`;
  const output = onOutput === undefined ? 'inherit' : 'pipe';
  const child = spawn(process.execPath, [script, ...args], {
    cwd: root,
    env: { ...process.env, ...env, PATH: path },
    stdio: ['ignore', output, output],
  });
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => onOutput?.(text));
  const stop = passSignals(child);
  const [code] = (await once(child, 'close')) as [number | null];
  const signal = stop();
  // Nothing else is to begin.
  if (signal !== undefined) process.kill(process.pid, signal);
  return code ?? 1;
}
