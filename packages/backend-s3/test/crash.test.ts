import { inject, test } from 'vitest';
import { checkCampaign, runCampaign, TORTURE } from '../../backend-fs/test/support/crash-campaign.ts';
import { crashWriters } from '../../backend-redis/test/support/store-crash.ts';
import { accountOf, freshLocation, openAt, stubCredentials } from './support/stores.ts';

const server = inject('s3');

test.skipIf('skip' in server)(
  'clients killed at any instant lose nothing and tear nothing',
  async () => {
    const account = accountOf('url' in server ? server.url : '');
    stubCredentials(account);
    const location = freshLocation(account);
    const campaign = await runCampaign('@securestore/backend-s3', location, 4, TORTURE ? 300 : 3);
    await checkCampaign(await openAt(account, location), campaign);
  },
  600_000,
);

test.skipIf('skip' in server)(
  'clients with a whole store, killed at any instant, lose nothing, tear nothing and leave nothing that can not be collected',
  async () => {
    const account = accountOf('url' in server ? server.url : '');
    stubCredentials(account);
    const location = freshLocation(account);
    await crashWriters(location, await openAt(account, location), TORTURE ? 100 : 2);
  },
  600_000,
);
