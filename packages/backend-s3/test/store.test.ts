import { openStore, rawKey } from 'securestore';
import { describe, expect, inject, test } from 'vitest';
import { runJob } from '../../backend-redis/test/support/run-process.ts';
import { S3Backend } from '../src/index.ts';
import { httpProxyTo } from './support/http-proxy.ts';
import { accountOf, endpointOf, freshLocation, stubCredentials, throughEndpoint } from './support/stores.ts';

const server = inject('s3');
const account = accountOf('url' in server ? server.url : '');
const endpoint = endpointOf(account.location) ?? '';

describe.skipIf('skip' in server)('a store in a bucket', () => {
  test('does what stores do', async () => {
    stubCredentials(account);
    await runJob(freshLocation(account), 'tour');
  });

  test('counts exactly under eight processes', async () => {
    stubCredentials(account);
    const location = freshLocation(account);
    await runJob(location, 'increment', 0);
    await Promise.all(Array.from({ length: 8 }, async () => runJob(location, 'increment', 3)));
    await runJob(location, 'total', 24);
  });

  test.skipIf(!endpoint.startsWith('http:'))('sends one request for a new object, one to retrieve it', async () => {
    const proxy = await httpProxyTo(endpoint);
    const location = throughEndpoint(freshLocation(account), proxy.endpoint);
    await using store = await openStore(location, {
      unlock: rawKey(Buffer.alloc(32, 7)),
      create: true,
      upkeep: false,
      backend: new S3Backend(),
      backendOptions: { ...account.credentials },
    });
    await store.store('first', 'x');
    const requestsOf = async (call: () => Promise<unknown>): Promise<string[]> => {
      const before = proxy.requests.length;
      await call();
      // The head is read beside, every two seconds, whatever is done.
      const sent = proxy.requests.slice(before).filter((request) => !/\/store(?:\?|$)/.test(request));
      return sent.map((request) => request.split(' ')[0] ?? '');
    };
    expect(await requestsOf(async () => store.store('second', 'x'))).toEqual(['PUT']);
    expect(await requestsOf(async () => store.retrieve('second'))).toEqual(['GET']);
    expect(await requestsOf(async () => store.store('second', 'y'))).toEqual(['PUT', 'PUT']);
    expect(await requestsOf(async () => store.delete('second'))).toEqual(['PUT', 'PUT']);
  });
});
