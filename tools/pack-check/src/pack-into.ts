import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { packFolders, publishablePackages, withDependencies } from './pack.ts';
import type { Manifest, Tarball } from './pack.ts';

/** The folder of an application that the tarballs are in. */
const TARBALLS = 'vendor';

/** The full name of a package that is named by its folder, such as `backend-s3`; `undefined` if there is none. */
function fullName(name: string, packages: ReadonlyMap<string, Manifest>): string | undefined {
  const names = [...packages.values()].map((manifest) => manifest.name);
  return names.find((one) => one === name || one === `@securestore/${name}`);
}

/** A folder that has no manifest becomes an application of ES modules. */
async function ensureManifest(folder: string): Promise<void> {
  const manifest = `${JSON.stringify({ private: true, type: 'module' }, undefined, 2)}\n`;
  try {
    await writeFile(join(folder, 'package.json'), manifest, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/**
 * Packs packages of this checkout, with those that they depend on, into `vendor` of an application, and installs them there.
 * A folder that is missing becomes an application of ES modules.
 *
 * @param names of packages, with or without `@securestore/`
 * @param install runs `npm install` in a folder for some tarballs
 * @throws Error if there is no package of a name; nothing was written then
 */
export async function packInto(
  root: string,
  application: string,
  names: readonly string[],
  install: (folder: string, tarballs: readonly string[]) => Promise<unknown>,
): Promise<Tarball[]> {
  const packages = await publishablePackages(root);
  const wanted = names.map((name) => {
    const full = fullName(name, packages);
    if (full !== undefined) return full;
    const known = [...packages.values()].map((manifest) => manifest.name.replace('@securestore/', ''));
    throw new Error(`there is no package "${name}"; there are ${known.join(', ')}`);
  });
  const folder = join(application, TARBALLS);
  await mkdir(folder, { recursive: true });
  const tarballs = await packFolders(withDependencies(wanted, packages), folder);
  await ensureManifest(application);
  // By name, since npm keeps what it installed from an older tarball of the same version.
  await install(
    application,
    tarballs.map(({ file }) => `./${TARBALLS}/${basename(file)}`),
  );
  return tarballs;
}
