import { chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { SecureStoreError } from '@securestore/core-format';
import {
  createStore,
  type Discovery,
  findConfig,
  hasBackup,
  listSnapshots,
  loadConfig,
  migrateStore,
  openStore,
  rawKey,
} from 'securestore';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'securestore-config-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

const write = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);

describe('the configuration file', () => {
  it('is empty where there is none', async () => {
    expect(await loadConfig(folder)).toEqual({});
  });

  it.each([
    ['securestore.config.json', '{ "store": "sqlite:./a.db", "backends": { "demo": "demo-backend" } }'],
    ['securestore.config.js', 'module.exports = { store: "sqlite:./a.db", backends: { demo: "demo-backend" } }'],
    [
      'securestore.config.ts',
      'const store: string = "sqlite:./a.db"; export default { store, backends: { demo: "demo-backend" } }',
    ],
  ])('is read from %s', async (name, text) => {
    await write(name, text);
    const store = `sqlite:${join(folder, 'a.db')}`;
    expect(await loadConfig(folder)).toEqual({ store, backends: { demo: 'demo-backend' } });
  });

  it.each([
    ['sqlite:a.db', 'sqlite:HERE/a.db'],
    ['sqlite:../a.db', 'sqlite:ABOVE/a.db'],
    ['file:./vault/', 'file:HERE/vault/'],
    ['file:/srv/vault', 'file:/srv/vault'],
    ['sqlite:///srv/vault.db', 'sqlite:///srv/vault.db'],
    ['memory:name', 'memory:name'],
    ['demo:./x', 'demo:./x'],
    ['sqlite:', 'sqlite:'],
    ['sqlite::memory:', 'sqlite::memory:'],
  ])('means paths in it from its own folder: %s', async (store, expected) => {
    await write('securestore.config.json', JSON.stringify({ store }));
    const wanted = expected.replace('HERE', folder).replace('ABOVE', dirname(folder));
    expect(await loadConfig(folder)).toEqual({ store: wanted });
  });

  it.each([
    ['no JSON', '{'],
    ['no object', '[]'],
    ['an unknown setting', '{ "sotre": "x" }'],
    ['a store that is no text', '{ "store": 1 }'],
    ['a store that is no store URL', '{ "store": "./vault.db" }'],
    ['an empty store', '{ "store": "" }'],
    ['backends that are no map', '{ "backends": { "demo": 1 } }'],
    ['a health that is no object', '{ "health": [] }'],
    ['an unknown setting of the health', '{ "health": { "auditor": {} } }'],
    ['an unknown threshold', '{ "health": { "thresholds": { "maxAge": 1 } } }'],
    ['a threshold of backups that is no number', '{ "health": { "backups": { "maxAge": "1h" } } }'],
  ])('is refused with %s, by its name', async (_, text) => {
    await write('securestore.config.json', text);
    await expect(loadConfig(folder)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('securestore.config.json'),
    });
  });

  // T-CLI-04
  it.each(['memory', 'file', 'sqlite', 's3', 'gs', 'azblob', 'postgres', 'redis', 'rediss', 'mongodb+srv', 'https'])(
    'gives no other package to the built-in scheme %s',
    async (scheme) => {
      await write('securestore.config.json', JSON.stringify({ backends: { [scheme]: 'theirs' } }));
      await expect(loadConfig(folder)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining(`must not name a package for ${scheme}: in "backends"`),
      });
    },
  );

  it('is found without being run', async () => {
    expect(await findConfig(folder)).toBeUndefined();
    await write('securestore.config.js', 'throw new Error("run")');
    expect(await findConfig(folder)).toBe(join(folder, 'securestore.config.js'));
    await write('securestore.config.json', '{}');
    await expect(findConfig(folder)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('is not looked at by a program that has settings of its own, whose word goes before any package runs', async () => {
    await write('securestore.config.js', 'globalThis.canaryOfConfig = true; module.exports = {}');
    await write('package.json', '{}');
    await mkdir(join(folder, 'node_modules', 'demo-backend'), { recursive: true });
    await write('node_modules/demo-backend/package.json', '{ "name": "demo-backend", "version": "1.2.3" }');
    await write('node_modules/demo-backend/index.js', 'globalThis.canaryOfConfig = true;');
    const found: unknown[] = [];
    const discovery: Discovery = {
      before: [],
      config: async () => ({ backends: { demo: 'demo-backend' } }),
      approve: async (one) => {
        found.push(one);
        throw new SecureStoreError('ACCESS_DENIED', 'not trusted');
      },
    };
    const options = { unlock: rawKey(new Uint8Array(32)), resolveFrom: folder, discovery };
    for (const call of [
      () => openStore('demo:x', options),
      () => createStore('demo:x', options),
      () => hasBackup('demo:x', { resolveFrom: folder, discovery }),
      () => listSnapshots('demo:x', options),
      async () => await migrateStore('demo:x', 'demo:y', options),
    ]) {
      await expect(call()).rejects.toMatchObject({
        code: 'ACCESS_DENIED',
        message: expect.stringContaining('not trusted'),
      });
    }
    const home = join(folder, 'node_modules', 'demo-backend');
    const wanted = { packageName: 'demo-backend', entry: join(home, 'index.js'), manifest: join(home, 'package.json') };
    expect(found).toEqual(Array.from({ length: 5 }, () => wanted));
    expect(globalThis).not.toHaveProperty('canaryOfConfig');
  });

  // T-PROCESS-02
  it.skipIf(process.getuid?.() !== 0)(
    'of another user, or in the folder of another user, is not used (root alone can make one)',
    async () => {
      await write('securestore.config.json', '{}');
      await chown(join(folder, 'securestore.config.json'), 1234, 1234);
      await expect(loadConfig(folder)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      await chown(join(folder, 'securestore.config.json'), 0, 0);
      expect(await loadConfig(folder)).toEqual({});
      await chown(folder, 1234, 1234);
      await expect(loadConfig(folder)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      await chown(folder, 0, 0);
    },
  );

  it('is refused where there are two', async () => {
    await write('securestore.config.json', '{}');
    await write('securestore.config.ts', 'export default {}');
    await expect(loadConfig(folder)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('says which package serves a scheme', async () => {
    await write('package.json', '{}');
    await write('securestore.config.json', '{ "backends": { "demo": "no-such-package-of-ours" } }');
    const opening = openStore('demo:x', { unlock: rawKey(new Uint8Array(32)), resolveFrom: folder });
    await expect(opening).rejects.toMatchObject({
      code: 'BACKEND_NOT_INSTALLED',
      message: expect.stringContaining('no-such-package-of-ours'),
    });
  });
});

describe('what is kept in a store', () => {
  it.each([
    { categories: { team: ['team/**'] } },
    { history: { versions: 1 } },
    { names: 'plain' as const },
    { journal: true },
  ])('is refused where a store is only opened: %o', async (kept) => {
    const opening = openStore('memory:', { unlock: rawKey(new Uint8Array(32)), ...kept });
    await expect(opening).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
