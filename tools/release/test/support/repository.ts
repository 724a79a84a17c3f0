import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { git } from '../../src/checkout.ts';

const URL = 'git+https://example.org/us/store.git';
const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** The manifest of a package that lacks nothing. */
export function manifestOf(name: string, folder: string): object {
  return {
    name,
    version: '0.0.0',
    license: 'MIT',
    repository: { type: 'git', url: URL, directory: folder },
    type: 'module',
    files: ['dist'],
    exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' }, './package.json': './package.json' },
    publishConfig: { access: 'public', provenance: true },
  };
}

/** A repository of two packages that can be released as it is, the second on top of the first. */
function sound(): Map<string, string> {
  const library = {
    ...manifestOf('securestore', 'packages/securestore'),
    dependencies: { '@securestore/one': '^0.0.0' },
  };
  const example = "```ts run\nimport { two } from 'securestore';\n\nconsole.log(two); // 2\n```\n";
  return new Map([
    ['package.json', json({ name: 'made-up', private: true, workspaces: ['packages/*'], repository: { url: URL } })],
    ['package-lock.json', json({ name: 'made-up', lockfileVersion: 3, requires: true, packages: {} })],
    ['.changeset/config.json', json({ changelog: '@changesets/cli/changelog', access: 'public', baseBranch: 'main' })],
    ['.changeset/first.md', "---\n'@securestore/one': minor\n'securestore': minor\n---\n\nOne and two.\n"],
    ['README.md', `# Made up\n\n${example}`],
    ['packages/one/package.json', json(manifestOf('@securestore/one', 'packages/one'))],
    ['packages/one/README.md', '# One\n'],
    ['packages/one/LICENSE', 'MIT\n'],
    ['packages/one/dist/index.js', 'export const one = 1;\n'],
    ['packages/one/dist/index.d.ts', 'export declare const one: number;\n'],
    ['packages/securestore/package.json', json(library)],
    ['packages/securestore/README.md', '# Two\n'],
    ['packages/securestore/LICENSE', 'MIT\n'],
    ['packages/securestore/dist/index.js', "import { one } from '@securestore/one';\nexport const two = one + one;\n"],
    ['packages/securestore/dist/index.d.ts', 'export declare const two: number;\n'],
  ]);
}

/** A checkout of a made-up repository. */
export class Repository {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  async write(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(this.root, path)), { recursive: true });
    await writeFile(join(this.root, path), text);
  }

  /** Changes some fields of a manifest; `undefined` removes one. */
  async describe(folder: string, fields: Record<string, unknown>): Promise<void> {
    const path = join(this.root, folder, 'package.json');
    const manifest = JSON.parse(await readFile(path, 'utf8')) as object;
    await writeFile(path, json({ ...manifest, ...fields }));
  }

  async remove(path: string): Promise<void> {
    await rm(join(this.root, path));
  }

  async commit(): Promise<void> {
    await git(this.root, 'add', '--all');
    await git(
      this.root,
      '-c',
      'user.name=test',
      '-c',
      'user.email=test@localhost',
      'commit',
      '--quiet',
      '-m',
      'change',
    );
  }
}

/** A committed repository that can be released as it is, until the test ends. */
export async function madeUp(): Promise<Repository> {
  const root = await mkdtemp(join(tmpdir(), 'securestore-made-up-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const repository = new Repository(root);
  for (const [path, text] of sound()) await repository.write(path, text);
  await git(root, 'init', '--quiet', '--initial-branch=main');
  await repository.commit();
  return repository;
}
