import { expect, inject, onTestFinished, test } from 'vitest';
import { startServer } from '../../../tools/services/src/provide/server.ts';
import { redis } from '../../../tools/services/src/servers/redis.ts';
import { clientOf, freshUrl } from './support/stores.ts';
import { WITH_BATCHES, requestsOf } from './support/store-requests.ts';

const server = inject('redis');

test('a store sends as few commands as it can', async (context) => {
  if ('skip' in server) context.skip(server.skip);
  else if (!server.own) context.skip(`${redis.variable} is set, and others may use its server`);
  // One that nobody else asks anything.
  const own = await startServer(redis);
  onTestFinished(async () => own.stop());
  const client = clientOf(own.url);
  // Scripts are all that is sent; what they do in turn is counted under other names.
  const count = async (): Promise<number> => {
    const figures = (await client.info('commandstats')).matchAll(/^cmdstat_(?:eval|evalsha):calls=(\d+)/gm);
    return [...figures].reduce((sum, [, calls]) => sum + Number(calls), 0);
  };
  expect(await requestsOf(freshUrl(own.url), count)).toEqual(WITH_BATCHES);
});
