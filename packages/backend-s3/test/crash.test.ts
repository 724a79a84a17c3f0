import { inject, test } from 'vitest';
import { checkCampaign, runCampaign } from '../../backend-fs/test/support/crash-campaign.ts';
import { crashWriters } from '../../backend-redis/test/support/store-crash.ts';
import { accountOf, freshUrl, openAt, stubCredentials } from './support/stores.ts';
import { LONG, onlyLong, sized } from '../../../tools/campaigns/src/size.ts';

const server = inject('s3');

test.skipIf('skip' in server)(
  'clients killed at any instant lose nothing and tear nothing',
  async () => {
    const account = accountOf('url' in server ? server.url : '');
    stubCredentials(account);
    const url = freshUrl(account);
    const campaign = await runCampaign(
      '@securestore/backend-s3',
      url,
      sized({ short: 2, full: 4, torture: 4 }),
      sized({ short: 0, full: 2, torture: 300 }),
    );
    await checkCampaign(await openAt(account, url), campaign);
  },
  600_000,
);

test.skipIf('skip' in server || !LONG)(
  onlyLong(
    'clients with a whole store, killed at any instant, lose nothing, tear nothing and leave nothing that can not be collected',
  ),
  async () => {
    const account = accountOf('url' in server ? server.url : '');
    stubCredentials(account);
    const url = freshUrl(account);
    await crashWriters(url, await openAt(account, url), sized({ short: 0, full: 1, torture: 100 }));
  },
  600_000,
);
