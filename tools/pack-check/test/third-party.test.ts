import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { thirdPartyFolders } from '../src/third-party.ts';

describe('thirdPartyFolders', () => {
  let root: string;
  const addPackage = (path: string, ...dependencies: string[]): string => {
    const folder = join(root, path);
    mkdirSync(folder, { recursive: true });
    const ranges = Object.fromEntries(dependencies.map((name) => [name, '*']));
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: path, dependencies: ranges }));
    return folder;
  };
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'securestore-third-party-'));
    onTestFinished(() => rmSync(root, { recursive: true }));
  });

  it('follows dependencies to where Node would find them, cycles included, and leaves out our own', async () => {
    const own = addPackage('packages/own', 'a', 'other');
    const a = addPackage('node_modules/a', 'b');
    const b = addPackage('node_modules/a/node_modules/b', 'a');
    expect(await thirdPartyFolders([own], new Set(['other']))).toEqual([a, b]);
  });

  it('follows what must be beside a package, and not what may', async () => {
    const own = addPackage('packages/own');
    const a = addPackage('node_modules/a');
    const peers = { peerDependencies: { a: '*', b: '*' }, peerDependenciesMeta: { b: { optional: true } } };
    writeFileSync(join(own, 'package.json'), JSON.stringify({ name: 'own', ...peers }));
    expect(await thirdPartyFolders([own], new Set())).toEqual([a]);
  });

  it('says which package is missing', async () => {
    const own = addPackage('packages/own', 'a');
    await expect(thirdPartyFolders([own], new Set())).rejects.toThrow(`a isn't installed for ${own}`);
  });

  it('refuses two versions of one package', async () => {
    const own = addPackage('packages/own', 'a', 'b');
    addPackage('node_modules/a', 'b');
    addPackage('node_modules/a/node_modules/b');
    addPackage('node_modules/b');
    await expect(thirdPartyFolders([own], new Set())).rejects.toThrow('b is installed twice');
  });
});
