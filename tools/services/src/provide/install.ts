import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { announce } from '../service/announce.ts';
import { missingPrograms } from '../service/programs.ts';
import type { Needed } from '../service/service.ts';

/** What decides whether packages of the system may be installed. */
export interface Rights {
  readonly root: boolean;
  /** `SECURESTORE_SERVICES=install`: the user wants it, through sudo where this isn't root. */
  readonly asked: boolean;
}

/** The command that installs what `service` needs, for a message. */
function installCommand(service: Needed): string {
  return `sudo apt-get install --no-install-recommends ${service.debianPackages.join(' ')}`;
}

/**
 * Makes the programs of `service` be there, where they may be installed.
 *
 * @returns the reason for which they are not
 */
export async function ensureInstalled(service: Needed, rights: Rights): Promise<string | undefined> {
  const reason = await ensureNeeded(service, rights);
  if (reason !== undefined || service.wished === undefined) return reason;
  // Whatever comes of it: the tests look themselves.
  await ensureNeeded({ ...service, ...service.wished, install: undefined }, rights);
  return undefined;
}

async function ensureNeeded(service: Needed, { root, asked }: Rights): Promise<string | undefined> {
  const missing = missingPrograms(service);
  if (missing.length === 0) return undefined;
  const absent = `${missing.join(', ')} not found`;
  if (service.install !== undefined)
    return ensureCached(service, service.install, absent, root || asked ? root : undefined);
  if (!root && !asked) return `${absent}; this installs it: ${installCommand(service)}`;
  const packages = service.debianPackages.join(', ');
  const problem = await installDebianPackages(service.debianPackages, { root, asked });
  if (problem !== undefined) return `${absent}, and installing Debian's ${packages} failed: ${problem}`;
  const still = missingPrograms(service);
  return still.length === 0 ? undefined : `Debian's ${packages} brought no ${still.join(', ')}`;
}

/** @param root whether packages of Debian are installed by this process itself; `undefined` where they may not be */
async function ensureCached(
  service: Needed,
  work: () => Promise<void>,
  absent: string,
  root: boolean | undefined,
): Promise<string | undefined> {
  const attempt = async (): Promise<string | undefined> => {
    try {
      await announce(`installing ${service.name} into the cache`, work());
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    const still = missingPrograms(service);
    return still.length === 0 ? undefined : `what was installed into the cache brought no ${still.join(', ')}`;
  };
  const problem = await attempt();
  if (problem === undefined) return undefined;
  const failed = `${absent}, and installing it failed: ${problem}`;
  if (service.debianPackages.length === 0) return failed;
  if (root === undefined) return `${failed}; perhaps this helps: ${installCommand(service)}`;
  const refused = await installDebianPackages(service.debianPackages, { root, asked: !root });
  if (refused !== undefined) return `${failed}; and so did Debian's packages: ${refused}`;
  const again = await attempt();
  return again === undefined ? undefined : `${absent}, and installing it failed: ${again}`;
}

/** @returns what apt-get said if it failed */
export async function installDebianPackages(
  packages: readonly string[],
  { root }: Rights,
): Promise<string | undefined> {
  // At once, since it changes the machine.
  console.error(`services: installing Debian's ${packages.join(', ')} …`);
  return install(packages, root);
}

async function install(packages: readonly string[], root: boolean): Promise<string | undefined> {
  const options = ['-y', '-q', '-o', 'DPkg::Lock::Timeout=300'];
  const command = ['install', ...options, '--no-install-recommends', ...packages];
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
