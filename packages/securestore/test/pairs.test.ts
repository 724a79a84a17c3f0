import { afterAll, beforeAll, describe, test } from 'vitest';
import type { AllPlaces } from './support/all-places.ts';
import { ALL_BACKENDS, allPlaces } from './support/all-places.ts';
import { roundTrip } from './support/round-trip.ts';
import { TORTURE } from '../../../tools/campaigns/src/size.ts';

// The rings in `npm test` have each backend at each end; this takes a quarter of an hour and all servers at once.
describe.skipIf(!TORTURE)('between any two backends (only npm run torture)', () => {
  let places: AllPlaces | undefined;
  beforeAll(async () => {
    places = await allPlaces();
  }, 600_000);
  afterAll(() => places?.end());

  const pairs = ALL_BACKENDS.flatMap((from, at) =>
    ALL_BACKENDS.map((through, step) => ({
      from,
      through,
      to: ALL_BACKENDS[(at + step + 1) % ALL_BACKENDS.length] ?? 'memory',
    })),
  );
  test.each(pairs)('from $from through $through to $to', async ({ from, through, to }) => {
    const [source, backups, target] = [from, through, to].map((name) => places?.fresh(name));
    if (source === undefined || backups === undefined || target === undefined) {
      console.error(`skipped: no server for ${from}, ${through} or ${to}`);
      return;
    }
    await roundTrip({ from: source, through: backups, to: target });
  });
});
