import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isScheme, OFFICIAL_BACKENDS } from '@securestore/backend-api';
import { packFolders, readManifest } from '../../pack-check/src/pack.ts';
import { filesOf, installCommand, namesOf, type Vendored } from './template.ts';

/** What a backend and its tests need. */
const NEEDED = ['core-format', 'backend-api', 'backend-testkit'];

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
    const wrong = scheme === undefined ? 'say' : `${JSON.stringify(scheme)} is no scheme: say`;
    throw new UsageError(`${wrong} the scheme of its URLs (${rule}): npm run new:backend -- level`);
  }
  const official = OFFICIAL_BACKENDS.get(scheme);
  if (official !== undefined) throw new UsageError(`${scheme}: is served by ${official}; choose another scheme.`);
}

/**
 * Writes a package whose backend keeps everything in memory and passes the conformance suite: something that works, to be
 * turned into the real thing.
 *
 * @param root - of this repository, built
 * @returns the paths of what was written, and the command that installs it
 * @throws UsageError where the folder has something in it
 */
export async function writeBackend(
  root: string,
  scheme: string,
  folder: string,
): Promise<{ readonly paths: readonly string[]; readonly install: string }> {
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0) throw new UsageError(`${folder} is not empty; nothing was written.`);
  const vendor = join(folder, 'vendor');
  await mkdir(vendor);
  const tarballs = await packFolders(
    NEEDED.map((name) => join(root, 'packages', name)),
    vendor,
  );
  const vendored = await Promise.all(
    tarballs.map(async ({ name, folder: source, file }): Promise<Vendored> => {
      const { version } = await readManifest(source);
      return { name, version, file: `vendor/${basename(file)}` };
    }),
  );
  const guide = await readFile(join(root, 'docs/build/backend.md'), 'utf8');
  const files = filesOf(guide, namesOf(scheme), vendored);
  for (const [path, text] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return { paths: [...files.keys()], install: installCommand(vendored) };
}
