import { execFile } from 'node:child_process';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { install } from './install-check.ts';
import type { Application } from './install-check.ts';
import type { ApplicationInstaller } from './application-installer.ts';
import { packFolders, readManifest } from './pack.ts';

const CHECK: string = fileURLToPath(new URL('../app/plugin.mjs', import.meta.url));
/** The plugin, in a checkout: no package of the workspace, written by docs/build/backend.md. */
const PLUGIN = 'examples/backend-leveldb';
const REPORT = 'CONFORMANCE.md';
const run = promisify(execFile);

/**
 * Builds the plugin in the application, where it knows this project only by its tarballs, installs it from a tarball of
 * its own, and runs the conformance suite and a store on it.
 *
 * @param write - whether the report of the suite replaces the one beside the plugin, which it has to equal otherwise
 * @throws Error with what the failed program printed
 */
export async function checkPlugin(
  root: string,
  application: Application,
  installer: ApplicationInstaller,
  write: boolean,
): Promise<void> {
  const plugin = join(application.folder, 'plugin');
  await cp(join(root, PLUGIN), plugin, { recursive: true });
  await addDependencies(application.folder, plugin);
  await installer.install(application.folder);
  await compile(root, plugin);
  const packed = await packFolders([plugin], join(application.folder, '..'));
  await install({ ...application, tarballs: [...application.tarballs, ...packed] }, installer);

  await cp(CHECK, join(application.folder, 'plugin.mjs'));
  await run(process.execPath, ['plugin.mjs'], { cwd: application.folder });
  const report = await readFile(join(application.folder, REPORT), 'utf8');
  const known = join(root, PLUGIN, REPORT);
  if (write) await writeFile(known, report);
  else if (report !== (await readFile(known, 'utf8'))) {
    throw new Error(`${PLUGIN}/${REPORT} is not what the suite reports: run "npm run check -- --write".`);
  }
}

/** Adds what the plugin depends on to the application: it is compiled before it is installed itself. */
async function addDependencies(application: string, plugin: string): Promise<void> {
  const manifest = await readManifest(application);
  const { dependencies = {} } = await readManifest(plugin);
  const all = { ...dependencies, ...manifest.dependencies };
  await writeFile(join(application, 'package.json'), JSON.stringify({ ...manifest, dependencies: all }));
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
