import { chown, lchown, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Advice } from '@securestore/core-format';
import { MemoryBackend, memoryBackend } from '@securestore/backend-memory';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FoundPackage, packagesOfApplication, resolveBackend } from '../../src/index.ts';

const METHODS = ['init', 'read', 'write', 'delete', 'list', 'close'].map((name) => `async ${name}() {}`).join(', ');

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'securestore-discovery-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function application(manifest: unknown): Promise<void> {
  await writeFile(join(folder, 'package.json'), typeof manifest === 'string' ? manifest : JSON.stringify(manifest));
}

/** The code of a plugin that serves `schemes`; its backend is called `name`. */
function plugin(name: string, schemes: readonly string[], contract = 1): string {
  const create = `() => ({ name: '${name}', capabilities: {}, ${METHODS} })`;
  return `export default { name: '${name}', schemes: ${JSON.stringify(schemes)}, contract: ${contract}, create: ${create} };`;
}

async function install(name: string, code: string, manifest: Record<string, unknown> = {}): Promise<void> {
  const target = join(folder, 'node_modules', name);
  await mkdir(target, { recursive: true });
  const exports = { '.': { default: './index.js' }, './package.json': './package.json' };
  await writeFile(join(target, 'package.json'), JSON.stringify({ name, type: 'module', exports, ...manifest }));
  await writeFile(join(target, 'index.js'), code);
}

function declaring(schemes: unknown, rest: object = { contract: 1 }): Record<string, unknown> {
  return { securestore: { backend: { schemes, ...rest } } };
}

function refusal(code: string, message = /./, advice?: readonly Advice[]): unknown {
  return expect.objectContaining({ code, message: expect.stringMatching(message), ...(advice && { advice }) });
}

