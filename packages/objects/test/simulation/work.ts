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
 * Part of a campaign, in a process of its own: `<program> <first seed> <last seed> <step> [planted bug]`. It prints a line
 * of JSON for each schedule that breaks a promise; with a planted bug it stops at the first.
 */
export async function work<B extends SourceChange>({ bugs, load, canShow = () => true }: Work<B>): Promise<void> {
  const [first = '1', last = first, step = '1', name] = process.argv.slice(2);
  const bug = bugs.find((candidate) => candidate.name === name);
  if (bug !== undefined) plant(bug);
  const run = await load();
  const by = Number(step);
  // A planted bug is looked for in as many schedules that can show it.
  for (let seed = Number(first), left = Number(last) - seed; left >= 0; seed += by) {
    if (bug !== undefined && !canShow(bug, seed)) continue;
    left -= by;
    const { violations } = await run(seed);
    if (violations.length === 0) continue;
    process.stdout.write(`${JSON.stringify({ seed, violations })}\n`);
    if (bug !== undefined) break;
  }
}
