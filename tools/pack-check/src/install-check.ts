import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { npm, packFolders, readManifest } from './pack.ts';
import type { Tarball } from './pack.ts';
import { thirdPartyFolders } from './third-party.ts';

const SOURCES: URL = new URL('../', import.meta.url);
/** What the application asks for; backends on a provider's SDK are inspected only, since they bring half a registry. */
const WANTED: readonly string[] = [
  'securestore',
  '@securestore/cli',
  '@securestore/backend-testkit',
  '@securestore/keyv',
  '@securestore/unstorage',
];
const run = promisify(execFile);

/**
 * Installs tarballs into an application outside the workspace, builds a backend plugin on them there, and lets the
 * application use both. No registry is asked: third-party packages are packed from where the workspace has them.
 *
 * @param folder - an empty folder outside the workspace
 * @throws Error with what the failed program printed
 */
export async function checkInstalled(root: string, folder: string, tarballs: readonly Tarball[]): Promise<void> {
  const wanted = await withDependencies(WANTED, tarballs);
  const own = new Set(wanted.map(({ name }) => name));
  const foreign = await thirdPartyFolders(
    wanted.map((tarball) => tarball.folder),
    own,
  );
  const application = join(folder, 'application');
  await mkdir(application);
  const files = [...wanted, ...(await packFolders(foreign, folder))];
  await install(application, files);

  const plugin = join(application, 'plugin');
  await cp(fileURLToPath(new URL('plugin', SOURCES)), plugin, { recursive: true });
  await compile(root, plugin);
  await install(application, [...files, ...(await packFolders([plugin], folder))]);

  await cp(fileURLToPath(new URL('app/check.mjs', SOURCES)), join(application, 'check.mjs'));
  await run(process.execPath, ['check.mjs'], { cwd: application });
  await useCommandLine(application);
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
async function withDependencies(names: readonly string[], tarballs: readonly Tarball[]): Promise<Tarball[]> {
  const byName = new Map(tarballs.map((tarball) => [tarball.name, tarball]));
  const wanted = new Set<Tarball>();
  const visit = async (name: string): Promise<void> => {
    const tarball = byName.get(name);
    if (tarball === undefined || wanted.has(tarball)) return;
    wanted.add(tarball);
    const { dependencies = {} } = await readManifest(tarball.folder);
    for (const dependency of Object.keys(dependencies)) await visit(dependency);
  };
  for (const name of names) await visit(name);
  return [...wanted];
}

async function install(application: string, tarballs: readonly Tarball[]): Promise<void> {
  const dependencies = Object.fromEntries(tarballs.map(({ name, file }) => [name, `file:${file}`]));
  const manifest = { name: 'application', version: '1.0.0', private: true, type: 'module', dependencies };
  await writeFile(join(application, 'package.json'), JSON.stringify(manifest));
  await npm(['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund'], application);
}

/** Against the declarations in the tarballs, all of which are checked. */
async function compile(root: string, plugin: string): Promise<void> {
  const compilerOptions = {
    target: 'es2024',
    lib: ['es2024', 'esnext.disposable'],
    module: 'nodenext',
    strict: true,
    skipLibCheck: false,
    exactOptionalPropertyTypes: true,
    declaration: true,
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
    rootDir: 'src',
    outDir: 'dist',
  };
  await writeFile(join(plugin, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
  try {
    await run(process.execPath, [join(root, 'node_modules/@typescript/native/bin/tsc'), '-p', plugin]);
  } catch (error) {
    throw new Error(`The plugin doesn't compile:\n${(error as { stdout?: string }).stdout ?? ''}`, { cause: error });
  }
}
