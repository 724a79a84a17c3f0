import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { packFolders } from '../../pack-check/src/pack.ts';
import { provideServer } from '../../services/src/provide/provide.ts';
import { startServer } from '../../services/src/provide/server.ts';
import { registry } from '../../services/src/servers/registry.ts';
import { git } from '../src/checkout.ts';
import { changeset } from '../src/plan.ts';
import { publishTo } from '../src/registry.ts';
import { attempt, expectRefusal } from './support/attempt.ts';
import { madeUp, manifestOf } from './support/repository.ts';
import type { Repository } from './support/repository.ts';
import { LONG } from '../../campaigns/src/size.ts';

/** Nobody listens on the port of tcpmux. */
const NOWHERE = 'http://127.0.0.1:1/';
/** Which registry npm is configured with: one that has nothing of ours, unless a test says otherwise. */
const useRegistry = (url: string): unknown => vi.stubEnv('npm_config_registry', url);
const { provided, stop } = LONG
  ? await provideServer(registry)
  : { provided: { skip: 'only npm run test:all' }, stop: () => undefined };
const reason = 'skip' in provided ? ` (skipped: ${provided.skip})` : '';

/** Gives the packages their first versions, as a change that was merged. */
async function version(repository: Repository): Promise<void> {
  await changeset(repository.root, 'version');
  await repository.commit();
}

/** Makes npm use a registry that nothing is published to but by what this returns, which takes folders of packages. */
async function registryOf({ root }: Repository): Promise<(...folders: string[]) => Promise<void>> {
  const server = await startServer(registry);
  const folder = await mkdtemp(join(tmpdir(), 'securestore-published-'));
  onTestFinished(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });
  useRegistry(server.url);
  return async (...folders) => {
    const places = folders.map((name) => join(root, name));
    await publishTo(server.url, await packFolders(places, folder), folder);
  };
}

