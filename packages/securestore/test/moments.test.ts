import { afterAll, beforeAll, test } from 'vitest';
import type { AllPlaces } from './support/all-places.ts';
import { allPlaces } from './support/all-places.ts';
import { restoreToMoments } from './support/moments.ts';
import { LONG, onlyLong, sized } from '../../../tools/campaigns/src/size.ts';

const SHORT = ['sqlite', 'file'];
const BACKENDS = [...SHORT, 'postgres', 'redis', 's3'];
const MOMENTS = sized({ short: 5, full: 15, torture: 1000 });
const WRITTEN_FOR = sized({ short: 1000, full: 3000, torture: 120_000 });

let places: AllPlaces | undefined;
beforeAll(async () => {
  places = await allPlaces(LONG ? BACKENDS : SHORT);
}, 600_000);
afterAll(() => places?.end());

for (const name of BACKENDS) {
  const isRun = LONG || SHORT.includes(name);
  const what = `a restore to a moment has what was acknowledged before it, and nothing that was begun after it, on ${name}`;
  test.runIf(isRun)(onlyLong(what, isRun), { timeout: 3_600_000 }, async () => {
    const url = places?.fresh(name);
    if (url === undefined) return console.error(`skipped: no server for ${name}`);
    // On S3 a cut takes five seconds.
    await restoreToMoments(url, name === 's3' ? 3 * WRITTEN_FOR : WRITTEN_FOR, MOMENTS);
  });
}
