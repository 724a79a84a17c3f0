import { afterAll, describe, expect, it } from 'vitest';
import { findBug, KnownSeeds, runCampaign } from './campaign.ts';
import { checkFits } from './plant.ts';
import type { SourceChange } from './plant.ts';
import type { Result } from './simulate.ts';
import { LONG, onlyLong, sized } from '../../../../tools/campaigns/src/size.ts';

/** In how many schedules a planted bug must show. */
const SCHEDULES_PER_BUG = 600;

/** How long one test may take, in milliseconds. Several searches go on at once, on as many processors as there are. */
const PATIENCE = 3_600_000;

/** A schedule to replay: `SECURESTORE_SEED=<seed> npm run unit -- <the folder of the simulation>`. */
const REPLAYED = process.env['SECURESTORE_SEED'];

/** Whether planted bugs are looked for from the beginning, and where they show is written down. */
const SEARCHING = process.env['SECURESTORE_SEARCH_BUGS'] === '1';

/** What the tests of a simulation need of it. */
export interface Simulation {
  readonly worker: URL;
  /** The schedules that every run of the tests goes through. */
  readonly schedules: number;
  readonly bugs: readonly SourceChange[];
  /** Of how many of them a short run shows that they show; 0 where that takes too long. */
  readonly bugsInShortRun: number;
  /** Makes what every schedule begins with. @returns what runs the schedule of a seed */
  readonly prepare: () => Promise<(seed: number) => Promise<Result>>;
}

function replay({ prepare }: Simulation, seed: number): void {
  it(`schedule ${seed} keeps every promise`, async () => {
    const run = await prepare();
    console.log(reportOf(await run(seed)));
    expect((await run(seed)).violations).toEqual([]);
  });
}

const reportOf = ({ seed, violations, log }: Result): string =>
  [...log(), '', ...violations, `Replay it with SECURESTORE_SEED=${seed}`].join('\n');

function campaign({ worker, schedules, bugs, bugsInShortRun, prepare }: Simulation): void {
  const every = Math.ceil(bugs.length / bugsInShortRun);
  const short = bugs.filter((_, at) => bugsInShortRun > 0 && at % every === 0);
  const known = new KnownSeeds(worker, LONG ? bugs : short);
  if (SEARCHING) afterAll(() => known.write(bugs));

  it('every planted bug is still a change of the source', () => {
    for (const bug of bugs) checkFits(bug);
  });

  // Those that show planted bugs as well, so that it is the bugs that show.
  const more = SEARCHING ? [] : known.schedules;
  it(`every promise is kept in schedules 1 to ${schedules} and in ${more.length} that show planted bugs`, async () => {
    const failures = await runCampaign(worker, schedules, more);
    const [first] = failures;
    expect(failures, first && reportOf(await (await prepare())(first.seed))).toEqual([]);
  });

  it.runIf(LONG)(onlyLong('the same seed is the same schedule'), async () => {
    const run = await prepare();
    let digest = (await run(1)).digest();
    for (let seed = 1; seed <= sized({ short: 1, full: 3, torture: 10 }); seed++) {
      expect((await run(seed)).digest(), `seed ${seed}`).toBe(digest);
      const next = (await run(seed + 1)).digest();
      expect(next, `seed ${seed + 1}`).not.toBe(digest);
      digest = next;
    }
  });

  it.runIf(LONG).concurrent.each(bugs.filter((bug) => !short.includes(bug)))(onlyLong('it shows when $name'), shows);
  it.concurrent.each(short)('it shows when $name', shows);

  async function shows(bug: SourceChange): Promise<void> {
    if (!SEARCHING && (await known.stillShows(bug))) return;
    const found = await findBug(worker, bug, SCHEDULES_PER_BUG);
    expect(found, `not found in ${SCHEDULES_PER_BUG} schedules`).toBeDefined();
    if (found !== undefined) known.note(bug, found.seed);
  }
}

/** The tests of a simulation: its schedules, and its planted bugs; or one schedule that is to be replayed. */
export function testSimulation(simulation: Simulation): void {
  describe('a simulation', { timeout: PATIENCE }, () => {
    if (REPLAYED === undefined) campaign(simulation);
    else replay(simulation, Number(REPLAYED));
  });
}
