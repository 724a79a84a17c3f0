import { test } from 'vitest';
import { checkCampaign, runCampaign } from '../../backend-fs/test/support/crash-campaign.ts';
import { crashWriters } from '../../backend-redis/test/support/store-crash.ts';
import { NO_RIGHT_SERVER, freshUrl, openAt } from './support/stores.ts';
import { LONG, onlyLong, sized } from '../../../tools/campaigns/src/size.ts';

test('clients killed at any instant lose nothing and tear nothing', async (context) => {
  if (NO_RIGHT_SERVER !== undefined) context.skip(NO_RIGHT_SERVER);
  const url = freshUrl();
  const campaign = await runCampaign(
    '@securestore/backend-gcs',
    url,
    sized({ short: 2, full: 4, torture: 4 }),
    sized({ short: 0, full: 2, torture: 300 }),
  );
  await checkCampaign(await openAt(url), campaign);
}, 600_000);

test.skipIf(NO_RIGHT_SERVER !== undefined || !LONG)(
  onlyLong(
    'clients with a whole store, killed at any instant, lose nothing, tear nothing and leave nothing that can not be collected',
  ),
  async () => {
    const url = freshUrl();
    await crashWriters(url, await openAt(url), sized({ short: 0, full: 1, torture: 100 }));
  },
  600_000,
);
