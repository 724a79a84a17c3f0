import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { announce } from './announce.ts';
import { missingPrograms } from './programs.ts';
import type { Service } from './service.ts';

/** What decides whether packages of the system may be installed. */
export interface Rights {
  readonly root: boolean;
  /** `SECURESTORE_SERVICES=install`: the user wants it, through sudo where this isn't root. */
  readonly asked: boolean;
}

/** The command that installs what `service` needs, for a message. */
function installCommand(service: Service): string {
  return `sudo apt-get install --no-install-recommends ${service.debianPackages.join(' ')}`;
}

/**
 * Makes what `service` needs be there, where it may be installed.
 *
 * @returns the reason for which it is not
 */
export async function ensureInstalled(service: Service, rights: Rights): Promise<string | undefined> {
  const reason = await ensurePrograms(service, rights);
  if (reason !== undefined || service.setUp === undefined) return reason;
  try {
    await announce(`installing what ${service.name} needs`, service.setUp());
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function ensurePrograms(service: Service, { root, asked }: Rights): Promise<string | undefined> {
  const missing = missingPrograms(service);
  if (missing.length === 0) return undefined;
  const absent = `${missing.join(', ')} not found`;
  if (!root && !asked) return `${absent}; this installs it: ${installCommand(service)}`;
  const packages = service.debianPackages.join(', ');
  const problem = await announce(`installing Debian's ${packages}`, install(service, root));
  if (problem !== undefined) return `${absent}, and installing Debian's ${packages} failed: ${problem}`;
  const still = missingPrograms(service);
  return still.length === 0 ? undefined : `Debian's ${packages} brought no ${still.join(', ')}`;
}

async function install(service: Service, root: boolean): Promise<string | undefined> {
  const options = ['-y', '-q', '-o', 'DPkg::Lock::Timeout=300'];
  const command = ['install', ...options, '--no-install-recommends', ...service.debianPackages];
  // The lists of a fresh container are missing or old; they are only fetched where the packages are not found.
  if ((await aptGet(command, root)) === undefined) return undefined;
  return (await aptGet(['update', ...options], root)) ?? aptGet(command, root);
}

/** Runs apt-get; what it said where it failed. */
async function aptGet(args: readonly string[], root: boolean): Promise<string | undefined> {
  const [program, leading] = root ? ['apt-get', []] : ['sudo', ['-n', 'DEBIAN_FRONTEND=noninteractive', 'apt-get']];
  const child = spawn(program, [...leading, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return code === 0 ? undefined : said.trim() || `apt-get ended with ${code}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
