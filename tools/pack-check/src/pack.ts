import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

/** What is read of a workspace package's manifest. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** A package of the workspace as it would be published. */
export interface Tarball {
  readonly name: string;
  readonly folder: string;
  readonly file: string;
}

/** The manifests of all packages that are meant to be published, by folder. */
async function publishablePackages(root: string): Promise<Map<string, Manifest>> {
  const packages = new Map<string, Manifest>();
  for (const name of (await readdir(join(root, 'packages'))).toSorted()) {
    const folder = join(root, 'packages', name);
    const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;
    if (manifest.private !== true) packages.set(folder, manifest);
  }
  return packages;
}

/** Packs every publishable package into `destination`, as `npm publish` would. The packages must have been built. */
export async function packAll(root: string, destination: string): Promise<Tarball[]> {
  const packages = await publishablePackages(root);
  const workspaces = [...packages.values()].flatMap(({ name }) => ['--workspace', name]);
  const report = await npm(['pack', '--json', '--pack-destination', destination, ...workspaces], root);
  const packed = Object.values(JSON.parse(report) as Record<string, { name: string; filename: string }>);
  const files = new Map(packed.map(({ name, filename }) => [name, join(destination, basename(filename))]));
  return [...packages].map(([folder, { name }]) => {
    const file = files.get(name);
    if (file === undefined) throw new Error(`npm pack made no tarball of ${name}.`);
    return { name, folder, file };
  });
}

/** Runs npm, the one that runs this process or the one on the `PATH`, and returns what it prints. */
export async function npm(args: readonly string[], cwd: string): Promise<string> {
  const running = process.env['npm_execpath'];
  const [program, leading] =
    running !== undefined && basename(running) === 'npm-cli.js' ? [process.execPath, [running]] : ['npm', []];
  const { stdout } = await promisify(execFile)(program, [...leading, ...args], {
    cwd,
    maxBuffer: 64 * 2 ** 20,
    env: { ...process.env, npm_config_loglevel: 'error' },
  });
  return stdout;
}
