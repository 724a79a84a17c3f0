import { describe, test } from 'vitest';
import { COUNTERS, countTogether, runJob } from '../../backend-redis/test/support/run-process.ts';
import { takeTour } from '../../backend-redis/test/support/tour.ts';
import { readsThoughClosedAtOnce } from '../../securestore/test/support/closed-at-once.ts';
import { CHUNKS, memoryPlace, roundTrip } from '../../securestore/test/support/round-trip.ts';
import { NO_SERVER, freshUrl, openAt, proxied } from './support/stores.ts';
import { LONG, onlyLong } from '../../../tools/campaigns/src/size.ts';

describe.skipIf(NO_SERVER !== undefined)('a store in a bucket', () => {
  test('does what stores do', async () => runJob(freshUrl(), 'tour'));

  test('reads on, though all connections are closed at once', async () => {
    await readsThoughClosedAtOnce(await proxied(freshUrl()), 200);
  });

  test.runIf(LONG)(
    onlyLong('takes the tour'),
    async () => {
      const url = freshUrl();
      await takeTour(url, await openAt(url));
    },
    300_000,
  );

  test.runIf(LONG)(
    onlyLong('holds backups, is backed up, and is restored to'),
    async () => {
      await roundTrip({ from: memoryPlace(), through: freshUrl(), to: freshUrl() });
      await roundTrip({ from: freshUrl(), through: memoryPlace(), to: memoryPlace() }, CHUNKS);
    },
    300_000,
  );

  test.runIf(LONG)(onlyLong(`counts exactly under ${COUNTERS} processes`), async () => {
    await countTogether(freshUrl(), 5);
  });
});
