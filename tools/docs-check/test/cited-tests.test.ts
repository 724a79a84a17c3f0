import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { citedTests } from '../src/pages/cited-tests.ts';
import { promiseFindings, promiseIds } from '../src/pages/promises.ts';

const document = new URL('../../../docs/threat-model.md', import.meta.url);
const text = await readFile(document, 'utf8');
const cited = citedTests(text);

describe('citedTests', () => {
  it('finds files and titles', () => {
    expect(citedTests('- so: [a.test.ts](../a.test.ts): `one`; `two`; [b](b.test.ts): `three`')).toEqual([
      { file: '../a.test.ts', title: 'one' },
      { file: '../a.test.ts', title: 'two' },
      { file: 'b.test.ts', title: 'three' },
    ]);
  });
});

const page = (promises: readonly string[], entries: readonly string[]): string =>
  [...promises, '', '## Tests', '', ...entries, ''].join('\n');
const promise = (id: string, anchor = id.toLowerCase()): string =>
  `- <a id="${anchor}"></a>**${id}** An attacker learns nothing.`;
const entry = (id: string, tests = '[a.test.ts](../a.test.ts): `one`'): string =>
  `- [${id}](#${id.toLowerCase()}): ${tests}`;

describe('promiseFindings', () => {
  it('finds nothing wrong with promises that each have a test, or a reason why there is none', () => {
    const promises = [promise('T-A-01'), promise('T-B-01')];
    expect(promiseIds(promises.join('\n'))).toEqual(['T-A-01', 'T-B-01']);
    expect(promiseFindings(page(promises, [entry('T-A-01'), entry('T-B-01', 'none: it follows from T-A-01')]))).toEqual(
      [],
    );
  });

  it.each([
    [[promise('T-A-01'), promise('T-A-01')], [entry('T-A-01')], 'T-A-01 is promised twice'],
    [[promise('T-A-01')], [entry('T-A-01'), entry('T-A-01')], 'T-A-01 is twice in the appendix'],
    [[promise('T-A-01'), promise('T-A-02')], [entry('T-A-01')], 'T-A-02 is not in the appendix'],
    [[promise('T-A-01')], [entry('T-A-01'), entry('T-A-02')], 'T-A-02 is in the appendix alone'],
    [[promise('T-A-01', 't-a-02')], [entry('T-A-01')], 'T-A-01 has the wrong anchor'],
    [['- **T-A-01** An attacker learns nothing.'], [entry('T-A-01')], 'T-A-01 has the wrong anchor'],
    [[promise('T-A-01')], ['- [T-A-01](#t-a-1): [a.test.ts](a.test.ts): `one`'], 'T-A-01 has the wrong anchor'],
    [['- <a id="t-a-01"></a>**T-A-01**  '], [entry('T-A-01')], 'T-A-01 promises nothing'],
    [[promise('T-A-01')], [entry('T-A-01', 'see the code')], 'T-A-01 has no test, and does not say why'],
    [[promise('T-A-01')], [entry('T-A-01', '[a.test.ts](a.test.ts)')], 'T-A-01 has no test, and does not say why'],
    [[promise('T-A-01')], [entry('T-A-01', 'none: ')], 'T-A-01 has no test, and does not say why'],
    [[promise('T-A-01'), '_Limit:_ T-A-03.'], [entry('T-A-01')], 'T-A-03 is mentioned, and not promised'],
  ])('finds what was planted: %#', (promises, entries, finding) => {
    expect(promiseFindings(page(promises, entries))).toEqual([finding]);
  });

  it('finds that there is no appendix', () => {
    expect(promiseFindings(promise('T-A-01'))).toEqual(['there is no appendix "## Tests"']);
  });
});

describe('the threat model', () => {
  it('names tests', () => {
    expect(cited.length).toBeGreaterThan(240);
    // Every link to tests is such a citation.
    expect(new Set(cited.map(({ file }) => file)).size).toBe(new Set(text.match(/\([^)\s]+\.test\.ts\)/g)).size);
  });

  it('has an id for each promise, and tests for each id', () => {
    expect(promiseIds(text).length).toBeGreaterThan(120);
    expect(promiseFindings(text)).toEqual([]);
  });

  it.each(cited)('names a test that is there: $file, "$title"', async ({ file, title }) => {
    expect(await readFile(new URL(file, document), 'utf8')).toContain(title);
  });
});
