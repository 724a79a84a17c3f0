import { describeBackend } from '@securestore/backend-testkit';
import { Cluster } from 'ioredis';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, inject, it } from 'vitest';
import { startServer } from '../../../tools/services/src/provide/server.ts';
import { redis } from '../../../tools/services/src/servers/redis.ts';
import { RedisBackend } from '../src/index.ts';
import { plainClient } from './support/stores.ts';

const provided = inject('redis');

/** A cluster of one server, which insists like any other that a script stays in one slot. */
async function startCluster(): Promise<Cluster> {
  const server = await startServer(redis, { args: ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'] });
  const client = plainClient(server.url);
  await client.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  while (!String(await client.call('CLUSTER', 'INFO')).includes('cluster_state:ok')) await sleep(20);
  client.disconnect();
  const { port, password } = new URL(server.url);
  const cluster = new Cluster([{ host: '127.0.0.1', port: Number(port) }], { redisOptions: { password } });
  afterAll(async () => {
    cluster.disconnect();
    await server.stop();
  });
  return cluster;
}

if ('skip' in provided || !provided.own) {
  const reason = 'skip' in provided ? provided.skip : `${redis.variable} is set`;
  it.skip(`the backend contract on a cluster (skipped: ${reason})`, () => undefined);
} else {
  const client = await startCluster();
  await describeBackend(
    { describe, it },
    {
      name: 'redis through a Cluster of the caller',
      createFixture: () => {
        const url = `redis://cluster/0?prefix=${randomUUID()}`;
        return {
          open: async () => {
            const backend = new RedisBackend();
            await backend.init({ url, options: {}, client });
            return backend;
          },
        };
      },
    },
  );
}
