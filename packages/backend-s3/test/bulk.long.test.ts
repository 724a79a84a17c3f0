import { inject } from 'vitest';
import { describeBulk } from '../../backend-redis/test/support/bulk.ts';
import { accountOf, freshUrl, stubCredentials } from './support/stores.ts';

const server = inject('s3');
const account = accountOf('url' in server ? server.url : '');
const skip = 'skip' in server ? server.skip : undefined;

function place(): string {
  stubCredentials(account);
  return freshUrl(account);
}

describeBulk('s3', { freshUrl: place, skip, streams: true });
