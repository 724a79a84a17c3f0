import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findExamples } from '../src/examples.ts';

const root: string = fileURLToPath(new URL('../../..', import.meta.url));
const documents = globSync(['README.md', 'docs/**/*.md', 'packages/*/README.md'], { cwd: root });
const examples = (
  await Promise.all(
    documents.map(async (document) =>
      findExamples(await readFile(join(root, document), 'utf8')).map((example) => ({ document, ...example })),
    ),
  )
).flat();

describe('findExamples', () => {
  it('takes the marked blocks and their lines, and no others', () => {
    const text = [
      '# T',
      '```ts',
      'not();',
      '```',
      'and',
      '```ts run',
      'one();',
      'console.log(two()); // 2',
      '```',
      '```sh',
      '```',
    ];
    expect(findExamples(text.join('\n'))).toEqual([
      { line: 7, code: 'one();\nconsole.log(two()); // 2', output: ['2'] },
    ]);
  });

  it('refuses a block that is not closed', () => {
    expect(() => findExamples('```ts run\none();')).toThrow("line 1 isn't closed");
  });
});

describe('the examples in the documentation', () => {
  it('are there', () => {
    expect(examples.map(({ document }) => document)).toContain('README.md');
  });

  it.each(examples)('$document, line $line runs and prints what it says', async ({ document, line, code, output }) => {
    // Beside the sources, so that packages resolve as they do for a file of this repository; run in an empty folder.
    const folder = join(root, '.cache/examples');
    await mkdir(folder, { recursive: true });
    const file = join(folder, `${document.replaceAll(/[^a-zA-Z]/g, '-')}-${line}.ts`);
    const cwd = await mkdtemp(join(tmpdir(), 'securestore-example-'));
    onTestFinished(async () => {
      await rm(file, { force: true });
      await rm(cwd, { recursive: true });
    });
    await writeFile(file, code);
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@securestore/source', file], { cwd });
    expect(stdout).toBe(output.map((text) => `${text}\n`).join(''));
  });
});
