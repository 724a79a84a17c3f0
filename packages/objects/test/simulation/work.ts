import type { SourceChange } from './plant.ts';
import { plant } from './plant.ts';

/** What a worker of a campaign needs of the simulation that it runs. */
export interface Work<B extends SourceChange> {
  readonly bugs: readonly B[];
  /** Loads the simulation, which is done only once the bug is planted. @returns what runs the schedule of a seed */
  readonly load: () => Promise<(seed: number) => Promise<{ readonly violations: readonly string[] }>>;
  /** Whether a bug can show in the schedule of a seed; by default in any. */
  readonly canShow?: (bug: B, seed: number) => boolean;
}

/**
 * Part of a campaign, in a process of its own: `<program> <first seed> <last seed> <step> [planted bug]`, or with seeds that
 * are parted by commas in the place of the first. It prints a line of JSON for each schedule that breaks a promise; with a
 * planted bug it stops at the first.
 */
export async function work<B extends SourceChange>({ bugs, load, canShow = () => true }: Work<B>): Promise<void> {
  const [first = '1', last = first, step = '1', name] = process.argv.slice(2);
  const bug = bugs.find((candidate) => candidate.name === name);
  if (bug !== undefined) plant(bug);
  const run = await load();
  const shows = (seed: number): boolean => bug === undefined || canShow(bug, seed);
  for (const seed of last === '' ? first.split(',').map(Number) : range(first, last, step, shows)) {
    const { violations } = await run(seed);
    if (violations.length === 0) continue;
    process.stdout.write(`${JSON.stringify({ seed, violations })}\n`);
    if (bug !== undefined) break;
  }
}

/** A planted bug is looked for in as many schedules that can show it. */
function* range(first: string, last: string, step: string, shows: (seed: number) => boolean): Generator<number> {
  const by = Number(step);
  for (let seed = Number(first), left = Number(last) - seed; left >= 0; seed += by) {
    if (!shows(seed)) continue;
    left -= by;
    yield seed;
  }
}