// Each starts registries and package managers, which a busy machine is slow at.
describe.skipIf('skip' in provided)(`a release${reason}`, { timeout: 300_000 }, () => {
  beforeAll(() => 'url' in provided && useRegistry(provided.url));
  afterAll(async () => {
    vi.unstubAllEnvs();
    await stop();
  });

  it('says as a dry run what would be published, and changes nothing', async () => {
    const repository = await madeUp();
    const outcome = await attempt(repository);
    expect(outcome.said).toContain('2 of 2 packages would be published');
    expect(outcome.said).toMatch(
      /@securestore\/one 0\.1\.0, public, with provenance\n +### Minor Changes\n\n.*One and two/,
    );
    expect(outcome.said).toMatch(/\nsecurestore 0\.1\.0, public, with provenance\n/);
    expect(outcome.said).toContain('securestore brings along @securestore/one, securestore');
    expect(outcome.said).toMatch(/nothing was published\.$/);
    expect(outcome).toMatchObject({ code: 0, published: [] });
    expect(await git(repository.root, 'status', '--porcelain')).toBe('');
  });

  it('is refused where the packages do not work as they are installed', async () => {
    const repository = await madeUp();
    const place = 'packages/three';
    await repository.write(`${place}/package.json`, JSON.stringify(manifestOf('@securestore/three', place)));
    for (const name of ['README.md', 'LICENSE']) await repository.write(`${place}/${name}`, 'Three\n');
    await repository.write(`${place}/dist/index.js`, "export * from '@securestore/one';\n");
    await repository.write('.changeset/three.md', "---\n'@securestore/three': minor\n---\n\nThree.\n");

    const dependencies = { '@securestore/one': '^0.0.0', pg: '1.0.0' };
    await repository.describe('packages/securestore', { dependencies, bundleDependencies: ['pg'] });
    const sdk = 'packages/securestore/node_modules/pg';
    await repository.write(`${sdk}/package.json`, JSON.stringify({ name: 'pg', version: '1.0.0', main: 'index.js' }));
    await repository.write(`${sdk}/index.js`, '');
    await repository.write('packages/securestore/dist/index.js', "import 'pg';\nexport const two = 3;\n");
    await repository.commit();
    expectRefusal(
      await attempt(repository),
      /✗ What pnpm installs does not work: [^✗]*Cannot find package '@securestore\/one' imported from [^✗]*three/,
      '✗ Installed with npm: the example in README.md, line 4, does not print what it says: 3',
      '✗ Installed with npm: securestore alone brings pg along',
      '✗ Installed with npm: importing securestore loads pg',
    );
  });

  it('is refused where a package needs another beside it that nobody brings', async () => {
    const repository = await madeUp();
    await repository.describe('packages/securestore', { peerDependencies: { '@securestore/nowhere': '^1.0.0' } });
    await repository.commit();
    expectRefusal(
      await attempt(repository),
      /✗ What pnpm installs does not work: [^✗]*missing peer @securestore\/nowhere/,
    );
  });

  it('is refused where the build or a check fails', async () => {
    const repository = await madeUp();
    expectRefusal(await attempt(repository, { build: async () => false }), '✗ The build failed');
    expectRefusal(await attempt(repository, { check: async () => 3 }), '✗ 3 checks of the packages failed');
  });

  it('is refused where the changelog does not say what is in a version', async () => {
    const repository = await madeUp();
    await version(repository);
    await repository.describe('packages/one', { version: '0.3.0' });
    await repository.commit();
    const outcome = await attempt(repository);
    expectRefusal(outcome, '✗ CHANGELOG.md of @securestore/one says nothing of 0.3.0: say in a changeset');
  });

  describe('where something is published already', () => {
    const unbuilt = { build: async () => expect.unreachable('something was built') };

    it('is refused for a version that exists, which changesets would make again', async () => {
      const repository = await madeUp();
      await repository.describe('packages/one', { version: '0.1.0' });
      const publish = await registryOf(repository);
      await publish('packages/one');
      await repository.describe('packages/one', { version: '0.0.0' });
      expectRefusal(
        await attempt(repository, unbuilt),
        '✗ @securestore/one@0.1.0 exists already: add a changeset that makes a later version',
      );
    });

    it('publishes the rest without trying it out again, and is refused where there is no rest', async () => {
      const repository = await madeUp();
      await version(repository);
      const publish = await registryOf(repository);
      await publish('packages/one');
      const untried = { check: async () => expect.unreachable('something was checked') };
      const outcome = await attempt(repository, { dryRun: false, ...untried });
      expect(outcome.said).toContain('1 of 2 packages are to be published:\n\nsecurestore 0.1.0');
      expect(outcome).toMatchObject({ code: 0, published: [expect.stringContaining('"version": "0.1.0"')] });
      await publish('packages/securestore');
      expectRefusal(await attempt(repository, unbuilt), '✗ Every version exists already');
    });

    it('goes to the registry of the trial, whatever the user has said of the scope', async () => {
      const repository = await madeUp();
      const publish = await registryOf(repository);
      const settings = join(await mkdtemp(join(tmpdir(), 'securestore-npmrc-')), '.npmrc');
      onTestFinished(async () => rm(dirname(settings), { recursive: true }));
      await writeFile(settings, `@securestore:registry=${NOWHERE}\n`);
      vi.stubEnv('npm_config_userconfig', settings);
      onTestFinished(() => void vi.stubEnv('npm_config_userconfig', undefined));
      await publish('packages/one');
      const found = await fetch(new URL('/@securestore%2fone', process.env['npm_config_registry']));
      expect(found.status).toBe(200);
    });

    it('is refused where that is not known', async () => {
      useRegistry(NOWHERE);
      vi.stubEnv('npm_config_fetch_retries', '0');
      const outcome = await attempt(await madeUp(), unbuilt);
      expectRefusal(outcome, '✗ Which versions of @securestore/one are published is not known');
    });
  });
});
