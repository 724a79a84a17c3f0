import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { citedIds, filesOfPromises, promiseFindings, promiseIds, readTests } from '../src/pages/promises.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const text = readFileSync(join(root, 'docs/threat-model.md'), 'utf8');
const tests = readTests(root);

const promise = (id: string, anchor = id.toLowerCase()): string =>
  `- <a id="${anchor}"></a>**${id}** An attacker learns nothing.`;
const attack = (ids: string): string => `  // ${ids}\n  it.each([])('learns nothing', () => {});\n`;
const file = (...attacks: readonly string[]) => ({ path: 'a.test.ts', text: attacks.join('\n') });

describe('citedIds', () => {
  it('takes the ids of comments above tests', () => {
    expect(citedIds(`// T-A-01\ndescribe('x', () => {\n${attack('T-A-02, T-B-01')}});`)).toEqual([
      'T-A-01',
      'T-A-02',
      'T-B-01',
    ]);
    expect(citedIds('// T-A-01\nconst a = 1;\n// See T-A-02\ntest(a);\n')).toEqual([]);
  });
});

describe('filesOfPromises', () => {
  it('names each file once', () => {
    const files = [file(attack('T-A-01'), attack('T-A-01, T-B-01')), { path: 'b.test.ts', text: attack('T-A-01') }];
    expect([...filesOfPromises(files)]).toEqual([
      ['T-A-01', ['a.test.ts', 'b.test.ts']],
      ['T-B-01', ['a.test.ts']],
    ]);
  });
});

describe('promiseFindings', () => {
  it('finds nothing wrong with promises that each have a test', () => {
    const page = [promise('T-A-01'), promise('T-B-01')].join('\n');
    expect(promiseIds(page)).toEqual(['T-A-01', 'T-B-01']);
    expect(promiseFindings(page, [file(attack('T-A-01'), attack('T-B-01'))])).toEqual([]);
  });

  it.each([
    [[promise('T-A-01'), promise('T-A-01')], [attack('T-A-01')], 'T-A-01 is promised twice'],
    [[promise('T-A-01'), promise('T-A-02')], [attack('T-A-01')], 'T-A-02 has no test'],
    [[promise('T-A-01')], [attack('T-A-01, T-A-02')], 'a.test.ts: T-A-02 is not promised'],
    [[promise('T-A-01')], [attack('T-A-01'), '// T-A-01'], 'a.test.ts: an id is not in a comment above a test'],
    [[promise('T-A-01', 't-a-02')], [attack('T-A-01')], 'T-A-01 has the wrong anchor'],
    [['- **T-A-01** An attacker learns nothing.'], [attack('T-A-01')], 'T-A-01 has the wrong anchor'],
    [['- <a id="t-a-01"></a>**T-A-01**  '], [attack('T-A-01')], 'T-A-01 promises nothing'],
    [[promise('T-A-01'), '_Limit:_ T-A-03.'], [attack('T-A-01')], 'T-A-03 is mentioned, and not promised'],
  ])('finds what was planted: %#', (promises, attacks, finding) => {
    expect(promiseFindings(promises.join('\n'), [file(...attacks)])).toEqual([finding]);
  });
});

describe('the threat model', () => {
  it('has an id for each promise, and tests for each id', () => {
    expect(promiseIds(text).length).toBeGreaterThan(120);
    expect(tests.flatMap((test) => citedIds(test.text)).length).toBeGreaterThan(240);
    expect(promiseFindings(text, tests)).toEqual([]);
  });
});
