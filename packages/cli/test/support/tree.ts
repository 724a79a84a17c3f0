import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';

/** The paths of the regular files below a folder. `readdir` with `recursive` would follow links on some versions of Node. */
async function filesBelow(folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) files.push(...(await filesBelow(path)));
    else if (entry.isFile()) files.push(path);
  }
  return files;
}

/** The regular files below a folder: the digest of each by its relative name. Links are left out. */
export async function treeOf(folder: string): Promise<Map<string, string>> {
  const digests = await Promise.all(
    (await filesBelow(folder)).map(async (path): Promise<[string, string]> => {
      const digest = createHash('sha256').update(await readFile(path));
      return [relative(folder, path).split(sep).join('/'), digest.digest('hex')];
    }),
  );
  return new Map(digests.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Writes files with names of every kind that can be keys, `count` in all, and some of them empty. */
export async function makeTree(folder: string, count: number): Promise<void> {
  const parts = ['plain', 'with space', 'Ümläut ß', '🔐 emoji', '世界', '-dash', '~tilde', '.hidden', 'dot.', "quo'te"];
  const names = Array.from({ length: count }, (_, index) => {
    const depth = index % 4;
    const folders = Array.from({ length: depth }, (_part, level) => parts[(index + level * 3) % parts.length]);
    return [...folders, `${parts[index % parts.length]} ${index}`].join('/');
  });
  for (const name of new Set(names.map((file) => dirname(file)))) {
    await mkdir(join(folder, name), { recursive: true });
  }
  await Promise.all(
    names.map((name, index) => {
      const data = index % 5 === 0 ? '' : `${name}\n`.repeat((index % 7) * 20 + 1);
      return writeFile(join(folder, name), data);
    }),
  );
}
