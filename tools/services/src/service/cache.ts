import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where a server is kept that no package of the system brings: outside the checkout, so that all checkouts share it. */
export function cacheFolder(name: string): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'securestore-services', name);
}

/**
 * Installs a package of npm with all that it needs into its folder of the cache. Another process that does the same at
 * the same time does no harm, and what is interrupted leaves nothing that looks whole.
 *
 * @param overrides - the versions of what it depends on, where those that it names itself won't do
 * @throws Error with what npm said
 */
export async function installFromNpm(
  name: string,
  version: string,
  overrides: Readonly<Record<string, string>> = {},
): Promise<void> {
  await installInto(cacheFolder(`${name}-${version}`), async (folder) => {
    await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, overrides }));
    const flags = ['--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    await run('npm', ['install', ...flags, `${name}@${version}`]);
  });
}

/**
 * Compiles a program of a Go module into its folder of the cache, as {@link installFromNpm} does.
 *
 * @throws Error with what Go said
 */
export async function installFromGo(name: string, module: string, version: string): Promise<void> {
  await installInto(cacheFolder(`${name}-${version}`), async (folder) =>
    // Without what only a debugger reads, which takes a seventh of the time.
    run('go', ['install', '-gcflags=all=-dwarf=false', '-ldflags=-s -w', `${module}@${version}`], {
      GOBIN: folder,
      CGO_ENABLED: '0',
    }),
  );
}

/**
 * Installs packages of Python with all that they need into an environment of their own in the cache, as
 * {@link installFromNpm} does. Its scripts name an interpreter at another place: run them by its `bin/python`.
 *
 * @throws Error with what Python said
 */
export async function installFromPip(name: string, packages: readonly string[]): Promise<void> {
  await installInto(cacheFolder(name), async (folder) => {
    await run('python3', ['-m', 'venv', folder]);
    // Python compiles at the first start the few modules that a server imports.
    const pip = ['-m', 'pip', 'install', '--quiet', '--no-compile', '--disable-pip-version-check', '--no-input'];
    await run(join(folder, 'bin/python'), [...pip, ...packages]);
  });
}

async function installInto(folder: string, install: (folder: string) => Promise<void>): Promise<void> {
  if (existsSync(folder)) return;
  await mkdir(join(folder, '..'), { recursive: true });
  const fresh = await mkdtemp(`${folder}.`);
  try {
    await install(fresh);
    await rename(fresh, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function run(program: string, args: readonly string[], env: Record<string, string> = {}): Promise<void> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: cacheFolder(''),
    env: { ...process.env, ...env },
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
  const ended = once(child, 'close') as Promise<[number | null]>;
  const [code] = await ended.catch((error: unknown) => {
    throw new Error(`there is no ${program} to install it with`, { cause: error });
  });
  if (code !== 0) throw new Error(said.trim() || `${program} ended with ${code}`);
}
