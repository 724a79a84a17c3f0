import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isScheme, OFFICIAL_BACKENDS } from '@securestore/backend-api';
import { packFolders } from '../../pack-check/src/pack.ts';
import { filesOf, namesOf } from './template.ts';

/** What the code of a backend needs, and what its tests need. */
const NEEDED = ['core-format', 'backend-api'];
const NEEDED_FOR_TESTS = ['backend-testkit'];
const TOOLS = ['vitest', '@types/node'];

/** Something that whoever runs the command can mend; the message is one line that says how. */
export class UsageError extends Error {}

/** The folder of a new backend, where none is given. */
export function folderOf(scheme: string): string {
  return namesOf(scheme).packageName;
}

/** @throws UsageError */
export function checkScheme(scheme: string | undefined): asserts scheme is string {
  if (scheme === undefined || !isScheme(scheme)) {
    const rule = 'a to z first, then also 0 to 9, + and -, at most 32 characters';
    throw new UsageError(`say the scheme of its locations (${rule}): npm run new:backend -- level`);
  }
  const official = OFFICIAL_BACKENDS.get(scheme);
  if (official !== undefined) throw new UsageError(`${scheme}: is served by ${official}; choose another scheme.`);
}

/**
 * Writes a package whose backend keeps everything in memory and passes the conformance suite: something that works, to be
 * turned into the real thing.
 *
 * @param root - of this repository, built
 * @returns the paths of what was written
 * @throws UsageError where the folder has something in it
 */
export async function writeBackend(root: string, scheme: string, folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0) throw new UsageError(`${folder} is not empty; nothing was written.`);
  const vendor = join(folder, 'vendor');
  await mkdir(vendor);
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest;
  const packed = async (names: readonly string[]): Promise<Record<string, string>> => {
    const folders = names.map((name) => join(root, 'packages', name));
    const tarballs = await packFolders(folders, vendor);
    return Object.fromEntries(tarballs.map(({ name, file }) => [name, `file:vendor/${basename(file)}`]));
  };
  const dependencies = await packed(NEEDED);
  const ours = await packed(NEEDED_FOR_TESTS);
  const tools = Object.fromEntries(TOOLS.map((name) => [name, manifest.devDependencies[name] ?? '*']));
  const compiler = manifest.devDependencies['@typescript/native']?.replace('npm:typescript@', '') ?? '*';
  const guide = await readFile(join(root, 'docs/plugins.md'), 'utf8');
  const devDependencies = { ...ours, ...tools, typescript: compiler };
  const files = filesOf(guide, namesOf(scheme), { dependencies, devDependencies });
  for (const [path, text] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return [...files.keys()];
}

interface Manifest {
  readonly devDependencies: Readonly<Record<string, string>>;
}
