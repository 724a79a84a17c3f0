import { describeBackend } from '@securestore/backend-testkit';
import { composeLayers, createFaultInjector } from '@securestore/backend-api';
import { randomUUID } from 'node:crypto';
import { describe, inject, it } from 'vitest';
import { SERVER_STACKS } from '../../backend-api/test/layers/stacks.ts';
import { RedisBackend } from '../src/index.ts';
import { proxyTo } from '../../../tools/services/src/proxy/proxy.ts';
import { sized } from '../../../tools/campaigns/src/size.ts';

const server = inject('redis');
const PLAIN = 'no layers';

if ('skip' in server) {
  it.skip(`the backend contract (skipped: ${server.skip})`, () => undefined);
} else {
  for (const [name, layers] of Object.entries({ [PLAIN]: () => [], ...SERVER_STACKS })) {
    await describeBackend(
      { describe, it },
      {
        name: `redis with ${name}`,
        operations: sized({ short: 100, full: name === PLAIN ? 250 : 150, torture: 1000 }),
        createFixture: async () => {
          const proxy = await proxyTo(server.url);
          const faults = createFaultInjector();
          const url = `${proxy.url}?prefix=${randomUUID()}`;
          return {
            open: async () => {
              const backend = composeLayers(new RedisBackend(), [faults.layer, ...layers()]);
              await backend.init({ url, options: {} });
              return backend;
            },
            // Waiting for a server that is gone takes its time; once is enough.
            breakStorage: async () => (name === PLAIN ? proxy.cut() : faults.plan(() => ({ type: 'fail' }))),
            dispose: async () => proxy.close(),
          };
        },
      },
    );
  }
}
