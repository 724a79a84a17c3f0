import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { inspectTarball } from '../src/inspect.ts';
import { npm } from '../src/pack.ts';
import type { Tarball } from '../src/pack.ts';

const DOCUMENTS: Record<string, string> = { 'README.md': '# Sample\n', LICENSE: 'MIT\n' };

async function pack(files: Record<string, string>): Promise<Tarball> {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-inspect-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  await npm(['pack'], folder);
  return { name: 'sample', folder, file: join(folder, 'sample-1.0.0.tgz') };
}

const manifest = (exports: object): string =>
  JSON.stringify({ name: 'sample', version: '1.0.0', type: 'module', license: 'MIT', files: ['dist'], exports });

describe('inspectTarball', () => {
  it('has nothing against a package of ES modules with types', async () => {
    const tarball = await pack({
      ...DOCUMENTS,
      'package.json': manifest({ '.': { types: './dist/index.d.ts', default: './dist/index.js' } }),
      'dist/index.js': 'export const one = 1;\n',
      'dist/index.d.ts': 'export declare const one: 1;\n',
    });
    expect(await inspectTarball(tarball)).toEqual([]);
  });

  it('finds an export whose file was not packed', async () => {
    const tarball = await pack({
      ...DOCUMENTS,
      'package.json': manifest({ '.': { types: './dist/index.d.ts', default: './dist/index.js' } }),
      'dist/index.d.ts': 'export declare const one: 1;\n',
    });
    expect((await inspectTarball(tarball)).join('\n')).toMatch(/^sample: publint: .*dist\/index\.js/);
  });

  it('finds that there is no readme and no licence', async () => {
    const tarball = await pack({
      'package.json': manifest({ '.': { types: './dist/index.d.ts', default: './dist/index.js' } }),
      'dist/index.js': 'export const one = 1;\n',
      'dist/index.d.ts': 'export declare const one: 1;\n',
    });
    expect(await inspectTarball(tarball)).toEqual(['sample: there is no README.md', 'sample: there is no LICENSE']);
  });

  it.each(['await using file = open();', 'using file = open();', 'for (await using file of files) file;'])(
    'finds what an older Node would not parse: %s',
    async (code) => {
      const tarball = await pack({
        ...DOCUMENTS,
        'package.json': manifest({ '.': { types: './dist/index.d.ts', default: './dist/index.js' } }),
        'dist/index.js': `export async function one() {\n\t${code}\n}\n`,
        'dist/index.d.ts': 'export declare function one(): Promise<void>;\n',
      });
      expect((await inspectTarball(tarball)).join('\n')).toMatch(/^sample: index\.js holds "using"/);
    },
  );

  it('finds types that lead nowhere for those who resolve by the book', async () => {
    const tarball = await pack({
      'package.json': manifest({ '.': { types: './dist/index.d.ts', default: './dist/index.js' } }),
      'dist/index.js': 'export const one = 1;\n',
      'dist/index.d.ts': "export * from './other';\n",
      'dist/other.d.ts': 'export declare const one: 1;\n',
    });
    expect((await inspectTarball(tarball)).join('\n')).toContain('attw: {"kind":"InternalResolutionError"');
  });
});
