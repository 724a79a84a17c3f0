import { expect, test } from 'vitest';
import { WITHOUT_BATCHES, requestsOf } from '../../backend-redis/test/support/store-requests.ts';
import { httpProxyTo } from '../../backend-s3/test/support/http-proxy.ts';
import { NO_SERVER, endpointOf, freshUrl, url, withEndpoint } from './support/stores.ts';

test.skipIf(NO_SERVER !== undefined || !endpointOf(url).startsWith('http:'))(
  'a store sends as few requests as it can',
  async () => {
    const proxy = await httpProxyTo(endpointOf(url));
    const storeUrl = withEndpoint(freshUrl(), proxy.endpoint);
    expect(await requestsOf(storeUrl, () => proxy.requests.length)).toEqual(WITHOUT_BATCHES);
  },
);
