import { test } from 'vitest';
import { checkCampaign, runCampaign, TORTURE } from '../../backend-fs/test/support/crash-campaign.ts';
import { crashWriters } from '../../backend-redis/test/support/store-crash.ts';
import { NO_SERVER, freshLocation, openAt } from './support/stores.ts';

test.skipIf(NO_SERVER !== undefined)(
  'clients killed at any instant lose nothing and tear nothing',
  async () => {
    const location = freshLocation();
    const campaign = await runCampaign('@securestore/backend-gcs', location, 4, TORTURE ? 300 : 3);
    await checkCampaign(await openAt(location), campaign);
  },
  600_000,
);

test.skipIf(NO_SERVER !== undefined)(
  'clients with a whole store, killed at any instant, lose nothing, tear nothing and leave nothing that can not be collected',
  async () => {
    const location = freshLocation();
    await crashWriters(location, await openAt(location), TORTURE ? 100 : 2);
  },
  600_000,
);
