import { describe, inject, test } from 'vitest';
import { twoServers } from '../../server/test/support/two-servers.ts';
import { freshUrl } from './support/stores.ts';
import { LONG, onlyLong } from '../../../tools/campaigns/src/size.ts';

const server = inject('postgres');
const url = 'url' in server ? server.url : '';

describe.skipIf('skip' in server)('a store at one database', () => {
  test.runIf(LONG)(onlyLong('is served by two servers'), async () => twoServers(freshUrl(url)), 300_000);
});
