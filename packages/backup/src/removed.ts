import type { NumberRange } from '@securestore/core-format';

/** The ranges that numbers make, with those that there are: in ascending order, not touching. */
export function withNumbers(ranges: readonly NumberRange[], numbers: readonly number[]): NumberRange[] {
  const all = [...ranges, ...numbers.map((number) => ({ from: number, to: number }))].toSorted(
    (a, b) => a.from - b.from,
  );
  const merged: { from: number; to: number }[] = [];
  for (const { from, to } of all) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last.to + 1) last.to = Math.max(last.to, to);
    else merged.push({ from, to });
  }
  return merged;
}

/** Whether a number is in one of the ranges. */
export function includesNumber(ranges: readonly NumberRange[], number: number): boolean {
  return ranges.some(({ from, to }) => from <= number && number <= to);
}
