import type { SourceChange } from './plant.ts';
import { plantInTurn } from './plant.ts';

/** What a worker of a campaign needs of the simulation that it runs. */
export interface Work<B extends SourceChange> {
  readonly bugs: readonly B[];
  /** Loads the simulation, which is done only once the bug is planted. @returns what runs the schedule of a seed */
  readonly load: () => Promise<(seed: number) => Promise<{ readonly violations: readonly string[] }>>;
  /** Whether a bug can show in the schedule of a seed; by default in any. */
  readonly canShow?: (bug: B, seed: number) => boolean;
}

/** The work of one process of a campaign: its only argument, as JSON. */
export interface Orders {
  /** Every `step`-th schedule from `first` to `last`. */
  readonly range?: readonly [first: number, last: number, step: number];
  /** Further schedules. */
  readonly seeds?: readonly number[];
  /** The name of a bug to plant. */
  readonly bug?: string;
  /** Instead: bugs to plant one after the other, and the schedule of each. */
  readonly known?: Readonly<Record<string, number>>;
}

/**
 * Part of a campaign, in a process of its own. It prints a line of JSON for each schedule that breaks a promise, and with a
 * planted bug it stops at the first. Of bugs with a schedule each it prints the names of those that show there.
 */
export async function work<B extends SourceChange>({ bugs, load, canShow = () => true }: Work<B>): Promise<void> {
  const orders = JSON.parse(process.argv[2] ?? '{"range":[1,1,1]}') as Orders;
  if (orders.known !== undefined) return showAgain(bugs, load, orders.known);
  const bug = bugs.find(({ name }) => name === orders.bug);
  if (bug !== undefined) plantInTurn()(bug);
  const run = await load();
  for (const seed of seedsOf(orders, (drawn) => bug === undefined || canShow(bug, drawn))) {
    const { violations } = await run(seed);
    if (violations.length === 0) continue;
    process.stdout.write(`${JSON.stringify({ seed, violations })}\n`);
    if (bug !== undefined) break;
  }
}

async function showAgain<B extends SourceChange>(
  bugs: readonly B[],
  load: Work<B>['load'],
  known: Readonly<Record<string, number>>,
): Promise<void> {
  const plantNext = plantInTurn();
  for (const bug of bugs) {
    const seed = known[bug.name];
    if (seed === undefined) continue;
    plantNext(bug);
    const run = await load();
    const { violations } = await run(seed);
    if (violations.length > 0) process.stdout.write(`${JSON.stringify(bug.name)}\n`);
  }
}

/** A planted bug is looked for in as many schedules of the range that can show it. */
function* seedsOf({ range, seeds = [] }: Orders, shows: (seed: number) => boolean): Generator<number> {
  yield* seeds;
  if (range === undefined) return;
  const [first, last, step] = range;
  for (let seed = first, left = last - first; left >= 0; seed += step) {
    if (!shows(seed)) continue;
    left -= step;
    yield seed;
  }
}
