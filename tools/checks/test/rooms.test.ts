import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ROOMS, upwardImports } from '../src/rooms.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** How many files may be in a folder of sources beside its rooms. */
const MAX_ENTRIES = 12;

function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-rooms-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

describe.each(Object.entries(ROOMS))('the rooms of %s', (name, rooms) => {
  const folder = join(root, name);

  it('import from lower ones alone', () => {
    expect(upwardImports(folder, rooms)).toEqual([]);
  });

  it('are all of its folders with sources', () => {
    const files = globSync('*/**/*.{ts,tsx}', { cwd: folder });
    expect([...new Set(files.map((file) => dirname(file).split('/', 1).join()))].toSorted()).toEqual(
      [...rooms].toSorted(),
    );
  });
});

describe('a folder of sources', () => {
  const sources = globSync('{packages,tools}/*/src', { cwd: root });

  it('is found', () => {
    expect(sources.length).toBeGreaterThan(40);
  });

  it.each(sources)('has few files beside its rooms, and an order of these: %s', (source) => {
    expect(globSync('*.{ts,tsx}', { cwd: join(root, source) }).length).toBeLessThanOrEqual(MAX_ENTRIES);
    const isOrdered = Object.keys(ROOMS).some((name) => `${name}/`.startsWith(`${source}/`));
    expect(isOrdered || globSync('*/**/*.ts', { cwd: join(root, source) }).length === 0).toBe(true);
  });
});

it('an import of a higher room is found, also of a type, and one of an entry, and a room that is not listed', () => {
  const folder = folderOf({
    'src/index.ts': "export * from './upper/a.ts';",
    'src/lower/b.ts': "import type { A } from '../upper/a.ts';\nexport type B = A;",
    'src/lower/c.ts': "import { index } from '../index.ts';\nexport { b } from './b.ts';",
    'src/upper/a.ts': "import { b } from '../lower/b.ts';\nawait import('../attic/d.ts');",
    'src/attic/d.ts': "import { b } from '../lower/b.ts';",
  });
  expect(upwardImports(join(folder, 'src'), ['lower', 'upper']).toSorted()).toEqual([
    'attic/d.ts -> lower/b.ts',
    'lower/b.ts -> upper/a.ts',
    'lower/c.ts -> index.ts',
    'upper/a.ts -> attic/d.ts',
  ]);
});

it('two files that import each other do not pass the linter, also if it is only for a type', () => {
  const folder = folderOf({
    'a.ts': "import type { B } from './b.ts';\nexport interface A {\n  readonly b?: B;\n}\n",
    'b.ts': "import type { A } from './a.ts';\nexport interface B {\n  readonly a?: A;\n}\n",
  });
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/oxlint/bin/oxlint'), '--config', join(root, '.oxlintrc.json'), folder],
    { encoding: 'utf8' },
  );
  expect(stdout).toContain('import(no-cycle)');
  expect(status).toBe(1);
});

/** Functions of these names. */
const functionsOf = (names: readonly string[]): string =>
  names.map((name, at) => `export const ${name} = (value: number): number => value * ${at} + 1;\n`).join('');

it('code that is copied between packages does not pass the budget for duplicates, and code that differs does', () => {
  const functions = functionsOf(['one', 'two', 'three', 'four', 'five', 'six', 'seven']);
  const statusOf = (other: string): number | null => {
    const folder = folderOf({ 'packages/one/src/sum.ts': functions, 'tools/other/src/sums/sum.ts': other });
    cpSync(join(root, '.jscpd.json'), join(folder, '.jscpd.json'));
    const tool = join(root, 'node_modules/jscpd/run-jscpd.js');
    return spawnSync(process.execPath, [tool], { cwd: folder }).status;
  };
  expect(statusOf(functions)).toBe(1);
  expect(statusOf(`export const text = ${JSON.stringify(functions)};\n`)).toBe(0);
});
