import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { npmCommand } from './npm-command.ts';

/** What is read of a workspace package's manifest. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly license?: string;
  readonly repository?: { readonly url?: string; readonly directory?: string };
  readonly publishConfig?: { readonly access?: string; readonly provenance?: boolean };
  readonly files?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

/** A package of the workspace as it would be published. */
export interface Tarball {
  readonly name: string;
  readonly folder: string;
  readonly file: string;
}

export async function readManifest(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** The manifests of all packages that are meant to be published, by folder. */
export async function publishablePackages(root: string): Promise<Map<string, Manifest>> {
  const packages = new Map<string, Manifest>();
  for (const name of (await readdir(join(root, 'packages'))).toSorted()) {
    const folder = join(root, 'packages', name);
    const manifest = await readManifest(folder);
    if (manifest.private !== true) packages.set(folder, manifest);
  }
  return packages;
}

/** The folders of the packages of some names, and of all among `packages`, by folder, that they depend on. */
export function withDependencies(names: readonly string[], packages: ReadonlyMap<string, Manifest>): string[] {
  const folders = new Map([...packages].map(([folder, { name }]) => [name, folder]));
  const found = new Set<string>();
  const visit = (name: string): void => {
    const folder = folders.get(name);
    if (folder === undefined || found.has(folder)) return;
    found.add(folder);
    Object.keys(packages.get(folder)?.dependencies ?? {}).forEach(visit);
  };
  names.forEach(visit);
  return [...found];
}

/** Packs every publishable package into `destination`, as `npm publish` would. The packages must have been built. */
export async function packAll(root: string, destination: string): Promise<Tarball[]> {
  return packFolders([...(await publishablePackages(root)).keys()], destination);
}

/** Packs the packages in some folders, without running their scripts. */
export async function packFolders(folders: readonly string[], destination: string): Promise<Tarball[]> {
  const args = ['pack', ...folders, '--json', '--ignore-scripts', '--pack-destination', destination];
  const report: unknown = JSON.parse(await npm(args, destination));
  // npm before 12 prints a list, npm 12 an object by name.
  const packed = Object.values(report as Record<string, { name: string; filename: string }>);
  const files = new Map(packed.map(({ name, filename }) => [name, join(destination, basename(filename))]));
  return Promise.all(
    folders.map(async (folder) => {
      const { name } = await readManifest(folder);
      const file = files.get(name);
      if (file === undefined) throw new Error(`npm made no tarball of ${name}.`);
      return { name, folder, file };
    }),
  );
}

/** Runs npm, the one that runs this process or the one on the `PATH`, and returns what it prints. */
export async function npm(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { stdout } = await promisify(execFile)(...npmCommand(args), {
    cwd,
    maxBuffer: 64 * 2 ** 20,
    env: { ...process.env, npm_config_loglevel: 'error', ...env },
  });
  return stdout;
}
