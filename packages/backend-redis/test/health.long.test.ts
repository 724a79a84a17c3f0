import { expect, inject, onTestFinished, test } from 'vitest';
import { startServer } from '../../../tools/services/src/provide/server.ts';
import { redis } from '../../../tools/services/src/servers/redis.ts';
import {
  checkOf,
  describeHealth,
  expectRefused,
  look,
  opened,
  STOPPED,
  troubles,
} from '../../securestore/test/support/server-health.ts';
import { clientOf, freshUrl, proxied } from './support/stores.ts';

const provided = inject('redis');
const NO_SERVER = 'skip' in provided ? provided.skip : undefined;
const NO_OWN_SERVER = NO_SERVER ?? ('own' in provided && !provided.own ? `${redis.variable} is set` : undefined);

describeHealth({
  name: 'redis',
  skip: NO_SERVER,
  fresh: () => freshUrl('url' in provided ? provided.url : ''),
  proxied,
});

test('the health of a store on a server that ends, and that can not do all', async (context) => {
  if (NO_OWN_SERVER !== undefined) context.skip(NO_OWN_SERVER);
  const server = await startServer(redis, { durable: true });
  onTestFinished(() => server.stop());
  const client = clientOf(server.url);
  await client.call('ACL', 'SETUSER', 'ann', 'on', '>canary-7731', '~*', '+@all');
  const store = await opened(freshUrl(server.url.replace(/:\/\/.*@/, '://ann:canary-7731@')));
  expect(troubles(await look(store))).toEqual({});

  // Less than any server uses: what it uses now may be more than what it uses in the next moment.
  await client.config('SET', 'maxmemory', '1');
  const full = await look(store);
  expect(checkOf(full, 'backend')).toMatchObject({
    status: 'failing',
    reason: 'there is no room left (NO_SPACE)',
    advice: expect.stringContaining('make room'),
  });
  expect(checkOf(full, 'head').status).toBe('ok');
  await client.config('SET', 'maxmemory', '0');

  await client.call('REPLICAOF', '127.0.0.1', '1');
  expect(checkOf(await look(store), 'backend')).toMatchObject({
    status: 'degraded',
    reason: 'it takes no writes (READ_ONLY)',
  });
  await client.call('REPLICAOF', 'NO', 'ONE');
  expect(troubles(await look(store))).toEqual({ errors: 'degraded' });

  await client.call('ACL', 'DELUSER', 'ann');
  // It pauses before it connects anew.
  expectRefused(await look(store), 'UNAUTHENTICATED');
  await client.call('ACL', 'SETUSER', 'ann', 'on', '>canary-7731', '~*', '+@all');
  expect(troubles(await look(store))).toEqual({ errors: 'degraded' });

  await server.kill();
  expect(checkOf(await look(store), 'backend')).toMatchObject({
    status: 'failing',
    reason: expect.stringMatching(STOPPED),
  });
  await server.restart();
  await client.call('ACL', 'SETUSER', 'ann', 'on', '>canary-7731', '~*', '+@all');
  expect(troubles(await look(store))).toEqual({ errors: 'degraded' });
});
