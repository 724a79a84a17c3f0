import { describe, inject, test } from 'vitest';
import { memoryPlace, roundTrip } from '../../securestore/test/support/round-trip.ts';
import { runJob } from './support/run-process.ts';
import { freshLocation, openAt } from './support/stores.ts';
import { takeTour } from './support/tour.ts';
import { LONG, onlyLong } from '../../../tools/campaigns/src/size.ts';

const server = inject('redis');
const url = 'url' in server ? server.url : '';

describe.skipIf('skip' in server)('a store on a server', () => {
  test('does what stores do', async () => runJob(freshLocation(url), 'tour'));

  test.runIf(LONG)(
    onlyLong('takes the tour'),
    async () => {
      const location = freshLocation(url);
      await takeTour(location, await openAt(location));
    },
    300_000,
  );

  test('holds backups, is backed up, and is restored to', async () => {
    await roundTrip({ from: memoryPlace(), through: freshLocation(url), to: freshLocation(url) });
    if (LONG) await roundTrip({ from: freshLocation(url), through: memoryPlace(), to: memoryPlace() });
  }, 300_000);

  test.runIf(LONG)(onlyLong('counts exactly under eight processes'), async () => {
    const location = freshLocation(url);
    await runJob(location, 'increment', 0);
    await Promise.all(Array.from({ length: 8 }, async () => runJob(location, 'increment', 5)));
    await runJob(location, 'total', 40);
  });
});
