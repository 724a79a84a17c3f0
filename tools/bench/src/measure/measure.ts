import type { Absence, Area, Comparison, Contender, MeasuredArea, MeasuredRow, Sample, Surroundings } from './model.ts';

/** The smallest number of runs whose median is reported. */
const RUNS = 5;

export async function measureArea(
  area: Area,
  { scratch, scale, progress }: Omit<Surroundings, 'absent'>,
  onRow: (row: MeasuredRow) => void,
): Promise<MeasuredArea> {
  const absent: Absence[] = [];
  const rows: MeasuredRow[] = [];
  const note = (absence: Absence): void => {
    if (!absent.some(({ name }) => name === absence.name)) absent.push(absence);
  };
  const surroundings: Surroundings = { scratch, scale, progress, absent: note };
  for await (const comparison of area.comparisons(surroundings)) {
    const row = await measure(comparison, comparison.runs ?? RUNS);
    onRow(row);
    rows.push(row);
  }
  return { title: area.title, runs: RUNS, rows, absent };
}

/**
 * Measures all contenders in the same minutes: every round takes one sample of each, in an order that moves on by
 * one, so that a slow moment of the machine falls on all of them. A first round warms up and isn't counted.
 */
export async function measure(
  { work, unit, count, exponent, contenders, targets }: Comparison,
  runs: number,
): Promise<MeasuredRow> {
  const numbers = new Map<Contender, number[]>(contenders.map((contender) => [contender, []]));
  for (let round = 0; round <= runs; round += 1) {
    for (let turn = 0; turn < contenders.length; turn += 1) {
      const contender = contenders[(round + turn) % contenders.length];
      if (contender === undefined) continue;
      globalThis.gc?.();
      const value = await contender.sample();
      if (round > 0) numbers.get(contender)?.push(value);
    }
  }
  const samples = [...numbers].map(([{ name, role }, values]) => summarise(name, role, values));
  return {
    work,
    unit,
    ...(count === undefined ? {} : { count }),
    ...(exponent === undefined ? {} : { exponent }),
    samples,
    targets: targets ?? [],
  };
}

function summarise(name: string, role: Contender['role'], values: readonly number[]): Sample {
  const sorted = values.toSorted((a, b) => a - b);
  return { name, role, median: median(sorted), min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN };
}

/** The median of numbers in ascending order. */
export function median(sorted: readonly number[]): number {
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Operations a second of `count` operations done by `work`. */
export async function rate(count: number, work: () => Promise<void> | void): Promise<number> {
  return count / ((await elapsed(work)) / 1000);
}

/** Gigabytes (10⁹ bytes) a second of work on `bytes` bytes. */
export async function throughput(bytes: number, work: () => Promise<void> | void): Promise<number> {
  return bytes / 1e9 / ((await elapsed(work)) / 1000);
}

/** Milliseconds that `work` takes. */
export async function elapsed(work: () => Promise<void> | void): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

/** Runs `step` for 0 to `count - 1` with at most `width` of them under way. */
export async function inFlight(count: number, width: number, step: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await step(next++);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