describe('resolveBackend', () => {
  it('takes a backend object as it is, whatever the scheme', async () => {
    const backend = new MemoryBackend();
    expect(await resolveBackend('own:place', { backend, resolveFrom: folder })).toBe(backend);
  });

  it('refuses a backend object that is none', async () => {
    const backend = { name: 'x', read: () => undefined } as unknown as MemoryBackend;
    await expect(resolveBackend('own:', { backend })).rejects.toEqual(refusal('INVALID_ARGUMENT', /no method init/));
  });

  // T-PROCESS-02
  it.skipIf(process.getuid?.() !== 0)(
    'runs no package of another user, also from a folder above that of the application (root alone can make one)',
    async () => {
      const below = await mkdtemp(join(folder, 'application-'));
      await install('@securestore/backend-redis', plugin('redis', ['redis']));
      const packages = join(folder, 'node_modules');
      const scope = join(packages, '@securestore');
      const code = join(scope, 'backend-redis', 'index.js');
      const resolve = (): Promise<unknown> => resolveBackend('redis://host', { resolveFrom: below });
      await resolve();
      for (const path of [packages, scope, join(scope, 'backend-redis'), code]) {
        await chown(path, 1234, 1234);
        await expect(resolve(), path).rejects.toEqual(refusal('INVALID_ARGUMENT', /belongs to another user/));
        await chown(path, 0, 0);
      }
      await resolve();
      const own = await mkdtemp(join(folder, 'own-'));
      const link = join(own, 'node_modules', '@securestore', 'backend-redis');
      await mkdir(join(own, 'node_modules', '@securestore'), { recursive: true });
      await symlink(join(scope, 'backend-redis'), link);
      expect(await resolveBackend('redis://host', { resolveFrom: own })).toMatchObject({ name: 'redis' });
      await lchown(link, 1234, 1234);
      const linked = resolveBackend('redis://host', { resolveFrom: own });
      await expect(linked).rejects.toEqual(refusal('INVALID_ARGUMENT', /belongs to another user/));
    },
  );

  it('finds an official package beside the caller where the application has none, and no plugin there', async () => {
    const other = await mkdtemp(join(folder, 'elsewhere-'));
    await install('@securestore/backend-redis', plugin('redis', ['redis']));
    await install('mine', plugin('mine', ['mine']), declaring(['mine']));
    await application({ dependencies: { mine: '*' } });
    const backend = await resolveBackend('redis://host/0', { resolveFrom: other, besides: folder });
    expect(backend.name).toBe('redis');
    await expect(resolveBackend('mine:x', { resolveFrom: other, besides: folder })).rejects.toEqual(
      refusal('INVALID_ARGUMENT', /^unknown scheme mine:\. Installed backends: .*redis:/),
    );
  });

  it('takes official packages from the folders that come first, without asking, and asks about those of the application', async () => {
    const here = await mkdtemp(join(folder, 'application-'));
    const theirs = folder;
    await install('@securestore/backend-redis', plugin('first', ['redis']));
    folder = here;
    try {
      await install('@securestore/backend-redis', plugin('other', ['redis']));
      await install('@securestore/backend-s3', plugin('s3', ['s3']));
      await install('mine', plugin('mine', ['mine']), declaring(['mine']));
      await install('named', plugin('named', ['named']));
      await application({ dependencies: { mine: '*', 'left-pad': '*' } });
      const asked: string[] = [];
      const approve = async ({ packageName }: FoundPackage): Promise<void> => void asked.push(packageName);
      const options = { resolveFrom: here, before: [theirs], approve, backends: { named: 'named' } };
      expect((await resolveBackend('redis://host', options)).name).toBe('first');
      expect(asked).toEqual([]);
      for (const url of ['s3://bucket', 'mine:x', 'named:x']) await resolveBackend(url, options);
      expect(asked).toEqual(['@securestore/backend-s3', 'mine', 'named']);
      const all = await packagesOfApplication(here, ['named', './no-name']);
      const names = ['named', '@securestore/backend-s3', '@securestore/backend-redis', 'mine'];
      expect(all.map(({ packageName }) => packageName).toSorted()).toEqual(names.toSorted());
    } finally {
      folder = theirs;
    }
  });

  it('runs nothing of a package that is refused', async () => {
    await install('mine', `globalThis.canaryOfRefused = true; ${plugin('mine', ['mine'])}`, declaring(['mine']));
    await application({ dependencies: { mine: '*' } });
    const options = { resolveFrom: folder, approve: () => Promise.reject(new Error('refused')) };
    await expect(resolveBackend('mine:x', options)).rejects.toThrow('refused');
    expect(globalThis).not.toHaveProperty('canaryOfRefused');
  });

  it('takes the package that the backends option names, also over an official one', async () => {
    await install('my-files', plugin('mine', ['file']));
    const backend = await resolveBackend('file:./x', { backends: { file: 'my-files' }, resolveFrom: folder });
    expect(backend.name).toBe('mine');
  });

  it('imports what the caller depends on itself', async () => {
    const builtIn = { memory: async () => ({ default: memoryBackend }) };
    expect(await resolveBackend('memory:', { builtIn, resolveFrom: folder })).toBeInstanceOf(MemoryBackend);
  });

  it('says which built-in backend can not be imported', async () => {
    const builtIn = { memory: async () => Promise.reject(new Error('gone')) };
    await expect(resolveBackend('memory:', { builtIn, resolveFrom: folder })).rejects.toEqual(
      refusal('UNAVAILABLE', /@securestore\/backend-memory/),
    );
  });

  it('imports an official package that the application has installed', async () => {
    await install('@securestore/backend-s3', plugin('s3', ['s3']));
    expect((await resolveBackend('s3://bucket', { resolveFrom: folder })).name).toBe('s3');
  });

  it('says what an official package that is missing is called, and not that it can be had', async () => {
    await install('@securestore/backend-redis', plugin('redis', ['redis', 'rediss']));
    const builtIn = { memory: async () => ({ default: memoryBackend }) };
    const missing = resolveBackend('postgres://user:hunter2@host/db', { resolveFrom: folder, builtIn });
    const message =
      /^(?!.*hunter2).*@securestore\/backend-postgres, is not installed\. Installed backends: memory:, redis:, rediss:\.$/;
    const advice = [{ id: 'install-package', package: '@securestore/backend-postgres' }] as const;
    await expect(missing).rejects.toEqual(refusal('BACKEND_NOT_INSTALLED', message, advice));
  });

  it.each(['dependencies', 'optionalDependencies', 'devDependencies'])('finds a plugin among the %s', async (field) => {
    await install('level-store', plugin('level', ['level']), declaring(['level', 'rocks']));
    await install('left-pad', 'export default 1;');
    await application({ [field]: { 'left-pad': '1', 'level-store': '^1', 'not-installed': '1' } });
    expect((await resolveBackend('level:./db', { resolveFrom: folder })).name).toBe('level');
  });

  it('finds only direct dependencies', async () => {
    await install('level-store', plugin('level', ['level']), declaring(['level']));
    await application({ dependencies: {} });
    await expect(resolveBackend('level:./db', { resolveFrom: folder })).rejects.toEqual(refusal('INVALID_ARGUMENT'));
  });

  it('never lets a plugin take an official scheme', async () => {
    await install('thief', plugin('thief', ['s3']), declaring(['s3']));
    await application({ dependencies: { thief: '1' } });
    await expect(resolveBackend('s3://b', { resolveFrom: folder })).rejects.toEqual(refusal('BACKEND_NOT_INSTALLED'));
  });

  it('says that a scheme that a plugin claims is reserved, and does not count it among those that are served', async () => {
    await install('thief', plugin('thief', ['s3']), declaring(['s3', 'loot']));
    await application({ dependencies: { thief: '1' } });
    const message =
      /Installed backends: loot:\. The package thief declares that scheme, which is reserved for @securestore\/backend-s3\.$/;
    await expect(resolveBackend('s3://b', { resolveFrom: folder })).rejects.toEqual(
      refusal('BACKEND_NOT_INSTALLED', message),
    );
    await expect(resolveBackend('other:', { resolveFrom: folder })).rejects.toEqual(
      refusal('INVALID_ARGUMENT', /Installed backends: loot:\./),
    );
  });

  it('names a plugin that does not export its package.json, and what it has to add', async () => {
    const exports = { '.': { default: './index.js' } };
    await install('level-store', plugin('level', ['level']), { ...declaring(['level']), exports });
    await install('@scope/level-store', plugin('level', ['rocks']), { ...declaring(['rocks']), exports });
    await application({ dependencies: { 'level-store': '1', '@scope/level-store': '1' } });
    const add = String.raw`"exports" lack "\./package\.json": "\./package\.json"`;
    for (const [scheme, name] of [
      ['level', 'level-store'],
      ['rocks', '@scope/level-store'],
    ]) {
      await expect(resolveBackend(`${scheme}:./db`, { resolveFrom: folder })).rejects.toEqual(
        refusal('INVALID_ARGUMENT', new RegExp(`^${name} declares the scheme ${scheme}:, but its ${add}`)),
      );
    }
    await expect(resolveBackend('other:', { resolveFrom: folder })).rejects.toEqual(
      refusal('INVALID_ARGUMENT', /Installed backends: none\./),
    );
  });

  it.each([
    ['by its scheme', {}],
    ['by the backends option', { backends: { level: 'level-store' } }],
  ])('says that a plugin is installed and was not built, where it is found %s', async (_, options) => {
    const exports = { '.': { default: './dist/index.js' }, './package.json': './package.json' };
    await install('level-store', plugin('level', ['level']), { ...declaring(['level']), exports });
    await application({ dependencies: { 'level-store': '1' } });
    const found = resolveBackend('level:./db', { ...options, resolveFrom: folder });
    const message = /^cannot load the package level-store: its entry point does not exist$/;
    await expect(found).rejects.toEqual(refusal('UNAVAILABLE', message));
  });

  it('says which package.json was read', async () => {
    await application({ dependencies: {} });
    const expected = `Plugins are direct dependencies in ${join(folder, 'package.json')}.`;
    const unknown = resolveBackend('level:./db', { resolveFrom: folder });
    await expect(unknown).rejects.toMatchObject({ message: expect.stringContaining(expected) });
  });

  it('says which schemes are served, and recommends no package', async () => {
    await install('level-store', plugin('level', ['level']), declaring(['level']));
    await application({ dependencies: { 'level-store': '1' } });
    const unknown = resolveBackend('shelf:./db', { resolveFrom: folder, backends: { own: 'mine' } });
    const message = /^unknown scheme shelf:\. Installed backends: level:, own:\./;
    await expect(unknown).rejects.toEqual(refusal('INVALID_ARGUMENT', message));
    await expect(unknown).rejects.not.toHaveProperty('advice');
  });

  it.each([
    ['sqlit', 'sqlite'],
    ['sqlite3', 'sqlite'],
    ['slqite', 'sqlite'],
    ['flie', 'file'],
    ['postgre', 'postgres'],
    ['mongodbs', 'mongodb'],
    ['levle', 'level'],
    ['owm', 'own'],
    ['s33', 's3'],
  ])('says for %s: that %s: may be meant', async (given, meant) => {
    await install('level-store', plugin('level', ['level']), declaring(['level']));
    await application({ dependencies: { 'level-store': '1' } });
    const unknown = resolveBackend(`${given}:./db`, { resolveFrom: folder, backends: { own: 'mine' } });
    const message = new RegExp(`^unknown scheme ${given}:\\. Installed backends: level:, own:\\.`);
    const advice = [{ id: 'give-store-url', form: `${meant}:…` }] as const;
    await expect(unknown).rejects.toEqual(refusal('INVALID_ARGUMENT', message, advice));
  });

  it.each(['constructor:x', '__proto__:x', 'tostring:x', 'hasOwnProperty:x'])('knows no scheme %s', async (url) => {
    await expect(resolveBackend(url, { backends: {}, builtIn: {}, resolveFrom: folder })).rejects.toEqual(
      refusal('INVALID_ARGUMENT'),
    );
  });

  it('names both packages where two declare one scheme', async () => {
    await install('one', plugin('one', ['level']), declaring(['level']));
    await install('two', plugin('two', ['level']), declaring(['level']));
    await application({ dependencies: { one: '1', two: '1' } });
    await expect(resolveBackend('level:', { resolveFrom: folder })).rejects.toEqual(
      refusal('INVALID_ARGUMENT', /one and two both declare/),
    );
  });

  it.each([{ contract: 2 }, { contract: '1' }, { contract: null }, { contract: {} }, {}])(
    'refuses %j before it runs the code',
    async (declared) => {
      await install('level-store', 'throw new Error("it ran");', declaring(['level'], declared));
      await application({ dependencies: { 'level-store': '1' } });
      await expect(resolveBackend('level:', { resolveFrom: folder })).rejects.toEqual(
        refusal('UNSUPPORTED', /^level-store has .* contract, but this release needs version 1$/),
      );
    },
  );

  it('refuses another contract in the code than in the declaration', async () => {
    await install('level-store', plugin('level', ['level'], 3), declaring(['level']));
    await application({ dependencies: { 'level-store': '1' } });
    await expect(resolveBackend('level:', { resolveFrom: folder })).rejects.toEqual(
      refusal('UNSUPPORTED', /version 3 .*version 1/),
    );
  });

  it('refuses a package that does not serve the scheme it was taken for', async () => {
    await install('level-store', plugin('level', ['rocks']));
    const mapped = resolveBackend('level:', { backends: { level: 'level-store' }, resolveFrom: folder });
    await expect(mapped).rejects.toEqual(
      refusal('INVALID_ARGUMENT', /^the package level-store is a backend of rocks:, not of level:$/),
    );
  });

  it.each([
    '../evil',
    './evil',
    '/evil',
    'node:fs',
    'a/b',
    'https://x/y.js',
    '',
    'data:text/javascript,0',
    '..',
    'fs',
    7,
  ])('refuses %j as a package name', async (name) => {
    const backends = { level: name as string };
    await expect(resolveBackend('level:', { backends, resolveFrom: folder })).rejects.toEqual(
      refusal('INVALID_ARGUMENT', /^the option "backends" must name an npm package for level:$/),
    );
  });

  it.each(['not json', '[]', 'null', '7', '{"dependencies":'])(
    'says which package.json is broken: %s',
    async (text) => {
      await application(text);
      await expect(resolveBackend('level:', { resolveFrom: folder })).rejects.toEqual(
        refusal('INVALID_ARGUMENT', /package\.json must be a JSON object$/),
      );
    },
  );

  it.each([
    { dependencies: 'level-store' },
    { dependencies: ['level-store'] },
    { dependencies: null },
    { dependencies: { '../level-store': '1', 'node:fs': '1', 'a/b/c': '1', __proto__: '1' } },
  ])('finds nothing in %j', async (manifest) => {
    await install('level-store', plugin('level', ['level']), declaring(['level']));
    await application(manifest);
    await expect(resolveBackend('level:', { resolveFrom: folder })).rejects.toEqual(refusal('INVALID_ARGUMENT'));
  });

  it.each(['level', { 0: 'level' }, [7, null, ['level']], null])('ignores the schemes %j', async (schemes) => {
    await install('level-store', plugin('level', ['level']), declaring(schemes));
    await application({ dependencies: { 'level-store': '1' } });
    await expect(resolveBackend('level:', { resolveFrom: folder })).rejects.toEqual(refusal('INVALID_ARGUMENT'));
  });

  it.each([
    ['throws', 'throw new Error("boom");', 'UNAVAILABLE', /its code failed/],
    [
      'has no default export',
      'export const backend = 1;',
      'INVALID_ARGUMENT',
      /the default export must be a backend definition/,
    ],
    ['exports something else', 'export default { name: "x" };', 'INVALID_ARGUMENT', /schemes/],
    ['imports what is missing', 'import "not-there";', 'UNAVAILABLE', /its code failed/],
  ])('says what is wrong with a plugin that %s', async (_, code, expected, message) => {
    await install('level-store', code, declaring(['level']));
    await application({ dependencies: { 'level-store': '1' } });
    await expect(resolveBackend('level:', { resolveFrom: folder })).rejects.toEqual(refusal(expected, message));
  });

  it('says that a plugin without a default entry has none', async () => {
    const exports = { '.': { browser: './index.js' }, './package.json': './package.json' };
    await install('level-store', plugin('level', ['level']), { ...declaring(['level']), exports });
    await application({ dependencies: { 'level-store': '1' } });
    await expect(resolveBackend('level:', { resolveFrom: folder })).rejects.toEqual(
      refusal('UNAVAILABLE', /exports no "default" entry/),
    );
  });

  it.each([{ backends: null }, { backends: 'level' }, { resolveFrom: 7 }])(
    'refuses the options %j',
    async (options) => {
      // Callers without types do this.
      await expect(resolveBackend('level:', options as object)).rejects.toEqual(refusal('INVALID_ARGUMENT'));
    },
  );

  it('finds nothing where the folder has no package.json', async () => {
    const nowhere = resolveBackend('level:', { resolveFrom: join(folder, 'nowhere') });
    await expect(nowhere).rejects.toEqual(refusal('INVALID_ARGUMENT', /Installed backends: none\.$/));
  });
});
