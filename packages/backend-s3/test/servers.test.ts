import { describe, inject, test } from 'vitest';
import { twoServers } from '../../server/test/support/two-servers.ts';
import { accountOf, freshUrl, stubCredentials } from './support/stores.ts';
import { LONG, onlyLong } from '../../../tools/campaigns/src/size.ts';

const server = inject('s3');
const account = accountOf('url' in server ? server.url : '');

describe.skipIf('skip' in server)('a store in one bucket', () => {
  test.runIf(LONG)(
    onlyLong('is served by two servers'),
    async () => {
      stubCredentials(account);
      await twoServers(freshUrl(account));
    },
    300_000,
  );
});
