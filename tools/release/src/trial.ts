import { execFile } from 'node:child_process';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { documentExamples, outputOf } from '../../docs-check/src/run/run-example.ts';
import type { Tarball } from '../../pack-check/src/pack.ts';
import { ensureInstalled } from '../../services/src/provide/install.ts';
import { startServer } from '../../services/src/provide/server.ts';
import { registry } from '../../services/src/servers/registry.ts';
import { INSTALLERS } from './installers.ts';
import type { Installer } from './installers.ts';
import type { Release } from './plan.ts';
import { publishTo } from './registry.ts';
import { installedIn, sdksOn } from '../../pack-check/src/sdks.ts';

const IMPORT: string = fileURLToPath(new URL('../app/import.mjs', import.meta.url));
/** The package that must not bring an SDK along. */
const LIBRARY = 'securestore';

/** What is tried, and where. */
export interface Trial {
  /** The checkout that the packages were built from. */
  readonly root: string;
  /** An empty folder outside of it. */
  readonly folder: string;
  readonly releases: readonly Release[];
  readonly tarballs: readonly Tarball[];
  readonly log: (line: string) => void;
}

/**
 * Publishes all packages to a registry of this machine, installs them from there with each package manager, imports
 * them, and runs the examples of the documentation.
 *
 * @returns what does not work, one line each
 */
export async function tryOut(trial: Trial): Promise<string[]> {
  const { folder, tarballs, log } = trial;
  const missing = await ensureInstalled(registry, { root: false, asked: false });
  if (missing !== undefined) return [`There is no registry to try the packages on: ${missing}.`];
  const server = await startServer(registry);
  try {
    log(`publishing ${tarballs.length} packages to a registry of this machine …`);
    await publishTo(server.url, tarballs, folder);
    const findings: string[] = [];
    for (const installer of INSTALLERS) {
      findings.push(...(await attempt(installer.name, async () => useAll(trial, installer, server.url))));
    }
    findings.push(...(await attempt('npm', async () => useAlone(trial, server.url))));
    return findings;
  } catch (error) {
    return [`The packages can't be published: ${saidBy(error)}`];
  } finally {
    await server.stop();
  }
}

async function attempt(name: string, work: () => Promise<string[]>): Promise<string[]> {
  try {
    return (await work()).map((finding) => `Installed with ${name}: ${finding}`);
  } catch (error) {
    return [`What ${name} installs does not work: ${saidBy(error)}`];
  }
}

/** What a failed program printed says more than that it failed. */
function saidBy(error: unknown): string {
  const { stdout = '', stderr = '', message } = error as { stdout?: string; stderr?: string; message: string };
  return `${stdout}${stderr}`.trim() || message;
}

async function useAll({ root, folder, releases, log }: Trial, installer: Installer, url: string): Promise<string[]> {
  log(`installing them with ${installer.name} …`);
  const application = await applicationWith(releases, join(folder, installer.name));
  await installer.install(application, url);
  const names = releases.map(({ name }) => name);
  await modulesOf(application, names);
  const findings = names.includes(LIBRARY) ? loadedSdks(await modulesOf(application, [LIBRARY])) : [];
  const examples = await documentExamples(root);
  log(`running ${examples.length} examples of the documentation there …`);
  for (const example of examples) {
    const expected = example.output.map((text) => `${text}\n`).join('');
    const printed = await outputOf(example, application).catch(saidBy);
    if (printed === expected) continue;
    findings.push(`the example in ${example.document}, line ${example.line}, does not print what it says: ${printed}`);
  }
  return findings;
}

/** The library by itself, with the packages that it needs and no others. */
async function useAlone({ folder, releases, log }: Trial, url: string): Promise<string[]> {
  const library = releases.filter(({ name }) => name === LIBRARY);
  const [installer] = INSTALLERS;
  if (library.length === 0 || installer === undefined) return [];
  log(`installing ${LIBRARY} alone …`);
  const application = await applicationWith(library, join(folder, 'alone'));
  await installer.install(application, url);
  const packages = await installedIn(application);
  log(`${LIBRARY} brings along ${packages.join(', ').replaceAll('node_modules/', '')}`);
  const brought = sdksOn(packages).map((sdk) => `${LIBRARY} alone brings ${sdk} along: drop what needs it.`);
  return [...brought, ...loadedSdks(await modulesOf(application, [LIBRARY]))];
}

function loadedSdks(modules: readonly string[]): string[] {
  return sdksOn(modules).map((sdk) => `importing ${LIBRARY} loads ${sdk}: import it where it is used.`);
}

async function applicationWith(releases: readonly Release[], folder: string): Promise<string> {
  await mkdir(folder);
  const own = releases.map(({ name, version }) => [name, version] as const);
  // Ours are there anyhow, in the versions to be tried.
  const peers = releases.flatMap(({ peers: wanted }) => Object.entries(wanted));
  const dependencies = Object.fromEntries([...peers.filter(([name]) => !name.startsWith('@securestore/')), ...own]);
  const manifest = { name: 'application', version: '1.0.0', private: true, type: 'module', dependencies };
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
  await copyFile(IMPORT, join(folder, 'import.mjs'));
  return folder;
}

/** Imports packages in a process of their own; resolves to the modules that this loads. */
async function modulesOf(application: string, names: readonly string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, ['import.mjs', ...names], {
    cwd: application,
    maxBuffer: 64 * 2 ** 20,
  });
  return JSON.parse(stdout) as string[];
}
