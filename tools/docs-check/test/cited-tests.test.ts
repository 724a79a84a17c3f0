import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { citedTests } from '../src/cited-tests.ts';

const document = new URL('../../../docs/threat-model.md', import.meta.url);
const text = await readFile(document, 'utf8');
const cited = citedTests(text);

describe('citedTests', () => {
  it('finds files and titles', () => {
    expect(citedTests('| so | [a.test.ts](../a.test.ts): "one"; "two"; [b](b.test.ts): "three" |')).toEqual([
      { file: '../a.test.ts', title: 'one' },
      { file: '../a.test.ts', title: 'two' },
      { file: 'b.test.ts', title: 'three' },
    ]);
  });
});

describe('the threat model', () => {
  it('names tests', () => {
    expect(cited.length).toBeGreaterThan(40);
    // Every link to tests is such a citation.
    expect(new Set(cited.map(({ file }) => file)).size).toBe(new Set(text.match(/\([^)\s]+\.test\.ts\)/g)).size);
  });

  it.each(cited)('names a test that is there: $file, "$title"', async ({ file, title }) => {
    expect(await readFile(new URL(file, document), 'utf8')).toContain(title);
  });
});
