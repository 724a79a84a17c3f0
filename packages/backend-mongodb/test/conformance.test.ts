import { describeBackend } from '@securestore/backend-testkit';
import { composeLayers, createFaultInjector } from '@securestore/backend-api';
import { MongoClient } from 'mongodb';
import { afterAll, describe, inject, it } from 'vitest';
import { SERVER_STACKS } from '../../backend-api/test/layers/stacks.ts';
import { proxyTo } from '../../../tools/services/src/proxy/proxy.ts';
import { MongodbBackend } from '../src/index.ts';
import { freshCollection, freshUrl } from './support/stores.ts';
import { sized } from '../../../tools/campaigns/src/size.ts';

const server = inject('mongodb');
const PLAIN = 'no layers';

if ('skip' in server) {
  it.skip(`the backend contract (skipped: ${server.skip})`, () => undefined);
} else {
  const cleaner = new MongoClient(server.url);
  afterAll(async () => cleaner.close());
  for (const [name, layers] of Object.entries({ [PLAIN]: () => [], ...SERVER_STACKS })) {
    await describeBackend(
      { describe, it },
      {
        name: `mongodb with ${name}`,
        operations: sized({ short: 100, full: name === PLAIN ? 250 : 150, torture: 1000 }),
        createFixture: async () => {
          const faults = createFaultInjector();
          const proxy = await proxyTo(server.url);
          const collection = freshCollection();
          return {
            open: async () => {
              const backend = composeLayers(new MongodbBackend(), [faults.layer, ...layers()]);
              const options = { selectionTimeout: 10_000 };
              await backend.init({ url: freshUrl(proxy.url, collection), options });
              return backend;
            },
            breakStorage: async () => (name === PLAIN ? proxy.cut() : faults.plan(() => ({ type: 'fail' }))),
            dispose: async () => {
              await proxy.close();
              await cleaner.db().collection(collection).drop();
            },
          };
        },
      },
    );
  }
}
