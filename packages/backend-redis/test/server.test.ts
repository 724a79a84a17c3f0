import { expect, inject, onTestFinished, test } from 'vitest';
import { type Server, startServer } from '../../../tools/services/src/provide/server.ts';
import { redis } from '../../../tools/services/src/servers/redis.ts';
import { RedisBackend } from '../src/index.ts';
import { expectNoSecret } from './support/secrets.ts';
import { clientOf, freshUrl, openAt, utf8 } from './support/stores.ts';

// These tests change how a server is set up, so each has one of its own.
const provided = inject('redis');
const NO_SERVER = 'skip' in provided ? provided.skip : provided.own ? undefined : `${redis.variable} is set`;

async function ownServer(settings: { durable?: boolean } = {}): Promise<Server> {
  const server = await startServer(redis, settings);
  onTestFinished(async () => server.stop());
  return server;
}

async function warningsAt(url: string): Promise<[object, string][]> {
  const warnings: [object, string][] = [];
  const backend = new RedisBackend();
  const logger = { warn: (fields: object, message: string) => void warnings.push([fields, message]) };
  await backend.init({ url: freshUrl(url), options: {}, logger });
  await backend.close();
  expectNoSecret(warnings, [new URL(url).password]);
  return warnings;
}

test('a server that may forget is warned of, and one that does not is not', async (context) => {
  if (NO_SERVER !== undefined) context.skip(NO_SERVER);
  const server = await ownServer({ durable: true });
  expect(await warningsAt(server.url)).toEqual([]);
  const client = clientOf(server.url);
  await client.config('SET', 'appendfsync', 'everysec');
  expect(await warningsAt(server.url)).toEqual([
    [{ backend: 'redis', appendfsync: 'everysec' }, expect.stringContaining('last acknowledged writes')],
  ]);
  await client.config('SET', 'appendonly', 'no');
  await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
  expect((await warningsAt(server.url)).map(([, message]) => message)).toEqual([
    expect.stringContaining('evicts'),
    expect.stringContaining('loses acknowledged writes'),
  ]);
  await client.config('SET', 'maxmemory-policy', 'volatile-lru');
  expect(await warningsAt(server.url)).toHaveLength(1);
});

test('a user with no more rights than a store needs is enough, and one with less is ACCESS_DENIED', async (context) => {
  if (NO_SERVER !== undefined) context.skip(NO_SERVER);
  const { url } = await ownServer();
  const client = clientOf(url);
  const commands = 'eval evalsha time get set getrange strlen unlink hget hset hdel hmget zadd zrem zrangebylex';
  const rights = ['on', '>canary-7731', '~{securestore}:*', ...commands.split(' ').map((name) => `+${name}`)];
  await client.call('ACL', 'SETUSER', 'ann', ...rights);
  const storeUrl = url.replace(/:\/\/.*@/, '://ann:canary-7731@');
  const backend = await openAt(storeUrl);
  await backend.write('o/a', utf8('x'));
  expect((await backend.list('')).entries).toHaveLength(1);
  await backend.delete('o/a');
  await client.call('ACL', 'SETUSER', 'ann', '-set');
  const refused = await backend.write('o/a', utf8('x')).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'ACCESS_DENIED', retryable: false, key: 'o/a', outcome: 'unknown' });
  expectNoSecret(refused, ['canary-7731', new URL(url).password]);
  await client.call('ACL', 'SETUSER', 'ann', 'allkeys');
  expect((await warningsAt(storeUrl)).map(([, message]) => message)).toEqual([expect.stringContaining('INFO')]);
});

test('a server without memory left is NO_SPACE for what is written, and not for reading and deleting', async (context) => {
  if (NO_SERVER !== undefined) context.skip(NO_SERVER);
  const { url } = await ownServer();
  const backend = await openAt(url);
  await backend.write('o/a', utf8('x'));
  const client = clientOf(url);
  await client.config('SET', 'maxmemory', '1');
  await expect(backend.write('o/a', utf8('y'))).rejects.toMatchObject({ code: 'NO_SPACE', key: 'o/a' });
  expect(Buffer.from((await backend.read('o/a'))?.body ?? []).toString()).toBe('x');
  await backend.deleteMany(['o/a', 'o/missing']);
  expect(await backend.read('o/a')).toBeUndefined();
  await client.config('SET', 'maxmemory', '0');
  await backend.write('o/a', utf8('z'), { ifAbsent: true });
});

test('a replica is READ_ONLY, and a server with too few replicas UNAVAILABLE', async (context) => {
  if (NO_SERVER !== undefined) context.skip(NO_SERVER);
  const { url } = await ownServer();
  const backend = await openAt(url);
  const client = clientOf(url);
  await client.config('SET', 'min-replicas-to-write', '1');
  await expect(backend.write('o/a', utf8('y'))).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true });
  await client.config('SET', 'min-replicas-to-write', '0');
  await client.call('REPLICAOF', '127.0.0.1', '1');
  await expect(backend.write('o/a', utf8('y'))).rejects.toMatchObject({ code: 'READ_ONLY', key: 'o/a' });
});

test('a server that forgot the scripts is told them again', async (context) => {
  if (NO_SERVER !== undefined) context.skip(NO_SERVER);
  const { url } = await ownServer();
  const backend = await openAt(url);
  await backend.write('o/a', utf8('x'));
  await clientOf(url).script('FLUSH');
  await backend.write('o/a', utf8('y'), { ifMatch: (await backend.read('o/a'))?.etag ?? '' });
  await clientOf(url).script('FLUSH');
  expect((await backend.list('')).entries).toHaveLength(1);
});
