import { test } from 'vitest';
import { checkCampaign, runCampaign, TORTURE } from '../../backend-fs/test/support/crash-campaign.ts';
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
