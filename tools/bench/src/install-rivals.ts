import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { npmCommand } from '../../pack-check/src/npm-command.ts';
import { rivalsInstalled } from './rivals/load.ts';

/** Installs the rivals beside the benchmarks the first time; without a registry they are left out and named absent. */
export async function installRivals(log: (line: string) => void): Promise<void> {
  if (rivalsInstalled()) return;
  log('Installing what to compare with (once, about 50 MB) …');
  const child = spawn(...npmCommand(['ci', '--ignore-scripts', '--loglevel=error', '--prefer-offline']), {
    cwd: fileURLToPath(new URL('../rivals/', import.meta.url)),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) log('They could not be installed; ours and the raw limits are measured alone.');
}
