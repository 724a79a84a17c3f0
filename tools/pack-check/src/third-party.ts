import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readManifest } from './pack.ts';

/**
 * The folders of what `folders` depend on or need beside them, directly or not, as installed in the workspace, without the folders
 * themselves and without `skip`.
 *
 * @throws Error where a dependency isn't installed, or where two versions of one would be needed: the application that
 *   is put together from them has room for one
 */
export async function thirdPartyFolders(folders: readonly string[], skip: ReadonlySet<string>): Promise<string[]> {
  const found = new Map<string, string>();
  const visit = async (folder: string): Promise<void> => {
    const { dependencies, peerDependencies = {}, peerDependenciesMeta = {} } = await readManifest(folder);
    const peers = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional !== true);
    const wanted = [...Object.keys(dependencies ?? {}), ...peers];
    for (const name of wanted.filter((dependency) => !skip.has(dependency))) {
      const installed = installedFolder(folder, name);
      const known = found.get(name);
      if (known === installed) continue;
      if (known !== undefined) throw new Error(`${name} is installed twice: ${known} and ${installed}.`);
      found.set(name, installed);
      await visit(installed);
    }
  };
  for (const folder of folders) await visit(folder);
  return [...found.values()];
}

/** Where Node finds a package from a folder: in the nearest `node_modules` that has it. */
function installedFolder(from: string, name: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (dirname(folder) === folder) throw new Error(`${name} isn't installed for ${from}.`);
  }
}
