import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where packages of Python lie, each set in a folder of its own, so that a newer version is another folder. */
export function pythonFolder(packages: readonly string[]): string {
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const name = createHash('sha256').update(packages.join('\n')).digest('hex').slice(0, 16);
  return join(cache, 'securestore-services', `python-${name}`);
}

/**
 * Installs packages of Python into their folder.
 *
 * @returns what failed
 */
export async function installPython(packages: readonly string[]): Promise<string | undefined> {
  const folder = pythonFolder(packages);
  try {
    await mkdir(folder, { recursive: true });
    await run('python3', ['-m', 'venv', folder]);
    const quiet = ['--quiet', '--disable-pip-version-check', '--no-input'];
    await run(join(folder, 'bin', 'python3'), ['-m', 'pip', 'install', ...quiet, ...packages]);
    return undefined;
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    return stderr.trim().slice(-2000) || message;
  }
}
