import { describeBackend } from '@securestore/backend-testkit';
import { composeLayers, createFaultInjector } from '@securestore/backend-api';
import pg from 'pg';
import { afterAll, describe, inject, it } from 'vitest';
import { SERVER_STACKS } from '../../backend-api/test/layers/stacks.ts';
import { proxyTo } from '../../../tools/services/src/proxy/proxy.ts';
import { PostgresBackend } from '../src/index.ts';
import { freshTable } from './support/stores.ts';
import { sized } from '../../../tools/campaigns/src/size.ts';

const server = inject('postgres');
const PLAIN = 'no layers';

if ('skip' in server) {
  it.skip(`the backend contract (skipped: ${server.skip})`, () => undefined);
} else {
  const cleaner = new pg.Pool({ connectionString: server.url, max: 1 });
  afterAll(async () => cleaner.end());
  for (const [name, layers] of Object.entries({ [PLAIN]: () => [], ...SERVER_STACKS })) {
    await describeBackend(
      { describe, it },
      {
        name: `postgres with ${name}`,
        operations: sized({ short: 100, full: name === PLAIN ? 250 : 150, torture: 1000 }),
        createFixture: async () => {
          const faults = createFaultInjector();
          const proxy = await proxyTo(server.url);
          const table = freshTable();
          return {
            open: async () => {
              const backend = composeLayers(new PostgresBackend(), [faults.layer, ...layers()]);
              await backend.init({ url: `${proxy.url}?table=${table}`, options: {} });
              return backend;
            },
            breakStorage: async () => (name === PLAIN ? proxy.cut() : faults.plan(() => ({ type: 'fail' }))),
            dispose: async () => {
              await proxy.close();
              await cleaner.query(`DROP TABLE IF EXISTS "${table}", "${table}_state"`);
            },
          };
        },
      },
    );
  }
}
