import { execFile } from 'node:child_process';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cacheFolder, installFromNpm } from '../../services/src/cache.ts';
import { install } from './install-check.ts';
import type { Application } from './install-check.ts';
import { packFolders, readManifest } from './pack.ts';
import { thirdPartyFolders } from './third-party.ts';

const CHECK: string = fileURLToPath(new URL('../app/plugin.mjs', import.meta.url));
/** The plugin, in a checkout: no package of the workspace, written by docs/plugins.md. */
const PLUGIN = 'examples/backend-leveldb';
const REPORT = 'CONFORMANCE.md';
const run = promisify(execFile);

/**
 * What the plugin depends on beside the packages of this project, brought into the cache where it isn't there: the
 * workspace doesn't have it.
 *
 * @throws Error where it can't be had
 */
export async function foldersForPlugin(root: string): Promise<string[]> {
  const { dependencies = {} } = await readManifest(join(root, PLUGIN));
  const foreign = Object.entries(dependencies).filter(([name]) => !name.startsWith('@securestore/'));
  const folders = foreign.map(async ([name, range]) => {
    const version = range.replace(/^\^/, '');
    await installFromNpm(name, version);
    return cacheFolder(`${name}-${version}`);
  });
  return thirdPartyFolders(await Promise.all(folders), new Set());
}

/**
 * Builds the plugin in the application, where it knows this project only by its tarballs, installs it from a tarball of
 * its own, and runs the conformance suite and a store on it.
 *
 * @param foreign - see {@link foldersForPlugin}
 * @param write - whether the report of the suite replaces the one beside the plugin, which it has to equal otherwise
 * @throws Error with what the failed program printed
 */
export async function checkPlugin(
  root: string,
  application: Application,
  foreign: readonly string[],
  write: boolean,
): Promise<void> {
  const folder = join(application.folder, '..');
  const tarballs = [...application.tarballs, ...(await packFolders(foreign, folder))];
  await install({ ...application, tarballs });
  const plugin = join(application.folder, 'plugin');
  await cp(join(root, PLUGIN), plugin, { recursive: true });
  await compile(root, plugin);
  await install({ ...application, tarballs: [...tarballs, ...(await packFolders([plugin], folder))] });

  await cp(CHECK, join(application.folder, 'plugin.mjs'));
  await run(process.execPath, ['plugin.mjs'], { cwd: application.folder });
  const report = await readFile(join(application.folder, REPORT), 'utf8');
  const known = join(root, PLUGIN, REPORT);
  if (write) await writeFile(known, report);
  else if (report !== (await readFile(known, 'utf8'))) {
    throw new Error(`${PLUGIN}/${REPORT} is not what the suite reports: run "npm run check -- --write".`);
  }
}

/** Against the declarations in the tarballs, all of which are checked; the options of the guide, and the strictest others. */
async function compile(root: string, plugin: string): Promise<void> {
  const strict = [
    '--skipLibCheck',
    'false',
    '--exactOptionalPropertyTypes',
    '--typeRoots',
    join(root, 'node_modules/@types'),
  ];
  try {
    await run(process.execPath, [join(root, 'node_modules/@typescript/native/bin/tsc'), '-p', plugin, ...strict]);
  } catch (error) {
    throw new Error(`The plugin doesn't compile:\n${(error as { stdout?: string }).stdout ?? ''}`, { cause: error });
  }
}
