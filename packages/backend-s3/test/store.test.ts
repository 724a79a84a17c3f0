import { describe, inject, test } from 'vitest';
import { COUNTERS, countTogether, runJob } from '../../backend-redis/test/support/run-process.ts';
import { takeTour } from '../../backend-redis/test/support/tour.ts';
import { CHUNKS, memoryPlace, roundTrip } from '../../securestore/test/support/round-trip.ts';
import { accountOf, freshUrl, openAt, stubCredentials } from './support/stores.ts';
import { LONG, onlyLong } from '../../../tools/campaigns/src/size.ts';

const server = inject('s3');
const account = accountOf('url' in server ? server.url : '');

describe.skipIf('skip' in server)('a store in a bucket', () => {
  test('does what stores do', async () => {
    stubCredentials(account);
    await runJob(freshUrl(account), 'tour');
  });

  test.runIf(LONG)(
    onlyLong('takes the tour'),
    async () => {
      stubCredentials(account);
      const url = freshUrl(account);
      await takeTour(url, await openAt(account, url));
    },
    300_000,
  );

  test.runIf(LONG)(
    onlyLong('holds backups, is backed up, and is restored to'),
    async () => {
      stubCredentials(account);
      await roundTrip({ from: memoryPlace(), through: freshUrl(account), to: freshUrl(account) });
      await roundTrip({ from: freshUrl(account), through: memoryPlace(), to: memoryPlace() }, CHUNKS);
    },
    300_000,
  );

  test.runIf(LONG)(onlyLong(`counts exactly under ${COUNTERS} processes`), async () => {
    stubCredentials(account);
    await countTogether(freshUrl(account), 3);
  });
});
