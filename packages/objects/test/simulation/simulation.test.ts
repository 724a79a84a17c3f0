import { describe, expect, it } from 'vitest';
import { TORTURE } from '../support/places.ts';
import { findBug, runCampaign } from './campaign.ts';
import { makeImage } from './image.ts';
import { PLANTED_BUGS } from './planted-bugs.ts';
import { simulate } from './simulate.ts';

/** The schedules that every run of the tests goes through. */
const SCHEDULES = TORTURE ? 100_000 : 200;

/** In how many schedules a planted bug must show. */
const SCHEDULES_PER_BUG = 600;

/** A schedule to replay: `SECURESTORE_SEED=<seed> npm run unit -- packages/objects/test/simulation`. */
const REPLAYED = process.env['SECURESTORE_SEED'];

async function reportOn(seed: number): Promise<string> {
  const { violations, log } = await simulate(seed, await makeImage());
  return [...log(), '', ...violations, `Replay it with SECURESTORE_SEED=${seed}`].join('\n');
}

function replay(seed: number): void {
  it(`schedule ${seed} keeps every promise`, async () => {
    console.log(await reportOn(seed));
    expect((await simulate(seed, await makeImage())).violations).toEqual([]);
  });
}

function campaign(): void {
  it(`clients keep every promise in ${SCHEDULES} schedules`, async () => {
    const failures = await runCampaign(1, SCHEDULES);
    const [first] = failures;
    expect(failures, first && (await reportOn(first.seed))).toEqual([]);
  });

  it('the same seed is the same schedule', async () => {
    const image = await makeImage();
    for (let seed = 1; seed <= 10; seed++) {
      const digest = (await simulate(seed, image)).digest();
      expect((await simulate(seed, image)).digest(), `seed ${seed}`).toBe(digest);
      expect((await simulate(seed + 1, image)).digest(), `seed ${seed + 1}`).not.toBe(digest);
    }
  });

  it.concurrent.each(PLANTED_BUGS)(
    'it shows when $name',
    async (bug) => {
      expect(await findBug(bug, SCHEDULES_PER_BUG), `not found in ${SCHEDULES_PER_BUG} schedules`).toBeDefined();
    },
    // Several are looked for at once, on as many processors as there are.
    3_600_000,
  );
}

describe('a simulation', () => {
  if (REPLAYED === undefined) campaign();
  else replay(Number(REPLAYED));
});
