import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readTests, readText } from '../src/files.ts';
import { readSpecification, traceProblems } from '../src/trace.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

// Ids of examples are put together here, so that no tool takes them for ids of the project.
const id = (text: string): string => `[${text}]`;

const testFile = (text: string): { path: string; text: string } => ({ path: 'a.test.ts', text });

describe('tracing requirements', () => {
  it('finds each MUST with its id, in paragraphs, lists and tables', () => {
    const markdown = [
      '# Title',
      '',
      `${id('A-01')} A reader MUST`,
      'read on the next line too.',
      `- ${id('A-02')} It MUST not.`,
      `- ${id('A-03')} It MUST.`,
      '',
      `| ${id('A-04')} | it MUST |`,
      '```',
      'code MUST NOT count',
      '```',
    ].join('\n');
    const { requirements, problems } = readSpecification(markdown);
    expect(problems).toEqual([]);
    expect(requirements).toEqual([
      { id: 'A-01', line: 3 },
      { id: 'A-02', line: 5 },
      { id: 'A-03', line: 6 },
      { id: 'A-04', line: 8 },
    ]);
  });

  it('reports a MUST without an id or with two, an id without a MUST, and an id used twice', () => {
    const { problems } = readSpecification(
      [
        `It MUST.`,
        `${id('A-01')} ${id('A-02')} It MUST.`,
        `${id('A-03')} It may.`,
        `${id('A-04')} MUST`,
        `${id('A-04')} MUST`,
      ].join('\n\n'),
    );
    expect(problems).toEqual([
      'line 1: a MUST has 0 ids instead of one',
      'line 3: a MUST has 2 ids instead of one',
      'line 5: A-03 has no MUST',
      'line 9: A-04 is taken by line 7',
    ]);
  });

  it('reports a requirement that no test names, and a test that names none', () => {
    const specification = readSpecification(`${id('A-01')} MUST\n\n${id('A-02')} MUST`);
    const named = testFile(`it('${id('A-01')} does', () => {});`);
    expect(traceProblems(specification, [named])).toEqual(['line 3: no test names A-02']);
    const both = testFile(`it('${id('A-01')} ${id('A-02')} ${id('B-09')} does', () => {});`);
    expect(traceProblems(specification, [both])).toEqual(['a.test.ts: B-09 is in no MUST']);
  });

  it('does not count tests that are skipped', () => {
    const specification = readSpecification(`${id('A-01')} MUST`);
    for (const how of ['skip', 'todo']) {
      const skipped = testFile(`it.${how}('${id('A-01')} does', () => {});`);
      expect(traceProblems(specification, [skipped])).toEqual(['line 1: no test names A-01']);
    }
  });
});

describe('the specification of the format', () => {
  it('has a test for every MUST, and a MUST for every id in a test', () => {
    const specification = readSpecification(readText(root, 'docs/format.md'));
    expect(specification.requirements.length).toBeGreaterThan(60);
    expect(traceProblems(specification, readTests(root))).toEqual([]);
  });
});
