import { readdirSync, readFileSync } from 'node:fs';
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

/** The packages that a document has packed into a folder. */
function packedInto(document: string, folder: string): string[] {
  const guide = readFileSync(join(root, document), 'utf8');
  const [, names = ''] =
    new RegExp(String.raw`^npm pack --pack-destination ${folder} \./packages/\{(.*)\}$`, 'm').exec(guide) ?? [];
  return names.split(',');
}

it.each([
  [
    'docs/build/backend.md',
    'a plugin',
    '../securestore-backend-shelf',
    ['backend-api', 'core-format', 'backend-testkit'],
  ],
])('%s has all packed that %s needs, and nothing else', (document, _, folder, needed) => {
  expect(packedInto(document, folder).toSorted()).toEqual([...withDependencies(needed)].toSorted());
});

it('docs/build/backend.md installs every file that npm makes of those', () => {
  const text = readFileSync(join(root, 'docs/build/backend.md'), 'utf8');
  const [, start = '', end = ''] = /^cd \S+ && npm install .*\.\/(\S*)\*(\S*)$/m.exec(text) ?? [];
  const names = readdirSync(join(root, 'packages')).map((folder) => manifestOf(folder).name);
  expect(names).toContain('securestore');
  for (const name of names) {
    const file = `${name.replace('@', '').replace('/', '-')}-0.0.0.tgz`;
    const between = file.startsWith(start) && file.endsWith(end) && file.length >= start.length + end.length;
    expect(between, file).toBe(true);
  }
});
