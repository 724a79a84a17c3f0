import { inject, test } from 'vitest';
import { checkCampaign, runCampaign } from '../../backend-fs/test/support/crash-campaign.ts';
import { crashServer } from '../../backend-redis/test/support/server-crash.ts';
import { crashWriters } from '../../backend-redis/test/support/store-crash.ts';
import { crashServerOfStore } from '../../backend-redis/test/support/store-server-crash.ts';
import { startServer } from '../../../tools/services/src/provide/server.ts';
import { postgres } from '../../../tools/services/src/servers/postgres.ts';
import { freshUrl, openAt } from './support/stores.ts';
import { LONG, onlyLong, sized } from '../../../tools/campaigns/src/size.ts';

const server = inject('postgres');

test.skipIf('skip' in server)(
  'clients killed at any instant lose nothing and tear nothing',
  async () => {
    const url = freshUrl('url' in server ? server.url : '');
    const campaign = await runCampaign(
      '@securestore/backend-postgres',
      url,
      sized({ short: 2, full: 4, torture: 4 }),
      sized({ short: 0, full: 2, torture: 300 }),
    );
    await checkCampaign(await openAt(url), campaign);
  },
  600_000,
);

test.skipIf('skip' in server || !LONG)(
  onlyLong(
    'clients with a whole store, killed at any instant, lose nothing, tear nothing and leave nothing that can not be collected',
  ),
  async () => {
    const url = freshUrl('url' in server ? server.url : '');
    await crashWriters(url, await openAt(url), sized({ short: 0, full: 1, torture: 100 }));
  },
  600_000,
);

test('a server that is killed loses nothing that it acknowledged', async (context) => {
  if ('skip' in server) context.skip(server.skip);
  else if (!server.own) context.skip(`${postgres.variable} is set, and its server is not ours to kill`);
  const own = await startServer(postgres);
  try {
    await crashServer(own, await openAt(freshUrl(own.url)), sized({ short: 1, full: 2, torture: 100 }));
    if (LONG) await crashServerOfStore(own, freshUrl(own.url), sized({ short: 1, full: 2, torture: 100 }));
  } finally {
    await own.stop();
  }
}, 600_000);
