import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root: string = fileURLToPath(new URL('../../..', import.meta.url));

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8')) as Manifest;
}

/** The folder of a package of this repository, `undefined` for others. */
function folderOf(name: string): string | undefined {
  return name.startsWith('@securestore/') ? name.slice('@securestore/'.length) : undefined;
}

/** The folders of these packages and of all in this repository that they need. */
function withDependencies(folders: readonly string[], found = new Set<string>()): Set<string> {
  for (const folder of folders) {
    if (found.has(folder)) continue;
    found.add(folder);
    const names = Object.keys(manifestOf(folder).dependencies ?? {});
    withDependencies(
      names.map(folderOf).filter((name) => name !== undefined),
      found,
    );
  }
  return found;
}

/** The packages that the guide has packed into a folder. */
function packedInto(folder: string): string[] {
  const guide = readFileSync(join(root, 'docs/plugins.md'), 'utf8');
  const [, names = ''] =
    new RegExp(String.raw`^npm pack --pack-destination ${folder} \./packages/\{(.*)\}$`, 'm').exec(guide) ?? [];
  return names.split(',');
}

it.each([
  ['a plugin', '../securestore-backend-shelf', ['backend-api', 'core-format', 'backend-testkit']],
  ['an application', '../app', ['securestore']],
])('the guide to plugins has all packed that %s needs, and nothing else', (_, folder, needed) => {
  expect(packedInto(folder).toSorted()).toEqual([...withDependencies(needed)].toSorted());
});
