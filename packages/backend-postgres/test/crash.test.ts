import { inject, test } from 'vitest';
import { checkCampaign, runCampaign, TORTURE } from '../../backend-fs/test/support/crash-campaign.ts';
import { crashServer } from '../../backend-redis/test/support/server-crash.ts';
import { crashWriters } from '../../backend-redis/test/support/store-crash.ts';
import { crashServerOfStore } from '../../backend-redis/test/support/store-server-crash.ts';
import { startServer } from '../../../tools/services/src/server.ts';
import { postgres } from '../../../tools/services/src/servers/postgres.ts';
import { freshLocation, openAt } from './support/stores.ts';

const server = inject('postgres');

test.skipIf('skip' in server)(
  'clients killed at any instant lose nothing and tear nothing',
  async () => {
    const location = freshLocation('url' in server ? server.url : '');
    const campaign = await runCampaign('@securestore/backend-postgres', location, 4, TORTURE ? 300 : 3);
    await checkCampaign(await openAt(location), campaign);
  },
  600_000,
);

test.skipIf('skip' in server)(
  'clients with a whole store, killed at any instant, lose nothing, tear nothing and leave nothing that can not be collected',
  async () => {
    const location = freshLocation('url' in server ? server.url : '');
    await crashWriters(location, await openAt(location), TORTURE ? 100 : 2);
  },
  600_000,
);

test('a server that is killed loses nothing that it acknowledged', async (context) => {
  if ('skip' in server) context.skip(server.skip);
  else if (!server.own) context.skip(`${postgres.variable} is set, and its server is not ours to kill`);
  const own = await startServer(postgres);
  try {
    await crashServer(own, await openAt(freshLocation(own.url)), TORTURE ? 100 : 2);
    await crashServerOfStore(own, freshLocation(own.url), TORTURE ? 100 : 2);
  } finally {
    await own.stop();
  }
}, 600_000);
