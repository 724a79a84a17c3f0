import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { delimiter, join } from 'node:path';
import { tallyOf } from './stages.ts';
import type { Tally } from './stages.ts';

/** Runs an installed program, a script inside `node_modules`, on this Node and counts its exit code. */
export async function runTool(root: string, file: string, args: readonly string[]): Promise<Tally> {
  return tallyOf((await exitCodeOf(root, join(root, 'node_modules', file), args)) === 0);
}

/** Runs a script on this Node, with this checkout's programs first on the `PATH`; resolves to its exit code. */
export async function exitCodeOf(root: string, script: string, args: readonly string[]): Promise<number> {
  const path = `${join(root, 'node_modules', '.bin')}${delimiter}${process.env['PATH'] ?? ''}`;
  const child = spawn(process.execPath, [script, ...args], {
    cwd: root,
    env: { ...process.env, PATH: path },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return code ?? 1;
}
