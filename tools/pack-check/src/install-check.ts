import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ApplicationInstaller } from './application-installer.ts';
import { readManifest, withDependencies } from './pack.ts';
import type { Tarball } from './pack.ts';
import { installedIn, sdksOn } from './sdks.ts';

const CHECK: string = fileURLToPath(new URL('../app/check.mjs', import.meta.url));
/** What the application asks for; backends on a provider's SDK are inspected only, since they bring half a registry. */
const WANTED: readonly string[] = [
  'securestore',
  '@securestore/cli',
  '@securestore/backend-testkit',
  '@securestore/keyv',
  '@securestore/unstorage',
];
const run = promisify(execFile);

/** An application outside the workspace, and what is installed in it. */
export interface Application {
  readonly folder: string;
  readonly tarballs: readonly Tarball[];
}

/**
 * Installs tarballs into an application outside the workspace, with all that they depend on as npm resolves it for users,
 * and uses them and the command line there.
 *
 * @param folder - outside the workspace
 * @throws Error with what the failed program printed
 */
export async function checkInstalled(
  folder: string,
  tarballs: readonly Tarball[],
  installer: ApplicationInstaller,
): Promise<Application> {
  const application = { folder: join(folder, 'application'), tarballs: await tarballsFor(WANTED, tarballs) };
  await mkdir(application.folder);
  await install(application, installer);
  const sdks = sdksOn(await installedIn(application.folder));
  if (sdks.length > 0) throw new Error(`${WANTED.join(', ')} bring ${sdks.join(', ')} along: drop what needs it.`);
  await cp(CHECK, join(application.folder, 'check.mjs'));
  await run(process.execPath, ['check.mjs'], { cwd: application.folder });
  await useCommandLine(application.folder);
  return application;
}

async function useCommandLine(application: string): Promise<void> {
  const environment = {
    ...process.env,
    SECURESTORE_URL: 'file:./vault',
    SECURESTORE_PASSPHRASE: 'correct horse battery staple',
    XDG_STATE_HOME: join(application, 'state'),
  };
  const program = join(application, 'node_modules/.bin/securestore');
  const securestore = (...args: string[]): Promise<{ stdout: string }> =>
    run(process.execPath, [program, ...args], { cwd: application, env: environment });
  await securestore('init', 'file:./vault');
  await securestore('put', 'app/manifest', 'package.json');
  const { stdout } = await securestore('get', 'app/manifest');
  if (stdout !== (await readFile(join(application, 'package.json'), 'utf8'))) {
    throw new Error(`"securestore get" printed something else than was put: ${stdout}`);
  }
}

/** The tarballs of those names and of what they depend on, among the given ones. */
async function tarballsFor(names: readonly string[], tarballs: readonly Tarball[]): Promise<Tarball[]> {
  const manifests = tarballs.map(async ({ folder }) => [folder, await readManifest(folder)] as const);
  const folders = withDependencies(names, new Map(await Promise.all(manifests)));
  return tarballs.filter(({ folder }) => folders.includes(folder));
}

/** Installs the tarballs of an application and what they depend on. */
export async function install({ folder, tarballs }: Application, installer: ApplicationInstaller): Promise<void> {
  const dependencies = Object.fromEntries(tarballs.map(({ name, file }) => [name, `file:${file}`]));
  const manifest = { name: 'application', version: '1.0.0', private: true, type: 'module', dependencies };
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
  await installer.install(folder);
}
