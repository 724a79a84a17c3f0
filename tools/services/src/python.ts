import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './cache.ts';

const run = promisify(execFile);

/** The interpreter of the virtual environment of this name, which {@link ensureEnvironment} makes. */
export function pythonOf(name: string): string {
  return join(cacheFolder('python', name), 'bin', 'python');
}

/**
 * Puts packages into a virtual environment of our own, where it isn't there yet.
 *
 * @param name - says which packages of which version it holds
 * @throws Error with what Python said
 */
export async function ensureEnvironment(name: string, packages: readonly string[]): Promise<void> {
  if (existsSync(pythonOf(name))) return;
  const folder = cacheFolder('python', name);
  await mkdir(dirname(folder), { recursive: true });
  // Beside its place, so that what is there is whole, also where two make it at once.
  const temporary = await mkdtemp(`${folder}-`);
  try {
    await run('python3', ['-m', 'venv', temporary]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input'];
    await run(join(temporary, 'bin', 'python'), [...pip, ...packages]);
    await rename(temporary, folder);
  } catch (error) {
    if (!existsSync(pythonOf(name))) throw error;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
