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

/** The ranges without some numbers: in ascending order, not touching. */
export function withoutNumbers(ranges: readonly NumberRange[], numbers: ReadonlySet<number>): NumberRange[] {
  const rest = withNumbers(ranges, []);
  for (const number of numbers) {
    const at = rest.findIndex(({ from, to }) => from <= number && number <= to);
    const range = rest[at];
    if (range === undefined) continue;
    const parts = [
      { from: range.from, to: number - 1 },
      { from: number + 1, to: range.to },
    ];
    rest.splice(at, 1, ...parts.filter(({ from, to }) => from <= to));
  }
  return rest;
}

/** Whether a number is in one of the ranges. */
export function includesNumber(ranges: readonly NumberRange[], number: number): boolean {
  return ranges.some(({ from, to }) => from <= number && number <= to);
}
