import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findExamples } from '../src/run/examples.ts';
import { documentExamples, outputOf } from '../src/run/run-example.ts';
import type { DocumentExample } from '../src/run/run-example.ts';

const root: string = fileURLToPath(new URL('../../..', import.meta.url));
const examples = await documentExamples(root);

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

const runs = async (example: DocumentExample): Promise<void> => {
  // Beside the sources, so that packages resolve as they do for a file of this repository, or of the package whose page it
  // stands in: as they were bundled when the tests began.
  const place = example.document.startsWith('packages/') ? join(root, dirname(example.document)) : root;
  const printed = await outputOf(example, join(place, '.cache/examples'), []);
  expect(printed).toBe(example.output.map((text) => `${text}\n`).join(''));
};

describe('the examples in the documentation', () => {
  it('are there', () => {
    expect(examples.map(({ document }) => document)).toContain('README.md');
  });

  // They are processes of their own, and mostly wait.
  it.concurrent.each(examples)('$document, line $line runs and prints what it says', runs);
});
