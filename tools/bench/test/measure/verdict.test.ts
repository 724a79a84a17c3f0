import { describe, expect, it } from 'vitest';
import type { MeasuredRow, Sample, Unit } from '../../src/measure/model.ts';
import { renderArea } from '../../src/table.ts';
import { growth, growthSteps, judge } from '../../src/measure/verdict.ts';

const sample = (name: string, role: Sample['role'], median: number): Sample => ({
  name,
  role,
  median,
  min: median,
  max: median,
});
const row = (unit: Unit, samples: readonly Sample[], more: Partial<MeasuredRow> = {}): MeasuredRow => ({
  work: 'seal',
  unit,
  samples,
  targets: [],
  ...more,
});

const at = (count: number, unit: Unit, value: number): MeasuredRow =>
  row(unit, [sample('ours', 'ours', value)], { count });

describe('what could not be measured', () => {
  it.each([Number.NaN, null])('is no figure and reaches no target: %s', (nothing) => {
    const { median: _, ...rest } = sample('securestore', 'ours', 0);
    const targets = [{ bound: 'at most' as const, factor: 1000 }];
    const measured = { ...row('ms', [{ ...rest, median: nothing as number }], { targets }), work: 'lag' };
    const text = renderArea({ title: 'T', runs: 1, rows: [measured], absent: [] });
    expect(text).toMatch(/\| – ms /);
    expect(text).toContain('not measured');
  });
});

describe('judge', () => {
  const rates = row('per second', [
    sample('ours', 'ours', 3000),
    sample('slow', 'rival', 100),
    sample('fast', 'rival', 200),
    sample('bare', 'raw', 4000),
  ]);

  it.each([
    [{ bound: 'at least', factor: 3000 } as const, true, 1],
    [{ bound: 'at least', factor: 6000 } as const, false, 0.5],
    [{ bound: 'at least', factor: 20, of: 'the best rival' } as const, false, 0.75],
    [{ bound: 'at least', factor: 0.75, of: 'the raw limit' } as const, true, 1],
  ])('holds ours against %j', (target, reached, share) => {
    expect(judge(rates, target)).toMatchObject({ outcome: { reached, share } });
  });

  it('counts less as better where it is', () => {
    const times = row('ms', [sample('ours', 'ours', 8), sample('bare', 'raw', 1)]);
    expect(judge(times, { bound: 'at most', factor: 1, of: 'the raw limit', plus: 5 })).toMatchObject({
      outcome: { reached: false },
    });
    expect(judge(times, { bound: 'at most', factor: 1, of: 'the raw limit', plus: 7 })).toMatchObject({
      outcome: { reached: true },
    });
  });

  it('says nothing about what was not measured', () => {
    const target = { bound: 'at least', factor: 2, of: 'the best rival' } as const;
    expect(judge(row('per second', [sample('ours', 'ours', 1)]), target).outcome).toBeUndefined();
  });
});

describe('growth', () => {
  it('is 1 where the rate stays the same, and 2 where the time grows with the square', () => {
    expect(growth([at(10, 'per second', 5), at(1000, 'per second', 5)])).toBeCloseTo(1);
    expect(growth([at(10, 'ms', 1), at(1000, 'ms', 10_000)])).toBeCloseTo(2);
    expect(growth([at(10, 'ms', 1)])).toBeUndefined();
  });
});

const rowsOf = (exponent: 0 | 1, times: readonly number[]): MeasuredRow[] =>
  times.map((time, index) => ({ ...at(10 ** index, 'ms', time), exponent }));
const rendered = (rows: readonly MeasuredRow[]): string => renderArea({ title: 'T', runs: 5, rows, absent: [] });

describe('the growth of an operation', () => {
  it('is told from each size to the next, and held against what is expected', () => {
    const constant = rowsOf(0, [1, 1, 1.5]);
    expect(growthSteps(constant).map((step) => step.toFixed(2))).toEqual(['0.00', '0.18']);
    expect(rendered(constant)).toContain(
      'to the power 0.09, from each size to the next 0.00, 0.18; about 0 as expected.',
    );
    expect(rendered(rowsOf(0, [1, 2, 4]))).toContain('about 0 MORE than expected');
    expect(rendered(rowsOf(1, [1, 10, 120]))).toContain('to the power 1.04');
    expect(rendered(rowsOf(1, [1, 10, 120]))).toContain('about 1 as expected');
    expect(rendered(rowsOf(1, [1, 100]))).toContain('about 1 MORE than expected');
  });
});

describe('renderArea', () => {
  it('prints ours, the others, the ratio, the target, and who is absent', () => {
    const rows = [
      row('per second', [sample('bare', 'raw', 4000), sample('ours', 'ours', 3000)], {
        targets: [
          { bound: 'at least', factor: 6000 },
          { bound: 'at least', factor: 1, of: 'the raw limit' },
          { bound: 'at least', factor: 0.5, of: 'the raw limit' },
          { bound: 'at least', factor: 2, of: 'the best rival' },
        ],
      }),
    ];
    const text = renderArea({ title: 'Objects', runs: 5, rows, absent: [{ name: 'age', reason: 'not installed' }] });
    expect(text).toContain('| seal | ours             | 3,000 per second | 3,000 to 3,000 |                 |');
    expect(text).toContain('|      | bare (raw limit) | 4,000 per second | 4,000 to 4,000 | 0.750 × as fast |');
    expect(text).toContain('- seal: target at least 6,000 per second: missed, 3,000 per second (50 % of the target).');
    expect(text).toContain('- seal: target at least 1 × the raw limit: missed, 0.750 × (75 % of the target).');
    expect(text).toContain('- seal: target at least 0.5 × the raw limit: reached, 0.750 × (150 % of the target).');
    expect(text).toContain('- seal: target at least 2 × the best rival: not measured.');
    expect(text).toContain('- age: absent (not installed).');
  });
});
