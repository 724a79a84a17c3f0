import { expect, inject, test } from 'vitest';
import { WITHOUT_BATCHES, requestsOf } from '../../backend-redis/test/support/store-requests.ts';
import { httpProxyTo } from './support/http-proxy.ts';
import { accountOf, endpointOf, freshUrl, throughEndpoint } from './support/stores.ts';

const server = inject('s3');
const account = accountOf('url' in server ? server.url : '');
const endpoint = endpointOf(account.url) ?? '';

test.skipIf(!endpoint.startsWith('http:'))('a store sends as few requests as it can', async () => {
  const proxy = await httpProxyTo(endpoint);
  const url = throughEndpoint(freshUrl(account), proxy.endpoint);
  const backendOptions = { ...account.credentials };
  expect(await requestsOf(url, () => proxy.requests.length, { backendOptions })).toEqual(WITHOUT_BATCHES);
});
