import type { MeasuredRow, Sample, Target, Unit } from './model.ts';

/** Whether less of a unit is better. */
export function lessIsBetter(unit: Unit): boolean {
  return unit === 'ms' || unit === 'MB';
}

export function samplesOf(row: MeasuredRow, role: Sample['role']): readonly Sample[] {
  return row.samples.filter((sample) => sample.role === role);
}

/** The best median of a role, or `undefined` where nobody of that role was measured. */
export function bestOf(row: MeasuredRow, role: Sample['role']): number | undefined {
  // What could not be measured is no number, or null where it came as JSON.
  const medians = samplesOf(row, role).flatMap(({ median }) => (Number.isFinite(median) ? [median] : []));
  if (medians.length === 0) return undefined;
  return lessIsBetter(row.unit) ? Math.min(...medians) : Math.max(...medians);
}

/** One target beside what was measured. */
export interface Verdict {
  readonly target: string;
  /** Absent where ours, or what it is held against, was not measured. */
  readonly outcome?: Outcome;
}

export interface Outcome {
  readonly reached: boolean;
  readonly measured: number;
  /** Whether `measured` is a multiple of what the target names; otherwise it is in the unit of the row. */
  readonly isMultiple: boolean;
  /** What was measured as a share of the target: 1 is just reached. */
  readonly share: number;
}

export function judge(row: MeasuredRow, target: Target): Verdict {
  const { bound, factor, of, plus = 0 } = target;
  const ours = bestOf(row, 'ours');
  const base = of === undefined ? 1 : bestOf(row, of === 'the best rival' ? 'rival' : 'raw');
  const text = `${bound} ${Number(factor.toPrecision(3)).toLocaleString('en')}${of === undefined ? ` ${row.unit}` : ` × ${of}`}${
    plus === 0 ? '' : ` + ${plus} ${row.unit}`
  }`;
  if (ours === undefined || base === undefined) return { target: text };
  const limit = factor * base + plus;
  const isMultiple = of !== undefined && plus === 0;
  const reached = bound === 'at least' ? ours >= limit : ours <= limit;
  const measured = isMultiple ? ours / base : ours;
  return { target: text, outcome: { reached, measured, isMultiple, share: ours / limit } };
}

/** The largest exponent that counts as that of what is to stay the same, and of what is to grow with the count. */
const MOST: readonly [number, number] = [0.2, 1.1];

/** Whether an exponent is at most the expected one, with an allowance for caches and trees. */
export function isExpected(exponent: number, expected: 0 | 1): boolean {
  return exponent <= MOST[expected];
}

/** The exponents from each count to the next one. */
export function growthSteps(rows: readonly MeasuredRow[]): number[] {
  return rows.slice(1).flatMap((_, at) => growth(rows.slice(at, at + 2)) ?? []);
}

/**
 * The exponent with which the time of ours grows with the number of objects, from the smallest to the largest
 * count: 1 is linear. `undefined` where there is one count only.
 */
export function growth(rows: readonly MeasuredRow[]): number | undefined {
  const points = rows.flatMap((row) => {
    const ours = bestOf(row, 'ours');
    if (ours === undefined || row.count === undefined) return [];
    return [{ count: row.count, time: row.unit === 'per second' ? row.count / ours : ours }];
  });
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined || last.count === first.count) return undefined;
  return Math.log(last.time / first.time) / Math.log(last.count / first.count);
}
