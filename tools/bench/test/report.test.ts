import { expect, test } from 'vitest';
import type { MeasuredArea } from '../src/measure/model.ts';
import { withTables } from '../src/report.ts';

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
  const [head, first, second, third] = after.split(/^## /mu);
  const [oldHead, oldFirst, , oldThird] = before.split(/^## /mu);
  expect([head, first, third]).toEqual([oldHead, oldFirst, oldThird]);
  expect(second).toContain('Measured on another one, 2026-02-02.');
  expect(second).toContain('22.0 ms');
  expect(second).not.toContain('11.0 ms');
});

test('tables come in the order of the areas, whenever they were measured', () => {
  const later = withTables('', [measured('Third', 1)], 'a machine', TITLES);
  const both = withTables(later, [measured('First', 1)], 'a machine', TITLES);
  expect(both.match(/^## .*/gmu)).toEqual(['## First', '## Third']);
});

test('what no area measures any more is left out', () => {
  const before = withTables('', [measured('Gone', 1)], 'a machine', ['Gone']);
  expect(withTables(before, [measured('First', 1)], 'a machine', TITLES)).not.toContain('Gone');
});

test('a report that is written twice is the same', () => {
  const once = withTables('', [measured('First', 1)], 'a machine', TITLES);
  expect(withTables(once, [], 'a machine', TITLES)).toBe(once);
});
