import { describe, inject, test } from 'vitest';
import { CHUNKS, memoryPlace, roundTrip } from '../../securestore/test/support/round-trip.ts';
import { COUNTERS, countTogether, runJob } from './support/run-process.ts';
import { freshUrl, openAt } from './support/stores.ts';
import { takeTour } from './support/tour.ts';
import { LONG, onlyLong } from '../../../tools/campaigns/src/size.ts';

const server = inject('redis');
const url = 'url' in server ? server.url : '';

describe.skipIf('skip' in server)('a store on a server', () => {
  test('does what stores do', async () => runJob(freshUrl(url), 'tour'));

  test.runIf(LONG)(
    onlyLong('takes the tour'),
    async () => {
      const storeUrl = freshUrl(url);
      await takeTour(storeUrl, await openAt(storeUrl));
    },
    300_000,
  );

  test('holds backups, is backed up, and is restored to', async () => {
    await roundTrip({ from: memoryPlace(), through: freshUrl(url), to: freshUrl(url) });
    if (LONG) await roundTrip({ from: freshUrl(url), through: memoryPlace(), to: memoryPlace() }, CHUNKS);
  }, 300_000);

  test.runIf(LONG)(onlyLong(`counts exactly under ${COUNTERS} processes`), async () => {
    await countTogether(freshUrl(url), 5);
  });
});
