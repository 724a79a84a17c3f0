import { expect, test } from 'vitest';
import type { MeasuredArea, MeasuredRow } from '../src/measure/model.ts';
import { withTables } from '../src/report.ts';
import { renderSummary, summaryOf } from '../src/summary.ts';

function measured(title: string, median: number): MeasuredArea {
  const sample = { name: 'securestore', role: 'ours' as const, median, min: median, max: median };
  const row = { work: 'work', unit: 'ms' as const, targets: [], samples: [sample] };
  return { title, runs: 5, rows: [row], absent: [] };
}

const TITLES = ['First', 'Second', 'Third'];

test('what is measured anew takes the place of what was there, and the rest stays', () => {
  const all = TITLES.map((title) => measured(title, 11));
  const before = withTables('', all, 'a machine, 2026-01-01', TITLES);
  const after = withTables(before, [measured('Second', 22)], 'another one, 2026-02-02', TITLES);
  const [head, , first, second, third] = after.split(/^## /mu);
  const [oldHead, , oldFirst, , oldThird] = before.split(/^## /mu);
  expect([head, first, third]).toEqual([oldHead, oldFirst, oldThird]);
  expect(second).toContain('Measured on another one, 2026-02-02.');
  expect(second).toContain('22.0 ms');
  expect(second).not.toContain('11.0 ms');
});

test('tables come in the order of the areas, whenever they were measured', () => {
  const later = withTables('', [measured('Third', 1)], 'a machine', TITLES);
  const both = withTables(later, [measured('First', 1)], 'a machine', TITLES);
  expect(both.match(/^## .*/gmu)).toEqual(['## Summary', '## First', '## Third']);
});

test('what no area measures any more is left out', () => {
  const before = withTables('', [measured('Gone', 1)], 'a machine', ['Gone']);
  expect(withTables(before, [measured('First', 1)], 'a machine', TITLES)).not.toContain('Gone');
});

test('a report that is written twice is the same', () => {
  const once = withTables('', [measured('First', 1)], 'a machine', TITLES);
  expect(withTables(once, [], 'a machine', TITLES)).toBe(once);
});

function sampleOf(name: string, role: 'ours' | 'rival' | 'raw', median: number): MeasuredRow['samples'][number] {
  return { name, role, median, min: median, max: median };
}

function withTargets(title: string, ours: number, limit: number): MeasuredArea {
  const row: MeasuredRow = {
    work: 'stores',
    unit: 'per second',
    count: 1000,
    targets: [
      { bound: 'at least', factor: 2, of: 'the best rival' },
      { bound: 'at least', factor: limit },
      { bound: 'at least', factor: 0.5, of: 'the raw limit' },
    ],
    samples: [sampleOf('securestore', 'ours', ours), sampleOf('another one', 'rival', 100)],
  };
  return { title, runs: 5, rows: [row], absent: [] };
}

test('the summary has a line for each row: its ratios, its targets, and which of them are reached', () => {
  const [, , , , ...lines] = renderSummary(summaryOf([withTargets('First', 300, 400)])).split('\n');
  expect(lines.map((line) => line.replace(/ +/gu, ' ')).filter(Boolean)).toEqual([
    '| area | work | ours | rival | raw limit | target | reached |',
    expect.stringMatching(/^\| -+ \|/),
    '| First | stores, 1,000 objects | 300 per second | 3.00 × | | at least 2 × the best rival; at least 400 per second; at least 0.5 × the raw limit | yes; no; not measured |',
  ]);
});

test('the summary of a report has the areas that were measured anew, and the others as they were, in their order', () => {
  const all = TITLES.map((title) => withTargets(title, 300, 400));
  const before = withTables('', all, 'a machine', TITLES);
  const after = withTables(before, [withTargets('Second', 500, 400)], 'a machine', TITLES);
  const summary = after.split(/^## /mu)[1] ?? '';
  const lines = summary.split('\n').filter((line) => /^\| (?:First|Second|Third)/.test(line));
  expect(
    lines.map((line) =>
      line
        .split(' | ')
        .slice(0, 3)
        .map((cell) => cell.trim()),
    ),
  ).toEqual([
    ['| First', 'stores, 1,000 objects', '300 per second'],
    ['| Second', 'stores, 1,000 objects', '500 per second'],
    ['| Third', 'stores, 1,000 objects', '300 per second'],
  ]);
});
