import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { git } from '../src/checkout.ts';
import { attempt, expectRefusal, WORKFLOW } from './support/attempt.ts';
import { madeUp } from './support/repository.ts';
import type { Repository } from './support/repository.ts';

describe('a release is refused before anything is built', () => {
  const built = { build: async () => expect.unreachable('something was built') };

  it('from a tree with changes and new files in it', async () => {
    const repository = await madeUp();
    await repository.write('packages/one/dist/index.js', 'export const one = 2;\n');
    await repository.write('notes', 'new');
    const outcome = await attempt(repository, built);
    expectRefusal(outcome, 'The tree is not clean: commit or remove', 'packages/one/dist/index.js', 'notes');
  });

  it('from another branch, and from none', async () => {
    const repository = await madeUp();
    await git(repository.root, 'switch', '--quiet', '--create', 'topic');
    expectRefusal(await attempt(repository, built), 'the branch topic: run "git switch main"');
    await git(repository.root, 'switch', '--quiet', '--detach');
    expectRefusal(await attempt(repository, built), 'This is no branch');
  });

  it('from a clone whose history is cut short', async () => {
    const origin = await madeUp();
    await origin.write('later', 'one more commit');
    await origin.commit();
    const repository = await madeUp();
    await rm(repository.root, { recursive: true });
    await git(tmpdir(), 'clone', '--quiet', '--depth=1', `file://${origin.root}`, repository.root);
    expectRefusal(await attempt(repository, built), 'run "git fetch --unshallow"');
  });

  it('where a package changed and no changeset names it', async () => {
    const repository = await madeUp();
    await repository.write('.changeset/first.md', "---\n'securestore': minor\n---\n\nTwo.\n");
    await repository.write('packages/one/dist/index.js', 'export const one = 2;\n');
    await repository.write('packages/one/test/one.test.ts', '');
    await repository.commit();
    const outcome = await attempt(repository, built);
    expectRefusal(outcome, /@securestore\/one changed .* run "npx changeset" \(packages\/one\/dist\/index\.js\)\./);
  });

  const LACKS: readonly (readonly [string, (made: Repository) => Promise<unknown>, string])[] = [
    ['licence', async (made: Repository) => made.remove('packages/one/LICENSE'), 'packages/one: There is no LICENSE'],
    [
      'readme',
      async (made: Repository) => made.remove('packages/one/README.md'),
      'packages/one: There is no README.md',
    ],
    [
      'repository',
      async (made: Repository) => made.describe('packages/one', { repository: undefined }),
      '"repository" is',
    ],
    [
      'provenance',
      async (made: Repository) => made.describe('packages/one', { publishConfig: {} }),
      'ask for provenance',
    ],
    ['access', async (made: Repository) => made.describe('packages/one', { publishConfig: {} }), 'who may install it'],
    [
      'name of a licence',
      async (made: Repository) => made.describe('packages/one', { license: undefined }),
      '"license"',
    ],
    ['origin', async (made: Repository) => made.describe('.', { repository: undefined }), 'has no "repository.url"'],
  ];
  it.each(LACKS)('where there is no %s', async (_what, take, finding) => {
    const repository = await madeUp();
    await take(repository);
    await repository.commit();
    expectRefusal(await attempt(repository, built), finding);
  });

  it('where the package names another repository', async () => {
    const repository = await madeUp();
    await repository.describe('packages/one', { repository: { url: 'git+https://example.org/others/store.git' } });
    await repository.commit();
    expectRefusal(await attempt(repository, built), 'packages/one: "repository" is not this one');
  });

  it('outside the workflow, from another repository, and with changesets in no version, unless it is a dry run', async () => {
    const repository = await madeUp();
    const real = { ...built, dryRun: false };
    expectRefusal(await attempt(repository, { ...real, env: {} }), 'There is no identity to publish by');
    const elsewhere = { ...WORKFLOW, GITHUB_REPOSITORY: 'others/store' };
    expectRefusal(
      await attempt(repository, { ...real, env: elsewhere }),
      'name the repository https://example.org/us/store and this is https://example.org/others/store',
      '1 changesets are in no version yet: run "npm run release:version"',
    );
  });
});
