import { afterAll, beforeAll, inject, test } from 'vitest';
import { checkCampaign, runCampaign } from '../../backend-fs/test/support/crash-campaign.ts';
import { crashServer } from '../../backend-redis/test/support/server-crash.ts';
import { crashWriters } from '../../backend-redis/test/support/store-crash.ts';
import { crashServerOfStore } from '../../backend-redis/test/support/store-server-crash.ts';
import { type Server, startServer } from '../../../tools/services/src/provide/server.ts';
import { mongodb } from '../../../tools/services/src/servers/mongodb.ts';
import { freshUrl, openAt } from './support/stores.ts';
import { LONG, onlyLong, sized } from '../../../tools/campaigns/src/size.ts';

const server = inject('mongodb');
let own: Server | undefined;

// Clients that die in the middle of a command must not disturb the tests of other files.
beforeAll(async () => {
  if ('own' in server && server.own) own = await startServer(mongodb, { durable: true });
});
afterAll(async () => own?.stop());

/** A place on a server that is this file's alone, unless one is named. */
function freshPlace(): string {
  return freshUrl(own?.url ?? ('url' in server ? server.url : ''));
}

test.skipIf('skip' in server)(
  'clients killed at any instant lose nothing and tear nothing',
  async () => {
    const url = freshPlace();
    const campaign = await runCampaign(
      '@securestore/backend-mongodb',
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
    const url = freshPlace();
    await crashWriters(url, await openAt(url), sized({ short: 0, full: 1, torture: 100 }));
  },
  600_000,
);

test.runIf(LONG)(
  onlyLong('a server that is killed loses nothing that it acknowledged'),
  async (context) => {
    if ('skip' in server) context.skip(server.skip);
    else if (own === undefined) context.skip(`${mongodb.variable} is set, and its server is not ours to kill`);
    else {
      await crashServer(own, await openAt(freshPlace()), sized({ short: 1, full: 1, torture: 100 }));
      await crashServerOfStore(own, freshPlace(), sized({ short: 1, full: 1, torture: 100 }));
    }
  },
  600_000,
);
